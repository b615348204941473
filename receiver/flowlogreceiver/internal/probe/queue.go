//go:build linux

package probe

import (
	"os"
	"sync"
	"time"
)

// queue hands the events of a sweep to Read, and the cut behind them.
type queue struct {
	mu     sync.Mutex
	events []Event
	cut    bool
	closed bool
	// wake holds a token when there is something new to take.
	wake chan struct{}
}

func newQueue() queue { return queue{wake: make(chan struct{}, 1)} }

// deliver adds the events of a sweep, which ends with them. What a reader has not
// taken of the sweep before stays in front.
func (q *queue) deliver(events []Event) {
	q.mu.Lock()
	q.events = append(q.events, events...)
	q.cut = true
	q.mu.Unlock()
	q.signal()
}

// close makes take return os.ErrClosed.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// read is Source.Read on what was delivered.
func (q *queue) read(events []Event) (int, error) {
	if n, err := q.take(events); n > 0 || err != nil {
		return n, err
	}
	timeout := time.NewTimer(pollInterval)
	defer timeout.Stop()
	select {
	case <-q.wake:
	case <-timeout.C:
	}
	return q.take(events)
}

func (q *queue) take(events []Event) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := copy(events, q.events)
	q.events = q.events[n:]
	switch {
	case n > 0:
		return n, nil
	case q.closed:
		return 0, os.ErrClosed
	case q.cut:
		q.cut = false
		return 0, ErrCut
	}
	return 0, nil
}
