//go:build linux

package probe

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A cut comes behind the events of its sweep, however few Read takes at a time, and
// once.
func TestQueue(t *testing.T) {
	q := newQueue()
	events := make([]Event, 2)
	go q.deliver(make([]Event, 3))
	var got []int
	for {
		n, err := q.read(events)
		if err != nil {
			require.ErrorIs(t, err, ErrCut)
			break
		}
		if n > 0 {
			got = append(got, n)
		}
	}
	require.Equal(t, []int{2, 1}, got)
	begun := time.Now()
	n, err := q.read(events)
	require.Zero(t, n)
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(begun), pollInterval, "it waits for the next sweep")
	q.close()
	_, err = q.read(events)
	require.ErrorIs(t, err, os.ErrClosed)
}

// What a reader has not taken yet is not lost to the next sweep.
func TestASweepKeepsWhatWasNotReadYet(t *testing.T) {
	q := newQueue()
	q.deliver([]Event{{Time: 1}, {Time: 2}})
	events := make([]Event, 1)
	n, err := q.take(events)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	q.deliver([]Event{{Time: 3}})
	var times []int64
	for {
		n, err := q.take(events)
		if err != nil {
			require.ErrorIs(t, err, ErrCut)
			break
		}
		require.Equal(t, 1, n)
		times = append(times, events[0].Time)
	}
	require.Equal(t, []int64{2, 3}, times)
}
