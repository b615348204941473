package flowstore

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

func batchOf(flows int) *flow.Batch { return &flow.Batch{Flows: make([]flow.Flow, flows)} }

// drain receives what is there, and whether the channel is closed after it.
func drain(events <-chan Event) (got []Event, closed bool) {
	for {
		select {
		case e, ok := <-events:
			if !ok {
				return got, true
			}
			got = append(got, e)
		default:
			return got, false
		}
	}
}

func TestEveryWatcherGetsEveryBatch(t *testing.T) {
	var hub Hub
	assert.False(t, hub.Watched())
	hub.Publish(batchOf(1))
	first, second := hub.Watch(t.Context()), hub.Watch(t.Context())
	assert.True(t, hub.Watched())
	batch := batchOf(2)
	hub.Publish(batch)
	for _, events := range []<-chan Event{first, second} {
		got, closed := drain(events)
		assert.False(t, closed)
		assert.Equal(t, []Event{{Batch: batch}}, got, "what came before the watch is not sent")
	}
	hub.Close()
}

func TestASlowWatcherIsToldWhatItMissed(t *testing.T) {
	var hub Hub
	defer hub.Close()
	events := hub.Watch(t.Context())
	for range watchBacklog + 10 {
		hub.Publish(batchOf(3))
	}
	got, _ := drain(events)
	require.Len(t, got, watchBacklog)
	for _, e := range got {
		assert.Zero(t, e.Missed)
	}
	hub.Publish(batchOf(1))
	hub.Publish(batchOf(1))
	got, _ = drain(events)
	require.Len(t, got, 2)
	assert.Equal(t, 30, got[0].Missed)
	assert.Zero(t, got[1].Missed, "told once")
}

func TestAWatchEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hub Hub
		ctx, cancel := context.WithCancel(t.Context())
		events := hub.Watch(ctx)
		hub.Publish(batchOf(1))
		cancel()
		synctest.Wait()
		got, closed := drain(events)
		assert.True(t, closed)
		assert.Len(t, got, 1)
		assert.False(t, hub.Watched())
		hub.Publish(batchOf(1))
		hub.Close()
	})
}

func TestCloseEndsWatchesNowAndInFuture(t *testing.T) {
	var hub Hub
	before := hub.Watch(t.Context())
	hub.Close()
	hub.Close()
	hub.Publish(batchOf(1))
	for _, events := range []<-chan Event{before, hub.Watch(t.Context())} {
		got, closed := drain(events)
		assert.True(t, closed)
		assert.Empty(t, got)
	}
}

func TestHubTakesConcurrentUse(t *testing.T) {
	var hub Hub
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			events := hub.Watch(ctx)
			seen := 0
			for range 100 {
				hub.Publish(batchOf(1))
				got, _ := drain(events)
				for _, e := range got {
					seen += e.Batch.Len() + e.Missed
				}
			}
			assert.GreaterOrEqual(t, seen, 100-watchBacklog, "its own batches at least, but for what is not told yet")
		})
	}
	group.Wait()
	hub.Close()
	assert.False(t, hub.Watched())
}

func TestViews(t *testing.T) {
	source := flow.Flow{Reporter: flow.ReporterSource, PeerObserved: true}
	alone := flow.Flow{Reporter: flow.ReporterDestination}
	mirrored := flow.Flow{Reporter: flow.ReporterDestination, PeerObserved: true}
	forward := flow.Flow{Reporter: flow.ReporterForward}
	for name, want := range map[string][4]bool{
		"":            {true, true, false, true},
		"once":        {true, true, false, true},
		"all":         {true, true, true, true},
		"source":      {true, false, false, false},
		"destination": {false, true, true, false},
		"forward":     {false, false, false, true},
	} {
		view, err := ParseView(name)
		require.NoError(t, err)
		for i, f := range []*flow.Flow{&source, &alone, &mirrored, &forward} {
			assert.Equal(t, want[i], view.Includes(f), "%q %d", name, i)
		}
	}
	_, err := ParseView("both")
	assert.EqualError(t, err, `unknown reporter "both": use once, source, destination, forward or all`)
}

func TestARecordLiesWhereItEnds(t *testing.T) {
	s := Selection{Range: Range{From: 10, To: 20}}
	for end, want := range map[int64]bool{9: false, 10: true, 19: true, 20: false} {
		assert.Equal(t, want, s.Includes(&flow.Flow{Start: 5, End: end}), end)
	}
}
