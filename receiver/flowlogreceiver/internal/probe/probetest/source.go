//go:build linux

// Package probetest stands in for the kernel in tests of what lies above it.
package probetest

import (
	"os"
	"sync"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
)

// Source delivers the events that a test adds. The zero Source is open.
type Source struct {
	mu     sync.Mutex
	events []probe.Event
	cuts   int
	losses probe.Losses
	failed error
	sweep  error // what Sweep returns
	closed bool
}

var _ probe.Source = (*Source)(nil)

// Engine returns an engine with that name that captures from s, anew each time
// it is opened.
func (s *Source) Engine(name string) probe.Engine {
	return probe.Engine{
		Name:    name,
		Missing: func() error { return nil },
		Open: func(probe.Options) (probe.Source, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.events, s.cuts, s.losses, s.failed, s.sweep, s.closed = nil, 0, probe.Losses{}, nil, nil, false
			return s, nil
		},
	}
}

// Add appends events to what Read returns.
func (s *Source) Add(events ...probe.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, events...)
}

// Lose sets what Losses returns.
func (s *Source) Lose(losses probe.Losses) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.losses = losses
}

// Fail makes Read return err once it has returned every event.
func (s *Source) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = err
}

// FailSweep makes Sweep return err, though it cuts.
func (s *Source) FailSweep(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep = err
}

// Read implements probe.Source.
func (s *Source) Read(events []probe.Event) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, os.ErrClosed
	}
	n := copy(events, s.events)
	s.events = s.events[n:]
	switch {
	case n > 0:
		return n, nil
	case s.failed != nil:
		return 0, s.failed
	case s.cuts > 0:
		s.cuts--
		return 0, probe.ErrCut
	}
	s.mu.Unlock()
	time.Sleep(time.Millisecond) // as the real one waits for events
	s.mu.Lock()
	return 0, nil
}

// Sweep implements probe.Source; there are no living connections.
func (s *Source) Sweep(uint32) (probe.SweepResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cuts++
	return probe.SweepResult{}, s.sweep
}

// Losses implements probe.Source.
func (s *Source) Losses() (probe.Losses, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.losses, nil
}

// Close implements probe.Source.
func (s *Source) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}
