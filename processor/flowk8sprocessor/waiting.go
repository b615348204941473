package flowk8sprocessor

import (
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
)

// waiting holds records until they are due, within a bound.
type waiting struct {
	most int

	mu      sync.Mutex
	batches []batch
	records int
}

// batch is what waits together.
type batch struct {
	logs    plog.Logs
	records int
	// due is when it goes on at the latest; forSync lets it go as soon as the cluster has
	// been seen.
	due     time.Time
	forSync bool
	// identified is set once its records are filled in, and only the pipeline is waited
	// for.
	identified bool
}

// take lets b wait, or reports that there is no room for it.
func (w *waiting) take(b batch) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.records+b.records > w.most {
		return false
	}
	w.batches = append(w.batches, b)
	w.records += b.records
	return true
}

// ready returns the batches that are due, in their order. They count until they are done.
func (w *waiting) ready(now time.Time, settled bool) []batch {
	w.mu.Lock()
	defer w.mu.Unlock()
	var ready, rest []batch
	for _, b := range w.batches {
		if !now.Before(b.due) || settled && b.forSync {
			ready = append(ready, b)
		} else {
			rest = append(rest, b)
		}
	}
	w.batches = rest
	return ready
}

// done tells that a batch that was ready has gone.
func (w *waiting) done(b batch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.records -= b.records
}

// again lets a batch that was ready wait for longer.
func (w *waiting) again(b batch, due time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	b.due, b.forSync, b.identified = due, false, true
	w.batches = append(w.batches, b)
}

func (w *waiting) len() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.records
}
