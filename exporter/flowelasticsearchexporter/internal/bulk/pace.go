package bulk

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Limits are what a Pace stays within.
type Limits struct {
	// MaxSize is the most bytes of documents for a request, before compression.
	MaxSize int
	// MaxRequests is the most requests that are under way at once.
	MaxRequests int
	// Slow is from when on a request takes so long that there should be less to do.
	Slow time.Duration
}

// minSize is the least a request shrinks to, in bytes: less costs the server more by the
// document than it saves.
const minSize = 64 << 10

// Pace says how large requests are to be and how many are to be under way: more, step by
// step, while the server answers in time, and half as much each time it does not. It is
// safe for concurrent use.
type Pace struct {
	limits Limits

	mu       sync.Mutex
	size     int
	ceiling  int // of size: what was too large is not tried again
	requests float64
	underway int
	waiting  []chan struct{}
	// cuts is how often there was less: what began before the last time tells nothing new.
	cuts int
}

// NewPace returns a Pace that begins with large requests, one at a time.
func NewPace(limits Limits) *Pace {
	return &Pace{limits: limits, size: limits.MaxSize, ceiling: limits.MaxSize, requests: 1}
}

// Size is how many bytes of documents a request is to have.
func (p *Pace) Size() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.size
}

// Requests is how many requests may be under way.
func (p *Pace) Requests() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return int(p.requests)
}

// turn is a request's leave to be under way.
type turn struct{ cuts int }

// wait waits for a turn, which is to be given back by done.
func (p *Pace) wait(ctx context.Context) (turn, error) {
	p.mu.Lock()
	if p.underway < int(p.requests) && len(p.waiting) == 0 {
		defer p.mu.Unlock()
		p.underway++
		return turn{p.cuts}, nil
	}
	mine := make(chan struct{})
	p.waiting = append(p.waiting, mine)
	p.mu.Unlock()

	var err error
	select {
	case <-mine:
	case <-ctx.Done():
		err = ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		if i := slices.Index(p.waiting, mine); i >= 0 {
			p.waiting = slices.Delete(p.waiting, i, i+1)
		} else {
			p.underway-- // the turn came at the same time
			p.admit()
		}
	}
	return turn{p.cuts}, err
}

// load is what a request says about how much the server can take.
type load uint8

const (
	fine     load = iota // it can take more
	away                 // it cannot be reached: fewer requests
	strained             // fewer requests, and smaller ones
)

// done gives a turn back, of a request with size bytes of documents that took so long.
func (p *Pace) done(t turn, size int, took time.Duration, load load) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if load == fine && took > p.limits.Slow {
		load = strained
	}
	switch {
	case load == fine:
		p.more(size)
	case t.cuts == p.cuts:
		p.cuts++
		p.requests = max(1, p.requests/2)
		if load == strained {
			p.size = p.within(p.size / 2)
		}
	}
	p.underway--
	p.admit()
}

// more adds one request for each round of them if they are all used, and a sixteenth of
// the largest size if the size was used.
func (p *Pace) more(size int) {
	if len(p.waiting) > 0 {
		p.requests = min(float64(p.limits.MaxRequests), p.requests+1/p.requests)
	}
	if size >= p.size/2 {
		p.size = p.within(p.size + p.limits.MaxSize/16)
	}
}

// tooLarge learns that a request of size bytes was, for good.
func (p *Pace) tooLarge(size int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ceiling = max(1, min(p.ceiling, size/2))
	p.size = p.within(p.size)
}

func (p *Pace) within(size int) int { return min(p.ceiling, max(minSize, size)) }

// admit lets those that wait begin.
func (p *Pace) admit() {
	for len(p.waiting) > 0 && p.underway < int(p.requests) {
		close(p.waiting[0])
		p.waiting = slices.Delete(p.waiting, 0, 1)
		p.underway++
	}
}
