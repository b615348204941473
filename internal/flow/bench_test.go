package flow_test

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/meter"
)

// typicalBatch is what one interval of a busy machine looks like: every
// attribute that the receiver knows of a TCP connection, one observer.
func typicalBatch(n int) *flow.Batch {
	r := rand.New(rand.NewPCG(1, 1))
	names := []flow.Name{flow.Intern("nginx"), flow.Intern("chromium"), flow.Intern("postgres"), flow.Intern("curl")}
	cgroup := flow.Intern("/system.slice/nginx.service")
	flows := make([]flow.Flow, n)
	for i := range flows {
		bytes := r.Uint64N(1 << 20)
		name := names[r.IntN(len(names))]
		source := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
		flows[i] = flow.Flow{
			ID:    flow.ID{Node: 0xdeadbeef, Epoch: 1767355170, Counter: uint64(i + 1)},
			Start: 1767355165e9, End: 1767355170e9,
			Observer: flow.Observer{Host: flow.Intern("machine")},
			Reporter: flow.ReporterSource, PeerObserved: true, Action: flow.Allow, Transport: flow.TransportTCP, NetworkNamespace: 4026531840,
			Source:      flow.Endpoint{Address: source, Type: flow.EndpointHost, Scope: flow.ScopePrivate, Process: name, Bytes: bytes, Packets: bytes / 1000, PayloadBytes: bytes * 9 / 10},
			Destination: flow.Endpoint{Address: netip.MustParseAddr("203.0.113.7"), Port: 443, Type: flow.EndpointNetwork, Scope: flow.ScopePublic, Bytes: bytes, Packets: bytes / 1000, PayloadBytes: bytes * 9 / 10},
			Process:     flow.Process{Executable: name, PID: 4711, Cgroup: cgroup},
			Connections: flow.Connections{Seen: 10, Started: 5, Completed: 5, Open: 5},
			TCP:         flow.TCP{RTTSum: 1000, RTTSamples: 10, RTTMin: 80, RTTMax: 130, Retransmits: 1},
		}
	}
	return &flow.Batch{Flows: flows}
}

const batchSize = 1000

func BenchmarkEncode(b *testing.B) {
	batch, now := typicalBatch(batchSize), time.Now()
	b.ReportAllocs()
	m := meter.Start()
	for b.Loop() {
		flow.Encode(batch, now)
	}
	m.PerSecond(b, "records", batchSize)
}

func BenchmarkDecode(b *testing.B) {
	logs := flow.Encode(typicalBatch(batchSize), time.Now())
	b.ReportAllocs()
	m := meter.Start()
	for b.Loop() {
		if _, rejected := flow.Decode(logs); rejected.Err() != nil {
			b.Fatal(rejected.Err())
		}
	}
	m.PerSecond(b, "records", batchSize)
}

func BenchmarkMerge(b *testing.B) {
	flows := typicalBatch(2).Flows
	b.ReportAllocs()
	for b.Loop() {
		flows[0].Merge(&flows[1])
	}
}

func BenchmarkKey(b *testing.B) {
	flows := typicalBatch(1).Flows
	seen := map[flow.Key]int{}
	b.ReportAllocs()
	for b.Loop() {
		seen[flows[0].Key(false)]++
	}
}
