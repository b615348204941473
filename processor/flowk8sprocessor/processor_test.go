package flowk8sprocessor

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.uber.org/goleak"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube/identity"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowk8sprocessor/internal/metadata"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowk8sprocessor/internal/resolve"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	webUID = "11111111-0000-4000-8000-000000000001"
	dbUID  = "11111111-0000-4000-8000-000000000002"
)

var webContainer = strings.Repeat("a", 64)

// rig is a processor on an index that the test fills, at a time that the test steps.
type rig struct {
	*identifier
	sink *consumertest.LogsSink
	at   time.Time
}

func newRig(t testing.TB, change func(*Config)) *rig {
	t.Helper()
	r := &rig{sink: new(consumertest.LogsSink), at: time.Unix(2000, 0)}
	r.identifier = newTestIdentifier(t, r.sink, change)
	r.now = func() time.Time { return r.at }
	r.resolver.Index = identity.NewIndex(2*time.Minute, r.now)
	r.knows(true)
	return r
}

func newTestIdentifier(t testing.TB, next consumer.Logs, change func(*Config)) *identifier {
	t.Helper()
	config := createDefaultConfig().(*Config)
	config.Auth.Type = AuthNone
	if change != nil {
		change(config)
	}
	p, err := newIdentifier(processortest.NewNopSettings(metadata.Type), config, next)
	require.NoError(t, err)
	return p
}

// knows says whether the cluster has been seen.
func (r *rig) knows(synced bool) {
	r.view.Store(&view{watched: true, settled: synced, podsSynced: synced})
}

func (r *rig) addPods() {
	started := time.Unix(1000, 0).UnixNano()
	owner := new(identity.Owner)
	owner.Learn(identity.Workload{Kind: flow.Intern("Deployment"), Name: flow.Intern("web")})
	r.resolver.Index.SetPod(&identity.Pod{
		UID: webUID, Name: "web-5d8f9c7b6-abcde", Namespace: flow.Intern("shop"), Prefix: flow.Intern("web-5d8f9c7b6-*"), Node: flow.Intern("node-1"), Owner: owner,
		Labels:     flow.LabelsOfMap(map[string]string{"app": "web", "tier": "front"}),
		Containers: []identity.Container{{ID: identity.IDOf(webContainer), Name: flow.Intern("nginx")}},
		Addresses:  []netip.Addr{netip.MustParseAddr("10.244.0.1")}, Started: started, Ran: started,
	})
	r.resolver.Index.SetPod(&identity.Pod{
		UID: dbUID, Name: "db", Namespace: flow.Intern("shop"), Labels: flow.LabelsOf(), Node: flow.Intern("node-1"),
		Addresses: []netip.Addr{netip.MustParseAddr("10.244.0.2")}, Started: started, Ran: started,
	})
	r.resolver.Index.SetNode(&identity.Node{Name: flow.Intern("node-1"), Zone: flow.Intern("zone-a")})
	r.resolver.Index.SetNamespace("shop", flow.LabelsOfMap(map[string]string{"team": "a"}))
	r.resolver.Index.SetService(&identity.Service{
		Namespace: flow.Intern("shop"), Name: flow.Intern("db"), Cluster: []netip.Addr{netip.MustParseAddr("10.96.0.1")},
		Ports: []identity.ServicePort{{Name: flow.Intern("sql"), Port: 5432, Transport: flow.TransportTCP}},
	})
}

// record is what a receiver makes of a connection from web to the service of db.
func flowOf(at time.Time) flow.Flow {
	return flow.Flow{
		ID:    flow.ID{Node: 1, Epoch: 1, Counter: 1},
		Start: at.Add(-10 * time.Second).UnixNano(), End: at.UnixNano(),
		Observer: flow.Observer{Host: flow.Intern("machine")}, Reporter: flow.ReporterSource, Action: flow.Allow, Transport: flow.TransportTCP, NetworkNamespace: 77,
		Source: flow.Endpoint{Address: netip.MustParseAddr("10.244.0.1"), Port: 40000, Type: flow.EndpointHost, Scope: flow.ScopePrivate},
		Destination: flow.Endpoint{
			Address: netip.MustParseAddr("10.244.0.2"), Port: 5432, Type: flow.EndpointHost, Scope: flow.ScopePrivate,
			OriginalAddress: netip.MustParseAddr("10.96.0.1"), OriginalPort: 5432,
		},
		Process: flow.Process{Cgroup: flow.Intern("/kubepods/pod" + webUID + "/" + webContainer), Container: flow.Intern(webContainer)},
	}
}

func encode(flows ...flow.Flow) plog.Logs {
	return flow.Encode(&flow.Batch{Flows: flows}, time.Unix(1, 0))
}

// added are the attributes of the only record of logs that the processor may write.
func added(t *testing.T, logs plog.Logs) map[string]any {
	t.Helper()
	require.Equal(t, 1, logs.LogRecordCount())
	out := make(map[string]any)
	for name, v := range recordOf(logs).All() {
		for _, prefix := range []string{sourcePrefix, destinationPrefix} {
			if rest, ok := strings.CutPrefix(name, prefix); ok {
				if _, ok := attributeOf[rest]; ok {
					out[name] = v.AsRaw()
				}
			}
		}
	}
	return out
}

func recordOf(logs plog.Logs) pcommon.Map {
	return logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes()
}

func webToDB() map[string]any {
	return map[string]any{
		"source.type": "pod", "source.scope": "private",
		"source.k8s.namespace.name": "shop", "source.k8s.pod.name": "web-5d8f9c7b6-abcde", "source.k8s.pod.uid": webUID, "source.k8s.pod.prefix": "web-5d8f9c7b6-*",
		"source.k8s.pod.labels": map[string]any{"app": "web", "tier": "front"}, "source.k8s.container.name": "nginx",
		"source.k8s.workload.kind": "Deployment", "source.k8s.workload.name": "web", "source.k8s.node.name": "node-1", "source.cloud.availability_zone": "zone-a",
		"destination.type": "pod", "destination.scope": "private",
		"destination.k8s.namespace.name": "shop", "destination.k8s.pod.name": "db", "destination.k8s.pod.uid": dbUID, "destination.k8s.pod.prefix": "db",
		"destination.k8s.pod.labels": map[string]any{}, "destination.k8s.workload.kind": "Pod", "destination.k8s.workload.name": "db",
		"destination.k8s.node.name": "node-1", "destination.cloud.availability_zone": "zone-a",
		"destination.k8s.service.name": "db", "destination.k8s.service.namespace": "shop", "destination.k8s.service.port": int64(5432), "destination.k8s.service.port_name": "sql",
	}
}

func TestBothEndsGetNames(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Node = "node-1" })
	r.addPods()
	require.NoError(t, r.ConsumeLogs(t.Context(), encode(flowOf(r.at))))
	require.Len(t, r.sink.AllLogs(), 1)
	logs := r.sink.AllLogs()[0]
	assert.Equal(t, webToDB(), added(t, logs))
	assert.Equal(t, map[string]any{"host.name": "machine", "k8s.node.name": "node-1"}, logs.ResourceLogs().At(0).Resource().Attributes().AsRaw())
	_, rejected := flow.Decode(logs)
	require.NoError(t, rejected.Err(), "what is written is what the registry says")
}

func TestASecondInstanceChangesNothing(t *testing.T) {
	r := newRig(t, nil)
	r.addPods()
	logs := encode(flowOf(r.at))
	require.NoError(t, r.ConsumeLogs(t.Context(), logs))
	before := plog.NewLogs()
	logs.CopyTo(before)
	require.NoError(t, r.ConsumeLogs(t.Context(), logs))
	assert.Equal(t, recordOf(before).AsRaw(), recordOf(logs).AsRaw())

	other := newRig(t, nil) // which knows nothing
	require.NoError(t, other.ConsumeLogs(t.Context(), logs))
	assert.Equal(t, recordOf(before).AsRaw(), recordOf(logs).AsRaw())
}

func TestASecondInstanceFillsInWhatIsMissing(t *testing.T) {
	onNode, gateway := newRig(t, func(c *Config) { c.Scope, c.Node = ScopeNode, "node-1" }), newRig(t, nil)
	gateway.addPods()
	onNode.addPods()
	onNode.resolver.Index.DeletePod(dbUID)
	onNode.at = onNode.at.Add(time.Hour)
	onNode.resolver.Index.Sweep()
	f := flowOf(onNode.at)
	f.Destination.Type = flow.EndpointNetwork
	logs := encode(f)
	require.NoError(t, onNode.ConsumeLogs(t.Context(), logs))
	half := added(t, logs)
	assert.NotContains(t, half, "destination.k8s.pod.name")
	assert.Equal(t, "network", half["destination.type"])
	gateway.at = onNode.at
	require.NoError(t, gateway.ConsumeLogs(t.Context(), logs))
	assert.Equal(t, webToDB(), added(t, logs))
}

func TestAContainerThatIsNotKnownYetIsLeftToTheNextInstance(t *testing.T) {
	first, second := newRig(t, nil), newRig(t, nil)
	first.addPods()
	second.addPods()
	logs := encode(flowOf(first.at.Add(-5 * time.Second)))
	recordOf(logs).PutStr("process.linux.cgroup", "/kubepods/pod"+webUID+"/"+strings.Repeat("b", 64))
	for _, r := range []*rig{first, second} {
		require.NoError(t, r.ConsumeLogs(t.Context(), logs))
		got := added(t, logs)
		assert.Equal(t, webUID, got["source.k8s.pod.uid"])
		assert.NotContains(t, got, "source.k8s.container.name")
		assert.Equal(t, []any{"lagging"}, got["source.k8s.uncertain"])
	}
	recordOf(logs).PutStr("process.linux.cgroup", "/kubepods/pod"+webUID+"/"+webContainer)
	require.NoError(t, second.ConsumeLogs(t.Context(), logs))
	got := added(t, logs)
	assert.Equal(t, "nginx", got["source.k8s.container.name"], "once it is known")
	assert.NotContains(t, got, "source.k8s.uncertain")
}

func TestAConflictKeepsTheNearerObservation(t *testing.T) {
	r := newRig(t, nil)
	r.addPods()
	for name, test := range map[string]struct {
		put  map[string]string
		want map[string]any // beside the mark
	}{
		"another pod": {map[string]string{"destination.k8s.pod.name": "cache", "destination.k8s.pod.uid": "x"}, map[string]any{
			"destination.k8s.pod.name": "cache", "destination.k8s.pod.uid": "x", "destination.k8s.workload.name": nil,
		}},
		"another workload": {map[string]string{"destination.k8s.workload.name": "postgres"}, map[string]any{
			"destination.k8s.workload.name": "postgres", "destination.k8s.pod.name": "db",
		}},
		"another service": {map[string]string{"destination.k8s.service.name": "cache"}, map[string]any{
			"destination.k8s.service.name": "cache", "destination.k8s.service.port": nil, "destination.k8s.pod.name": "db",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			logs := encode(flowOf(r.at))
			for name, value := range test.put {
				recordOf(logs).PutStr(name, value)
			}
			for range 2 {
				require.NoError(t, r.ConsumeLogs(t.Context(), logs))
				got := added(t, logs)
				for name, want := range test.want {
					assert.Equal(t, want, got[name], name)
				}
				assert.Equal(t, []any{"conflict"}, got["destination.k8s.uncertain"])
				assert.NotContains(t, got, "source.k8s.uncertain")
			}
		})
	}
}

func TestLabelsAreChosen(t *testing.T) {
	r := newRig(t, func(c *Config) {
		c.PodLabels.Names = []string{"tier", "none"}
		c.NamespaceLabels.Enabled = true
	})
	r.addPods()
	logs := encode(flowOf(r.at))
	require.NoError(t, r.ConsumeLogs(t.Context(), logs))
	got := added(t, logs)
	assert.Equal(t, map[string]any{"tier": "front"}, got["source.k8s.pod.labels"])
	assert.Equal(t, map[string]any{"team": "a"}, got["source.k8s.namespace.labels"])
	r = newRig(t, func(c *Config) { c.PodLabels.Enabled = false })
	r.addPods()
	logs = encode(flowOf(r.at))
	require.NoError(t, r.ConsumeLogs(t.Context(), logs))
	assert.NotContains(t, added(t, logs), "source.k8s.pod.labels")
}

func TestRangesAreConfigurable(t *testing.T) {
	r := newRig(t, func(c *Config) {
		c.Ranges = map[string][]string{"public": {"10.244.0.0/16"}}
		c.Networks = []NetworkConfig{{Name: "far", CIDRs: []string{"203.0.113.0/24"}}}
	})
	f := flowOf(r.at)
	f.Destination = flow.Endpoint{Address: netip.MustParseAddr("203.0.113.9"), Type: flow.EndpointNetwork, Scope: flow.ScopePublic}
	logs := encode(f)
	require.NoError(t, r.ConsumeLogs(t.Context(), logs))
	r.passDue(t)
	got := added(t, r.sink.AllLogs()[0])
	assert.Equal(t, "public", got["source.scope"])
	assert.Equal(t, "network_set", got["destination.type"])
	assert.Equal(t, "far", got["destination.network.name"])
}

func TestOtherRecordsPassUntouched(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Node = "node-1" })
	logs := flow.Encode(&flow.Batch{Losses: []flow.Loss{{Count: 1}}, Agents: []flow.Agent{{Version: "1"}}}, time.Unix(1, 0))
	logs.ResourceLogs().AppendEmpty() // an empty one, as some send
	foreign := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	foreign.Attributes().PutStr("source.address", "10.244.0.1")
	want := plog.NewLogs()
	logs.CopyTo(want)
	want.ResourceLogs().At(0).Resource().Attributes().PutStr("k8s.node.name", "node-1") // but for whose they are
	require.NoError(t, r.ConsumeLogs(t.Context(), logs))
	assert.Equal(t, want, r.sink.AllLogs()[0])
}

func TestRecordsThatDoNotSayWhenAreOfTheirTimestamp(t *testing.T) {
	r := newRig(t, nil)
	r.addPods()
	logs := encode(flowOf(r.at))
	recordOf(logs).Remove("flow.start")
	recordOf(logs).Remove("flow.end")
	require.NoError(t, r.ConsumeLogs(t.Context(), logs))
	assert.Equal(t, webToDB(), added(t, logs))
	logs = encode(flowOf(r.at))
	recordOf(logs).Remove("flow.end")
	recordOf(logs).Remove("process.linux.cgroup")
	recordOf(logs).Remove("container.id")
	logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).SetTimestamp(pcommon.NewTimestampFromTime(time.Unix(500, 0)))
	recordOf(logs).PutInt("network.namespace.inode", 78)
	require.NoError(t, r.ConsumeLogs(t.Context(), logs))
	assert.NotContains(t, added(t, logs), "source.k8s.pod.name", "before the pod began")
}

func TestBrokenAttributesDoNoHarm(t *testing.T) {
	r := newRig(t, nil)
	r.addPods()
	logs := encode(flowOf(r.at))
	for _, prefix := range []string{sourcePrefix, destinationPrefix} {
		for _, rest := range append(slices.Clone(attributeNames[:]), "address", "port", "original.address", "original.port") {
			recordOf(logs).PutEmptyMap(prefix + rest)
		}
	}
	for _, name := range []string{"flow.start", "flow.end", "flow.reporter", "flow.action", peerObserved, "network.transport", "network.namespace.inode", "process.linux.cgroup", "container.id"} {
		recordOf(logs).PutEmptySlice(name)
	}
	require.NoError(t, r.ConsumeLogs(t.Context(), logs))
	require.Equal(t, 1, r.sink.LogRecordCount())
}

// FuzzConsumeLogs takes logs from anywhere: nothing panics, and every record goes on or
// waits.
func FuzzConsumeLogs(f *testing.F) {
	r := newRig(f, func(c *Config) { c.Wait.MaxRecords = 10; c.NamespaceLabels.Enabled = true })
	r.addPods()
	for _, seed := range []plog.Logs{encode(flowOf(r.at)), encode(flowOf(r.at.Add(-time.Hour)), flow.Flow{}), plog.NewLogs()} {
		wire, err := (&plog.ProtoMarshaler{}).MarshalLogs(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire)
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(wire)
		if err != nil {
			t.Skip("not OTLP")
		}
		want := logs.LogRecordCount()
		r.sink.Reset()
		if err := r.ConsumeLogs(t.Context(), logs); err != nil {
			t.Fatal(err)
		}
		r.at = r.at.Add(r.config.Wait.Lag)
		r.passOn(t.Context())
		if got := r.sink.LogRecordCount(); got != want || r.waiting.len() != 0 {
			t.Fatalf("%d of %d records went on, %d wait", got, want, r.waiting.len())
		}
	})
}

func TestNamesAreTheRegistrys(t *testing.T) {
	for end := range names {
		for a, name := range names[end] {
			if end == resolve.Source && attribute(a) >= serviceName && attribute(a) <= servicePortName {
				continue
			}
			assert.NotNil(t, flow.Flows.Lookup(name), name)
		}
	}
	for _, name := range []string{nodeAttribute, hostAttribute, "flow.start", "flow.end", "flow.reporter", "flow.action", peerObserved, "network.transport", "network.namespace.inode", "process.linux.cgroup", "container.id"} {
		assert.NotNil(t, flow.Flows.Lookup(name), name)
	}
}

func TestLifecycle(t *testing.T) {
	factory := NewFactory()
	config := func() *Config {
		c := factory.CreateDefaultConfig().(*Config)
		c.Auth.Type = AuthNone
		return c
	}
	set := processortest.NewNopSettings(metadata.Type)
	p, err := factory.CreateLogs(t.Context(), set, config(), consumertest.NewNop())
	require.NoError(t, err)
	require.NoError(t, p.Shutdown(t.Context()), "without start")
	p, err = factory.CreateLogs(t.Context(), set, config(), consumertest.NewNop())
	require.NoError(t, err)
	require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, p.ConsumeLogs(t.Context(), encode(flowOf(time.Now()))))
	require.NoError(t, p.Shutdown(t.Context()))
	require.NoError(t, p.Shutdown(t.Context()), "twice")
	processortest.VerifyShutdown(t, factory, config())

	missing := config()
	missing.NetworksFile.Path = filepath.Join(t.TempDir(), "none.yaml")
	p, err = factory.CreateLogs(t.Context(), set, missing, consumertest.NewNop())
	require.NoError(t, err)
	require.ErrorContains(t, p.Start(t.Context(), componenttest.NewNopHost()), "networks_file: read networks of")

	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	outside := config()
	outside.Auth.Type = AuthServiceAccount
	p, err = factory.CreateLogs(t.Context(), set, outside, consumertest.NewNop())
	require.NoError(t, err)
	require.ErrorContains(t, p.Start(t.Context(), componenttest.NewNopHost()), "auth: this process runs in no pod of a cluster")

	require.NoError(t, os.WriteFile(missing.NetworksFile.Path, []byte("networks: [{name: office, cidrs: [10.244.0.0/16]}]"), 0o600))
	sink := new(consumertest.LogsSink)
	p, err = factory.CreateLogs(t.Context(), set, missing, sink)
	require.NoError(t, err)
	require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
	f := flowOf(time.Now())
	f.Destination.Type = flow.EndpointNetwork
	require.NoError(t, p.ConsumeLogs(t.Context(), encode(f)))
	require.NoError(t, p.Shutdown(t.Context()))
	assert.Equal(t, "office", added(t, sink.AllLogs()[0])["destination.network.name"])
}
