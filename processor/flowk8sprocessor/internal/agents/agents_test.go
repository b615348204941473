package agents

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// at is so many seconds after the agents of these tests start.
func at(seconds int) time.Time { return time.Unix(1000+int64(seconds), 0) }

func sign(node string, told int) *flow.Agent {
	return &flow.Agent{
		Observer: flow.Observer{Node: flow.Intern(node)}, Time: at(told).UnixNano(), Started: at(0).UnixNano(), Interval: int64(10 * time.Second),
		Engines: []flow.Engine{{Name: "tcp", On: true}, {Name: "datagram", On: true}, {Name: "drops"}},
	}
}

func TestCaptured(t *testing.T) {
	tests := map[string]struct {
		change     func(*flow.Agent)
		transport  flow.Transport
		node       string
		start, end int
		want       bool
	}{
		"before the sign":                    {start: 80, end: 90, want: true},
		"after the sign":                     {start: 105, end: 115, want: true},
		"at the end of its patience":         {start: 120, end: 130, want: true},
		"after too long a silence":           {start: 121, end: 131},
		"before it ended":                    {change: ended, start: 90, end: 100, want: true},
		"after it ended":                     {change: ended, start: 91, end: 101},
		"since the agent started":            {start: 0, end: 10, want: true},
		"from before the agent started":      {start: -1, end: 10},
		"another node":                       {node: "node-2", start: 80, end: 90},
		"no node":                            {node: "-", start: 80, end: 90},
		"three long intervals":               {change: func(a *flow.Agent) { a.Interval = int64(time.Hour) }, start: 100, end: 100 + 3*3600, want: true},
		"more than three long intervals":     {change: func(a *flow.Agent) { a.Interval = int64(time.Hour) }, start: 100, end: 101 + 3*3600},
		"an interval beyond all reason":      {change: func(a *flow.Agent) { a.Interval = 1<<63 - 1 }, start: 100, end: 101, want: true},
		"a clock that is ahead":              {change: func(a *flow.Agent) { a.Time = at(9999).UnixNano() }, start: 121, end: 131},
		"a datagram, which is captured too":  {transport: flow.TransportUDP, start: 80, end: 90, want: true},
		"a datagram, which is not captured":  {change: off("datagram"), transport: flow.TransportUDP, start: 80, end: 90},
		"an echo, which is not captured":     {change: off("datagram"), transport: flow.TransportICMP, start: 80, end: 90},
		"TCP where datagrams are not":        {change: off("datagram"), start: 80, end: 90, want: true},
		"TCP, which is not captured":         {change: off("tcp"), start: 80, end: 90},
		"an agent that captures nothing yet": {change: func(a *flow.Agent) { a.Engines = nil }, start: 80, end: 90},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var table Table
			a := sign("node-1", 100)
			if test.change != nil {
				test.change(a)
			}
			table.Learn(a, at(100))
			node, transport := test.node, test.transport
			if node == "" {
				node = "node-1"
			}
			if transport == 0 {
				transport = flow.TransportTCP
			}
			assert.Equal(t, test.want, table.Captured(node, transport, at(test.start).UnixNano(), at(test.end).UnixNano()))
		})
	}
}

func ended(a *flow.Agent) { a.Ended = true }

func off(engine string) func(*flow.Agent) {
	return func(a *flow.Agent) {
		for i := range a.Engines {
			a.Engines[i].On = a.Engines[i].On && a.Engines[i].Name != engine
		}
	}
}

func TestTheNewestSignCounts(t *testing.T) {
	var table Table
	captured := func(start, end int) bool {
		return table.Captured("node-1", flow.TransportTCP, at(start).UnixNano(), at(end).UnixNano())
	}
	table.Learn(sign("node-1", 100), at(100))
	table.Learn(sign("node-1", 50), at(101)) // it had waited
	assert.True(t, captured(120, 130))

	again := sign("node-1", 120)
	again.Started = again.Time
	table.Learn(again, at(120))
	assert.False(t, captured(115, 125), "the agent was away for a part of it")
	assert.True(t, captured(125, 135))
}

// An agent that is replaced says that it ends, and the next that it has started: from the
// one to the other nobody captures.
func TestAnAgentThatIsReplaced(t *testing.T) {
	var table Table
	captured := func(start, end int) bool {
		return table.Captured("node-1", flow.TransportTCP, at(start).UnixNano(), at(end).UnixNano())
	}
	last := sign("node-1", 100)
	last.Ended = true
	table.Learn(last, at(100))
	table.Learn(sign("node-1", 90), at(101)) // it had waited
	assert.True(t, captured(90, 100))
	assert.False(t, captured(95, 105))
	assert.Equal(t, 1, table.Alive(at(100)))
	assert.Zero(t, table.Alive(at(101)))

	next := sign("node-1", 103)
	next.Started = next.Time
	table.Learn(next, at(103))
	table.Learn(last, at(104)) // it had waited
	assert.False(t, captured(95, 105))
	assert.False(t, captured(101, 111))
	assert.True(t, captured(103, 113))
	assert.Equal(t, 1, table.Alive(at(104)))
}

func TestTheTableIsBounded(t *testing.T) {
	var table Table
	for i := range most + 1 {
		table.Learn(sign(fmt.Sprint("node-", i), 0), at(0))
	}
	assert.Len(t, table.nodes, most)
	assert.Equal(t, most, table.Alive(at(30)))
	assert.Zero(t, table.Alive(at(31)))
	table.Learn(sign("node-0", 10), at(10))
	assert.Equal(t, 1, table.Alive(at(31)), "one that is known has its place")
	table.Learn(sign("late", 31), at(31))
	assert.Len(t, table.nodes, 2, "the silent gave way")
}
