package flowstore

import (
	"context"
	"sync"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// watchBacklog is how many batches a watcher may lag behind before it misses some.
const watchBacklog = 64

// Hub is a Watcher that stores embed: they Publish what they have stored. The
// zero Hub is ready to use.
type Hub struct {
	mu       sync.Mutex
	watchers map[*watcher]struct{}
	closed   bool
}

type watcher struct {
	events chan Event
	missed int
}

// Watch implements Watcher.
func (h *Hub) Watch(ctx context.Context) <-chan Event {
	w := &watcher{events: make(chan Event, watchBacklog)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		close(w.events)
		return w.events
	}
	if h.watchers == nil {
		h.watchers = make(map[*watcher]struct{})
	}
	h.watchers[w] = struct{}{}
	context.AfterFunc(ctx, func() { h.remove(w) })
	return w.events
}

func (h *Hub) remove(w *watcher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.watchers[w]; ok {
		delete(h.watchers, w)
		close(w.events)
	}
}

// Publish sends batch to every watcher without waiting for any.
func (h *Hub) Publish(batch *flow.Batch) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.watchers {
		select {
		case w.events <- Event{Batch: batch, Missed: w.missed}:
			w.missed = 0
		default:
			w.missed += batch.Len()
		}
	}
}

// Watched reports whether anybody watches, so that a store can spare itself the
// copy that Publish needs.
func (h *Hub) Watched() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.watchers) > 0
}

// Close ends every watch, now and in future.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for w := range h.watchers {
		delete(h.watchers, w)
		close(w.events)
	}
}
