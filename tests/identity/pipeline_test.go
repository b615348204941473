package identity

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowk8sprocessor"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/cluster"
)

// host keeps what a component says of its health, and its metrics.
type host struct {
	component.Host
	events    chan componentstatus.Event
	telemetry *componenttest.Telemetry
}

// staleness is what the metric says of pods, in seconds.
func (h host) staleness(t *testing.T) float64 {
	t.Helper()
	m, err := h.telemetry.GetMetric("otelcol_flow_k8s_staleness")
	require.NoError(t, err)
	return ofPods(t, m.Data.(metricdata.Gauge[float64]).DataPoints)
}

// lists is how often all pods were read.
func (h host) lists(t *testing.T) int64 {
	t.Helper()
	m, err := h.telemetry.GetMetric("otelcol_flow_k8s_lists")
	require.NoError(t, err)
	return ofPods(t, m.Data.(metricdata.Sum[int64]).DataPoints)
}

func ofPods[N int64 | float64](t *testing.T, points []metricdata.DataPoint[N]) N {
	t.Helper()
	for _, p := range points {
		if kind, _ := p.Attributes.Value("kind"); kind.AsString() == "pods" {
			return p.Value
		}
	}
	t.Fatal("nothing is said of pods")
	return 0
}

func (h host) Report(e *componentstatus.Event) { h.events <- *e }

// await returns when the component has said something.
func (h host) await(t *testing.T, what string, is func(*componentstatus.Event) bool) {
	t.Helper()
	late := time.After(patience)
	var said []error
	for {
		select {
		case e := <-h.events:
			said = append(said, e.Err())
			if is(&e) {
				return
			}
		case <-late:
			require.FailNow(t, "the component does not say that "+what, "but %v", said)
		}
	}
}

// startProcessor starts a processor of the shipped factory until the test ends.
func (s *site) startProcessor(kubeconfig string, change func(*flowk8sprocessor.Config)) (processor.Logs, *consumertest.LogsSink, host) {
	s.t.Helper()
	factory := flowk8sprocessor.NewFactory()
	config := factory.CreateDefaultConfig().(*flowk8sprocessor.Config)
	config.Auth = flowk8sprocessor.AuthConfig{Type: flowk8sprocessor.AuthKubeconfig, Kubeconfig: kubeconfig}
	config.Wait.Sync = patience
	if change != nil {
		change(config)
	}
	sink := new(consumertest.LogsSink)
	telemetry := componenttest.NewTelemetry()
	settings := processortest.NewNopSettings(factory.Type())
	settings.TelemetrySettings = telemetry.NewTelemetrySettings()
	p, err := factory.CreateLogs(s.t.Context(), settings, config, sink)
	require.NoError(s.t, err)
	h := host{componenttest.NewNopHost(), make(chan componentstatus.Event, 100), telemetry}
	require.NoError(s.t, p.Start(s.t.Context(), h))
	s.t.Cleanup(func() {
		require.NoError(s.t, p.Shutdown(context.Background()))
		require.NoError(s.t, telemetry.Shutdown(context.Background()))
	})
	return p, sink, h
}

func oneNode(node string) func(*flowk8sprocessor.Config) {
	return func(c *flowk8sprocessor.Config) { c.Scope, c.Node = flowk8sprocessor.ScopeNode, node }
}

// between is a flow of the last seconds that its source reports, old enough not to wait.
func between(source, destination string) flow.Flow {
	now := time.Now().Add(-5 * time.Second)
	from, to := netip.MustParseAddrPort(source), netip.MustParseAddrPort(destination)
	return flow.Flow{
		Start: now.Add(-5 * time.Second).UnixNano(), End: now.UnixNano(), Reporter: flow.ReporterSource, Action: flow.Allow, Transport: flow.TransportTCP,
		Observer:    flow.Observer{Host: flow.Intern("machine")},
		Source:      flow.Endpoint{Address: from.Addr(), Port: from.Port(), Type: flow.EndpointHost},
		Destination: flow.Endpoint{Address: to.Addr(), Port: to.Port(), Type: flow.EndpointNetwork},
	}
}

func encode(f flow.Flow) plog.Logs {
	return flow.Encode(&flow.Batch{Flows: []flow.Flow{f}}, time.Now())
}

// read decodes the only record of the last logs.
func (s *site) read(sink *consumertest.LogsSink) (source, destination flow.Kubernetes) {
	s.t.Helper()
	all := sink.AllLogs()
	require.NotEmpty(s.t, all)
	batch, rejected := flow.Decode(all[len(all)-1])
	require.NoError(s.t, rejected.Err())
	require.Len(s.t, batch.Flows, 1)
	known := func(e *flow.Endpoint) flow.Kubernetes {
		if e.Kubernetes == nil {
			return flow.Kubernetes{}
		}
		return *e.Kubernetes
	}
	return known(&batch.Flows[0].Source), known(&batch.Flows[0].Destination)
}

func TestNodeAndGatewayCompleteEachOther(t *testing.T) {
	s := newSite(t, cluster.Options{})
	s.node("node-1", "192.168.7.1", "zone-a")
	s.node("node-2", "192.168.7.2", "zone-b")
	past := time.Now().Add(-time.Hour)
	s.pod("web-1", "node-1", past, []string{"10.244.0.1", "fd00::1"}, nil)
	s.pod("db-0", "node-2", past, []string{"10.244.0.2", "fd00::2"}, nil)
	onNode, gateway := s.startAsker(oneNode("node-1")), s.startAsker(nil)
	for _, ends := range [][2]string{{"10.244.0.1:40000", "10.244.0.2:5432"}, {"[fd00::1]:40000", "[fd00::2]:5432"}} {
		source, destination := onNode.ask(s, between(ends[0], ends[1]))
		assert.Equal(t, [2]string{"web-1", "zone-a"}, [2]string{source.Pod.String(), source.Zone.String()})
		assert.Equal(t, flow.Kubernetes{}, destination, "a pod of another node is left to the gateway, and not called uncertain")

		again, destination := gateway.askAgain(s, onNode.sink.AllLogs()[0])
		assert.Equal(t, source, again)
		assert.Equal(t, [2]string{"db-0", "zone-b"}, [2]string{destination.Pod.String(), destination.Zone.String()})
		assert.True(t, destination.Uncertain.Empty())
		node, _ := gateway.sink.AllLogs()[0].ResourceLogs().At(0).Resource().Attributes().Get("k8s.node.name")
		assert.Equal(t, "node-1", node.Str())
	}
}

func TestRecordsWaitForAnAPIServerThatIsAway(t *testing.T) {
	s := newSite(t, cluster.Options{})
	s.pod("web-1", "node-1", time.Now().Add(-time.Hour), []string{"10.244.0.1"}, nil)
	require.NoError(t, s.StopAPIServer())
	patient, named, health := s.startProcessor(s.Kubeconfig(), oneNode("node-1"))
	hasty, marked, _ := s.startProcessor(s.Kubeconfig(), func(c *flowk8sprocessor.Config) {
		oneNode("node-1")(c)
		c.GracePeriod, c.Wait.Sync = time.Minute, 0
	})
	record := between("10.244.0.1:40000", "8.8.8.8:53")
	for _, p := range []processor.Logs{patient, hasty} {
		require.NoError(t, p.ConsumeLogs(t.Context(), encode(record)))
	}
	source, _ := s.read(marked)
	assert.False(t, source.Pod.Known())
	assert.NotEmpty(t, source.Uncertain.Strings(), "what does not wait goes on, marked")
	event := <-health.events
	assert.Equal(t, componentstatus.StatusRecoverableError, event.Status())
	assert.ErrorContains(t, event.Err(), "connection refused")
	assert.Empty(t, named.AllLogs())
	assert.Positive(t, health.staleness(t))

	require.NoError(t, s.StartAPIServer(t.Context()))
	s.eventually("what waited goes on", func() bool { return named.LogRecordCount() == 1 })
	source, _ = s.read(named)
	assert.Equal(t, "web-1", source.Pod.String())
	assert.True(t, source.Uncertain.Empty())
	health.await(t, "it is well", func(e *componentstatus.Event) bool { return e.Status() == componentstatus.StatusOK })
	assert.Zero(t, health.staleness(t))
	assert.EqualValues(t, 1, health.lists(t))
}
