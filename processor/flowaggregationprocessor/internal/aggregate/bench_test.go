package aggregate_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/meter"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowaggregationprocessor/internal/aggregate"
)

// typical is records of connections between pods of some workloads, with all that the
// receiver and flow_k8s know of them.
func typical(r *rand.Rand, workloads, pods, n int) plog.Logs {
	end := func(i int) flow.Endpoint {
		w := i % workloads
		name := fmt.Sprintf("workload-%d", w)
		return flow.Endpoint{
			Address: netip.AddrFrom4([4]byte{10, byte(w), byte(i >> 8), byte(i)}), Type: flow.EndpointPod, Scope: flow.ScopePrivate,
			Process: flow.Intern(name), Bytes: r.Uint64N(1 << 20), Packets: r.Uint64N(1000), PayloadBytes: r.Uint64N(1 << 20),
			Kubernetes: &flow.Kubernetes{
				Namespace: flow.Intern(fmt.Sprintf("namespace-%d", w%5)), Pod: flow.Intern(fmt.Sprintf("%s-7d9f8c-%05d", name, i)),
				PodUID: flow.Intern(fmt.Sprintf("0f4c3a52-5a3b-4a63-9a53-%012d", i)), PodPrefix: flow.Intern(name + "-*"),
				Container: flow.Intern("main"), PodLabels: flow.LabelsOfMap(map[string]string{"app": name, "tier": "backend", "pod-template-hash": "7d9f8c"}),
				WorkloadKind: flow.Intern("Deployment"), WorkloadName: flow.Intern(name),
				Node: flow.Intern(fmt.Sprintf("node-%d", i%10)), Zone: flow.Intern("eu-west-1a"),
			},
		}
	}
	flows := make([]flow.Flow, n)
	for i := range flows {
		from, to := r.IntN(pods), r.IntN(pods)
		source, destination := end(from), end(to)
		destination.Port = uint16(8000 + to%workloads%3)
		destination.OriginalAddress, destination.OriginalPort = netip.AddrFrom4([4]byte{10, 96, 0, byte(to % workloads)}), 80
		destination.Kubernetes.Service = flow.Service{Name: destination.Process, Namespace: destination.Kubernetes.Namespace, PortName: flow.Intern("http"), Port: 80}
		flows[i] = flow.Flow{
			ID:    flow.ID{Node: 0xdeadbeef, Epoch: 1767355170, Counter: uint64(i + 1)},
			Start: start.UnixNano() + 1, End: start.UnixNano() + 10e9,
			Observer: flow.Observer{Host: flow.Intern("node-1"), Node: flow.Intern("node-1"), Cluster: flow.Intern("east")},
			Reporter: flow.ReporterSource, PeerObserved: true, Action: flow.Allow, Transport: flow.TransportTCP, NetworkNamespace: 4026531840 + uint32(from),
			Source: source, Destination: destination,
			Process:     flow.Process{Executable: source.Process, PID: uint32(1000 + from), Cgroup: flow.Intern(fmt.Sprintf("/kubepods/pod%d/%d", from, from)), Container: flow.Intern(fmt.Sprintf("%064d", from))},
			Connections: flow.Connections{Seen: 10, Started: 5, Completed: 5, Open: 5},
			TCP: flow.TCP{
				RTTSum: 1000, RTTSamples: 10, RTTMin: 80, RTTMax: 130, MinRTTSum: 900, MinRTTMax: 110, HandshakeSum: 500, HandshakeSamples: 5, HandshakeMax: 120,
				CwndSum: 100, CwndMin: 10, MSSSum: 14480, MSSMin: 1448, Samples: 10, Retransmits: 1, FinalState: flow.TCPTimeWait,
			},
		}
	}
	return flow.Encode(&flow.Batch{Flows: flows}, start)
}

// wire is logs as they come from a network: no two attributes share a string.
func wire(logs plog.Logs) plog.Logs {
	data, err := (&plog.ProtoMarshaler{}).MarshalLogs(logs)
	if err != nil {
		panic(err)
	}
	logs, err = (&plog.ProtoUnmarshaler{}).UnmarshalLogs(data)
	if err != nil {
		panic(err)
	}
	return logs
}

func BenchmarkAdd(b *testing.B) {
	const records = 2000
	for _, level := range []flow.Level{flow.LevelAll, flow.LevelPorts, flow.LevelWorkloads, flow.LevelServices} {
		b.Run("level="+level.String(), func(b *testing.B) {
			agg := newBench(b, func(a *aggregate.Aggregator, o *aggregate.Options) {
				o.Classes = []aggregate.Class{{Chain: a.Level(level)}}
				o.MaxIDs = 0
			})
			logs := wire(typical(rand.New(rand.NewPCG(1, 1)), 20, 60, records))
			class := func(*aggregate.Record) int { return 0 }
			b.ReportAllocs()
			m := meter.Start()
			for b.Loop() {
				agg.Add(logs, class, nil)
			}
			m.PerSecond(b, "records", records)
			s := agg.State()
			b.ReportMetric(float64(s.Memory)/float64(s.Groups), "B/group")
			b.ReportMetric(float64(s.Groups), "groups")
			b.ReportMetric(float64(logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().Len()), "attributes")
		})
	}
}
