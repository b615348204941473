package bulk

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

var limits = Limits{MaxSize: 1 << 20, MaxRequests: 4, Slow: time.Second}

// take takes a turn that is free.
func take(t *testing.T, p *Pace) turn {
	t.Helper()
	mine, err := p.wait(t.Context())
	require.NoError(t, err)
	return mine
}

func TestRequestsShrinkWhenTheServerIsStrainedAndGrowAgain(t *testing.T) {
	p := NewPace(limits)
	require.Equal(t, 1<<20, p.Size())
	p.done(take(t, p), 1<<20, 0, strained)
	require.Equal(t, 1<<19, p.Size())
	p.done(take(t, p), 1<<19, 2*time.Second, fine)
	require.Equal(t, 1<<18, p.Size(), "slow counts as strained")
	p.done(take(t, p), 1<<18, 0, away)
	require.Equal(t, 1<<18, p.Size(), "a server that is away says nothing about sizes")
	for range 10 {
		p.done(take(t, p), p.Size(), 0, strained)
	}
	require.Equal(t, minSize, p.Size())

	p.done(take(t, p), 1000, 0, fine)
	require.Equal(t, minSize, p.Size(), "a small request says nothing about large ones")
	for range 15 {
		p.done(take(t, p), p.Size(), 0, fine)
	}
	require.Equal(t, 1<<20, p.Size())
}

func TestWhatWasTooLargeIsNotTriedAgain(t *testing.T) {
	p := NewPace(limits)
	p.tooLarge(1 << 20)
	require.Equal(t, 1<<19, p.Size())
	for range 20 {
		p.done(take(t, p), p.Size(), 0, fine)
	}
	require.Equal(t, 1<<19, p.Size())
	p.tooLarge(3000)
	require.Equal(t, 1500, p.Size(), "a server's limit counts, however small")
}

func TestMoreRequestsWhileTheyAreUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPace(limits)
		running := make(chan turn, 100)
		for range 40 {
			go func() {
				mine, err := p.wait(context.Background())
				if err == nil {
					running <- mine
				}
			}()
		}
		synctest.Wait()
		require.Len(t, running, 1)
		for range 30 {
			p.done(<-running, 1<<20, 0, fine)
			synctest.Wait()
		}
		require.Equal(t, 4, p.Requests())
		require.Len(t, running, 4)

		// All four tell of the same strain: that counts once.
		for range 4 {
			p.done(<-running, 1<<20, 0, strained)
			synctest.Wait()
		}
		require.Equal(t, 2, p.Requests())
		require.Equal(t, 1<<19, p.Size())
		require.Len(t, running, 2)
		for range 6 {
			p.done(<-running, 1<<20, 0, away)
			synctest.Wait()
		}
		require.Equal(t, 1, p.Requests())
		for p.underway > 0 {
			p.done(<-running, 0, 0, fine)
			synctest.Wait()
		}
	})
}

func TestWhoGivesUpWaitingTakesNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPace(limits)
		mine := take(t, p)
		ctx, cancel := context.WithCancel(context.Background())
		gaveUp := make(chan error)
		go func() {
			_, err := p.wait(ctx)
			gaveUp <- err
		}()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-gaveUp, context.Canceled)
		p.done(mine, 0, 0, fine)
		require.Zero(t, p.underway)
		require.Empty(t, p.waiting)
		p.done(take(t, p), 0, 0, fine)
	})
}
