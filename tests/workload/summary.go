package workload

import (
	"net/netip"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// Summary says how much some records are, and how much there is to merge. The zero
// Summary is of none.
type Summary struct {
	// Records counts them, Denied those among them of what was denied.
	Records, Denied int
	// Connections are those that were started, as a view counts them.
	Connections uint64
	// Bytes are those of OTLP protobuf, before compression.
	Bytes int

	tuples map[tuple]struct{}
	pairs  map[pair]struct{}
}

// tuple is what tells flows apart on the wire; merged ports are 0.
type tuple struct {
	transport           flow.Transport
	source, destination netip.AddrPort
}

// pair is who talks to whom, at which port. Where there is no workload its namespace,
// kind and name are unknown, and the type tells one from another.
type pair struct {
	transport           flow.Transport
	source, destination who
	port                uint16
}

type who struct {
	kind                               flow.EndpointType
	namespace, workloadKind, name, net flow.Name
}

// Add counts a batch.
func (s *Summary) Add(batch *flow.Batch, observed time.Time) {
	if s.tuples == nil {
		s.tuples, s.pairs = make(map[tuple]struct{}), make(map[pair]struct{})
	}
	for i := range batch.Flows {
		f := &batch.Flows[i]
		s.Records++
		if f.Action == flow.Deny {
			s.Denied++
		}
		if f.CountsOnce() {
			s.Connections += f.Connections.Started
		}
		s.tuples[tuple{f.Transport, netip.AddrPortFrom(f.Source.Address, f.Source.Port), netip.AddrPortFrom(f.Destination.Address, f.Destination.Port)}] = struct{}{}
		s.pairs[pair{f.Transport, whoIs(&f.Source), whoIs(&f.Destination), f.Destination.Port}] = struct{}{}
	}
	s.Bytes += new(plog.ProtoMarshaler).LogsSize(flow.Encode(batch, observed))
}

func whoIs(e *flow.Endpoint) who {
	w := who{kind: e.Type}
	if k := e.Kubernetes; k != nil {
		w.namespace, w.workloadKind, w.name, w.net = k.Namespace, k.WorkloadKind, k.WorkloadName, k.Network
	}
	return w
}

// Tuples is how many 5-tuples there are.
func (s *Summary) Tuples() int { return len(s.tuples) }

// Pairs is how many pairs of workloads and ports there are.
func (s *Summary) Pairs() int { return len(s.pairs) }
