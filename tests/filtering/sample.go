package filtering

import (
	"cmp"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// Sample is a batch of records with a name each. The two reports of one connection are
// named after it: "web to db, source" and "web to db, destination".
type Sample struct {
	Batch flow.Batch
	// Connections are the names of what both ends report.
	Connections []string

	at    time.Time
	names map[string]string // by flow.id
}

// NewSample returns records of the interval that ends at a time.
func NewSample(at time.Time) *Sample {
	s := &Sample{at: at, names: map[string]string{}}
	s.inside()
	s.outside()
	s.denied()
	s.partial()
	s.Batch.Losses = []flow.Loss{{
		ID: s.id("loss"), Observer: observerOn("node-1"), Start: at.UnixNano(), End: at.UnixNano(),
		Stage: flow.StageRingBuffer, Unit: flow.UnitConnections, Count: 3,
	}}
	s.Batch.Agents = []flow.Agent{{
		ID: s.id("agent"), Observer: observerOn("node-1"), Time: at.UnixNano(), Started: at.Add(-time.Hour).UnixNano(), Interval: int64(interval),
	}}
	return s
}

const interval = 10 * time.Second

// Name tells which record has an id.
func (s *Sample) Name(id string) string { return s.names[id] }

// Names are those of all records.
func (s *Sample) Names() []string {
	var names []string
	for _, name := range s.names {
		names = append(names, name)
	}
	return names
}

func (s *Sample) id(name string) flow.ID {
	id := flow.ID{Node: 1, Epoch: 1, Counter: uint64(len(s.names) + 1)}
	s.names[id.String()] = name
	return id
}

// change is how a record differs from the usual one.
type change func(*flow.Flow)

// both adds the reports of either end.
func (s *Sample) both(name string, from, to flow.Endpoint, changes ...change) {
	s.Connections = append(s.Connections, name)
	s.add(name+", source", flow.ReporterSource, from, to, changes...)
	s.add(name+", destination", flow.ReporterDestination, from, to, changes...)
}

// add adds what one end reports: a connection that was open before and still is. What
// runs on another node than the reporter is not known to it by process.
func (s *Sample) add(name string, reporter flow.Reporter, from, to flow.Endpoint, changes ...change) {
	own, other := &from, &to
	if reporter == flow.ReporterDestination {
		own, other = &to, &from
	}
	node := cmp.Or(nodeOf(own), "node-1")
	sameNode := node == nodeOf(other)
	f := flow.Flow{
		ID: s.id(name), Observer: observerOn(node), Start: s.at.Add(-interval).UnixNano(), End: s.at.UnixNano(),
		Reporter: reporter, PeerObserved: sameNode, Action: flow.Allow, Transport: flow.TransportTCP,
		Process:     flow.Process{Executable: own.Process, PID: 4711, CommandLine: flow.Intern(own.Process.String() + " --verbose")},
		Connections: flow.Connections{Seen: 1, Open: 1},
	}
	if !sameNode {
		other.Process = flow.Name{}
	}
	from.Bytes, from.Packets, from.PayloadBytes = 5400, 10, 5000
	to.Bytes, to.Packets, to.PayloadBytes = 50400, 40, 50000
	f.Source, f.Destination = from, to
	for _, c := range changes {
		c(&f)
	}
	s.Batch.Flows = append(s.Batch.Flows, f)
}

func observerOn(node string) flow.Observer {
	return flow.Observer{Host: flow.Intern(node), Node: flow.Intern(node)}
}

func nodeOf(e *flow.Endpoint) string {
	if e.Kubernetes == nil {
		return ""
	}
	return e.Kubernetes.Node.String()
}
