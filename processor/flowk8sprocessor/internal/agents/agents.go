// Package agents remembers on which nodes an agent captures, by the signs of life that
// agents send.
package agents

import (
	"sync"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

const (
	// most bounds how many nodes are remembered, some 150 bytes each: three times what
	// Kubernetes supports in a cluster.
	most = 16384
	// missed and silence are for how long an agent that has not said that it ends may be
	// silent before it counts as gone: as many of its intervals, and at least so long, for
	// a sign that had to be sent again comes late.
	missed  = 3
	silence = 30 * time.Second
)

// Table is what is known, for any number of goroutines. The zero Table knows none.
type Table struct {
	mu    sync.RWMutex
	nodes map[string]agent
}

// agent is one that captures on a node, as its newest sign of life has it. Times are in
// nanoseconds since the Unix epoch.
type agent struct {
	// told is when it sent the sign. Without another it counts as there as long as until.
	started, told, until int64
	tcp, datagram        bool
}

// Learn takes in a sign of life, whose observer names its node, at now. One that is older
// than the newest of its node tells nothing; one for which there is no room is passed over.
func (t *Table) Learn(sign *flow.Agent, now time.Time) {
	node := sign.Observer.Node.String()
	// A clock that is ahead does not keep an agent alive.
	told := min(sign.Time, now.UnixNano())
	a := agent{started: sign.Started, told: told, until: told}
	if !sign.Ended {
		a.until += int64(patience(sign.Interval))
	}
	for _, e := range sign.Engines {
		switch e.Name {
		case "tcp":
			a.tcp = e.On
		case "datagram":
			a.datagram = e.On
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	before, known := t.nodes[node]
	if known && before.told > told || !known && !t.room(now) {
		return
	}
	if t.nodes == nil {
		t.nodes = make(map[string]agent)
	}
	t.nodes[node] = a
}

func patience(interval int64) time.Duration {
	const longest = 24 * time.Hour // nobody's, but a sum that stays in its type
	return max(missed*min(time.Duration(interval), longest), silence)
}

// room makes room for a node where there is none, by forgetting the silent.
func (t *Table) room(now time.Time) bool {
	if len(t.nodes) < most {
		return true
	}
	for node, a := range t.nodes {
		if a.until < now.UnixNano() {
			delete(t.nodes, node)
		}
	}
	return len(t.nodes) < most
}

// Captured reports whether a node's agent captured flows of a transport all the time from
// start to end, as far as it is known. It goes by the times of signs and flows, not by when
// they came: both may have waited for long.
func (t *Table) Captured(node string, transport flow.Transport, start, end int64) bool {
	t.mu.RLock()
	a, ok := t.nodes[node]
	t.mu.RUnlock()
	if !ok || start < a.started || end > a.until {
		return false
	}
	if transport == flow.TransportTCP {
		return a.tcp
	}
	return a.datagram
}

// Alive is how many nodes have an agent that was heard of lately.
func (t *Table) Alive(now time.Time) int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	n := 0
	for _, a := range t.nodes {
		if a.until >= now.UnixNano() {
			n++
		}
	}
	return n
}
