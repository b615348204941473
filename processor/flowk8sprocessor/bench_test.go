package flowk8sprocessor

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube/identity"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/meter"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowk8sprocessor/internal/metadata"
)

// BenchmarkConsumeLogs identifies both ends of 1,000 records among 10,000 pods, each record
// to a service of its own: with labels and without, and a second time, when there is
// nothing left to do. What copying the records takes is reported to be taken off.
func BenchmarkConsumeLogs(b *testing.B) {
	const records, pods = 1000, 10_000
	address := func(first byte, i int) netip.Addr {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], uint32(first)<<24|uint32(i))
		return netip.AddrFrom4(a)
	}
	uid := func(i int) string { return fmt.Sprintf("%08x-0000-4000-8000-%012x", i, i) }
	container := func(i int) string { return fmt.Sprintf("%064x", i+1) }
	build := func(labels bool) *identifier {
		config := createDefaultConfig().(*Config)
		config.Auth.Type, config.PodLabels.Enabled = AuthNone, labels
		settings := processortest.NewNopSettings(metadata.Type)
		settings.TelemetrySettings = componenttest.NewNopTelemetrySettings()
		p, err := newIdentifier(settings, config, consumertest.NewNop())
		if err != nil {
			b.Fatal(err)
		}
		p.view.Store(&view{watched: true, settled: true, podsSynced: true})
		x := p.resolver.Index
		for i := range pods {
			owner := new(identity.Owner)
			owner.Learn(identity.Workload{Kind: flow.Intern("Deployment"), Name: flow.Intern(fmt.Sprint("app-", i/10))})
			x.SetPod(&identity.Pod{
				UID: uid(i), Name: fmt.Sprintf("app-%d-%05x", i/10, i), Namespace: flow.Intern("shop"), Node: flow.Intern("node-1"), Owner: owner,
				Labels: flow.LabelsOfMap(map[string]string{
					"app": fmt.Sprint("app-", i/10), "pod-template-hash": "5d8f9c7b6", "app.kubernetes.io/part-of": "shop", "app.kubernetes.io/managed-by": "helm", "tier": "web",
				}),
				Containers: []identity.Container{{ID: identity.IDOf(container(i)), Name: flow.Intern("main")}},
				Addresses:  []netip.Addr{address(10, i)}, Started: 1, Ran: 1,
			})
		}
		for i := range records {
			x.SetService(&identity.Service{
				Namespace: flow.Intern("shop"), Name: flow.Intern(fmt.Sprint("service-", i)), Cluster: []netip.Addr{address(11, i)},
				Ports: []identity.ServicePort{{Name: flow.Intern("http"), Port: 80, Transport: flow.TransportTCP}},
			})
		}
		x.SetNode(&identity.Node{Name: flow.Intern("node-1"), Zone: flow.Intern("zone-a")})
		return p
	}
	var batch flow.Batch
	at := time.Now()
	for i := range records {
		f := flowOf(at)
		f.ID.Counter = uint64(i + 1)
		from, to := i*7%pods, i*13%pods
		f.NetworkNamespace = uint32(1 + from)
		f.Source.Address, f.Destination.Address, f.Destination.OriginalAddress, f.Destination.OriginalPort = address(10, from), address(10, to), address(11, i), 80
		f.Process = flow.Process{Cgroup: flow.Intern("/kubepods/pod" + uid(from) + "/" + container(from)), Container: flow.Intern(container(from))}
		batch.Flows = append(batch.Flows, f)
	}
	fresh := flow.Encode(&batch, at)
	run := func(name string, logs plog.Logs, do func(plog.Logs)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			m := meter.Start()
			for b.Loop() {
				work := plog.NewLogs()
				logs.CopyTo(work)
				do(work)
			}
			m.Each(b, "record", records)
		})
	}
	run("copying alone", fresh, func(plog.Logs) {})
	for _, labels := range []bool{true, false} {
		p := build(labels)
		consume := func(logs plog.Logs) {
			if err := p.ConsumeLogs(b.Context(), logs); err != nil {
				b.Fatal(err)
			}
		}
		run(fmt.Sprintf("labels=%t", labels), fresh, consume)
		if labels {
			done := plog.NewLogs()
			fresh.CopyTo(done)
			consume(done)
			run("copying what is done", done, func(plog.Logs) {})
			run("again", done, consume)
		}
	}
}
