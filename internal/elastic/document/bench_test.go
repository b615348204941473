package document_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/document"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/meter"
)

// typical is a record as flow_k8s sends it: two pods, a service, and labels at both ends.
func typical() flow.Flow {
	labels := flow.LabelsOfMap(map[string]string{"app.kubernetes.io/name": "cart", "app.kubernetes.io/part-of": "shop", "pod-template-hash": "6d4cf56db6"})
	return flow.Flow{
		ID:       flow.ID{Node: 0x1a2b3c4d, Epoch: 0x6748b0c5, Counter: 4711},
		Start:    1796000000123456789,
		End:      1796000010123456789,
		Observer: flow.Observer{Host: flow.Intern("node-7"), Node: flow.Intern("node-7"), Cluster: flow.Intern("prod")},
		Reporter: flow.ReporterSource, Action: flow.Allow, PeerObserved: true,
		Transport: flow.TransportTCP, NetworkNamespace: 4026532001,
		Source: flow.Endpoint{
			Address: netip.MustParseAddr("10.42.7.13"), Port: 41234, Type: flow.EndpointPod, Scope: flow.ScopePrivate,
			Bytes: 123456, Packets: 321, PayloadBytes: 100000,
			Kubernetes: &flow.Kubernetes{
				Namespace: flow.Intern("shop"), Pod: flow.Intern("cart-6d4cf56db6-x2x9v"), PodPrefix: flow.Intern("cart-6d4cf56db6-*"),
				PodLabels: labels, WorkloadKind: flow.Intern("Deployment"), WorkloadName: flow.Intern("cart"), Node: flow.Intern("node-7"),
			},
		},
		Destination: flow.Endpoint{
			Address: netip.MustParseAddr("10.42.9.2"), Port: 5432, Type: flow.EndpointPod, Scope: flow.ScopePrivate,
			Bytes: 654321, Packets: 432, PayloadBytes: 600000,
			Kubernetes: &flow.Kubernetes{
				Namespace: flow.Intern("data"), Pod: flow.Intern("postgres-0"), PodPrefix: flow.Intern("postgres-*"),
				PodLabels: labels, WorkloadKind: flow.Intern("StatefulSet"), WorkloadName: flow.Intern("postgres"), Node: flow.Intern("node-9"),
				Service: flow.Service{Name: flow.Intern("postgres"), Namespace: flow.Intern("data"), Port: 5432},
			},
		},
		Process:     flow.Process{Executable: flow.Intern("java"), PID: 4321},
		Connections: flow.Connections{Seen: 3, Started: 1, Completed: 1, Open: 2},
	}
}

func one(t testing.TB, batch flow.Batch) (pcommon.Resource, plog.LogRecord) {
	t.Helper()
	logs := flow.Encode(&batch, time.Unix(1796000011, 0))
	require.Equal(t, 1, logs.LogRecordCount())
	rl := logs.ResourceLogs().At(0)
	return rl.Resource(), rl.ScopeLogs().At(0).LogRecords().At(0)
}

func BenchmarkAppend(b *testing.B) {
	tcp := typical()
	tcp.TCP = flow.TCP{RTTSum: 300, RTTSamples: 3, RTTMin: 80, RTTMax: 120, MinRTTSum: 250, MinRTTMax: 90, HandshakeSum: 100, HandshakeSamples: 1, HandshakeMax: 100,
		CwndSum: 30, MSSSum: 4344, Samples: 3, CwndMin: 10, MSSMin: 1448, FinalState: flow.TCPTimeWait}
	tcp.Process.Cgroup, tcp.Process.Container = flow.Intern("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0d5a6f5e_3b8d_4f1c_9e7a_2b4d6f8a0c1e.slice"), flow.Intern("cri-0d5a6f5e3b8d4f1c9e7a2b4d6f8a0c1e")
	bare := typical()
	bare.Source.Kubernetes, bare.Destination.Kubernetes = nil, nil
	for _, bench := range []struct {
		name    string
		flow    flow.Flow
		options document.Options
	}{
		{"machine", bare, document.Options{}},
		{"kubernetes", typical(), document.Options{}},
		{"kubernetes-tcp", tcp, document.Options{}},
		{"otel", typical(), document.Options{Mapping: schema.OTel}},
		{"community-id", typical(), document.Options{CommunityID: true}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			encoder, err := document.NewEncoder(bench.options)
			require.NoError(b, err)
			resource, record := one(b, flow.Batch{Flows: []flow.Flow{bench.flow}})
			var buf []byte
			b.ReportAllocs()
			m := meter.Start()
			for b.Loop() {
				if buf, _, err = encoder.Append(buf[:0], resource, record); err != nil {
					b.Fatal(err)
				}
			}
			m.Each(b, "record", 1)
			b.ReportMetric(float64(len(buf)), "B/document")
			b.ReportMetric(float64(resource.Attributes().Len()+record.Attributes().Len()), "attributes")
		})
	}
}

// BenchmarkDecode reads the typical record back.
func BenchmarkDecode(b *testing.B) {
	encoder, err := document.NewEncoder(document.Options{})
	require.NoError(b, err)
	resource, record := one(b, flow.Batch{Flows: []flow.Flow{typical()}})
	text, target, err := encoder.Append(nil, resource, record)
	require.NoError(b, err)
	decoder := document.NewDecoder(schema.ECS, flow.EventFlow, flow.Flows)
	b.ReportAllocs()
	m := meter.Start()
	for b.Loop() {
		var f flow.Flow
		if err := decoder.Decode(target.ID, text, &f); err != nil {
			b.Fatal(err)
		}
	}
	m.Each(b, "record", 1)
}
