package flowk8sprocessor

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube/identity"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowk8sprocessor/internal/metadata"
)

// passDue steps the time to when all that waits is due.
func (r *rig) passDue(t *testing.T) {
	t.Helper()
	r.at = r.at.Add(r.config.Wait.Lag)
	r.passOn(t.Context())
}

func TestRecordsWaitForTheClusterToBeSeen(t *testing.T) {
	r := newRig(t, nil)
	r.patience = r.at.Add(r.config.Wait.Sync)
	r.knows(false)
	require.NoError(t, r.ConsumeLogs(t.Context(), encode(flowOf(r.at))))
	r.passOn(t.Context())
	assert.Empty(t, r.sink.AllLogs())
	assert.Equal(t, 1, r.waiting.len())
	r.addPods()
	r.knows(true)
	r.passOn(t.Context())
	require.Len(t, r.sink.AllLogs(), 1)
	assert.Equal(t, webToDB(), added(t, r.sink.AllLogs()[0]))
	assert.Zero(t, r.waiting.len())
}

func TestRecordsDoNotWaitForever(t *testing.T) {
	r := newRig(t, nil)
	r.patience = r.at.Add(r.config.Wait.Sync)
	r.knows(false)
	require.NoError(t, r.ConsumeLogs(t.Context(), encode(flowOf(r.at))))
	r.at = r.patience
	r.passOn(t.Context())
	require.Len(t, r.sink.AllLogs(), 1)
	got := added(t, r.sink.AllLogs()[0])
	assert.Equal(t, []any{"not_synced"}, got["source.k8s.uncertain"])
	assert.Equal(t, []any{"not_synced"}, got["destination.k8s.uncertain"])
	require.NoError(t, r.ConsumeLogs(t.Context(), encode(flowOf(r.at))))
	require.Len(t, r.sink.AllLogs(), 2, "nor does any other, later")

	again := r.sink.AllLogs()[0]
	r.addPods()
	r.knows(true)
	require.NoError(t, r.ConsumeLogs(t.Context(), again))
	assert.Equal(t, webToDB(), added(t, again), "an instance that knows takes the mark away")
}

func TestAYoungFlowWaitsForItsPod(t *testing.T) {
	r := newRig(t, nil)
	later := flowOf(r.at)
	r.addPods()
	stranger := later
	stranger.ID.Counter = 2
	stranger.NetworkNamespace, stranger.Source.Address, stranger.Process = 78, netip.MustParseAddr("10.244.0.9"), flow.Process{}
	logs := encode(later, stranger)
	logs.ResourceLogs().At(0).SetSchemaUrl("https://example.com/schema")
	require.NoError(t, r.ConsumeLogs(t.Context(), logs))
	require.Len(t, r.sink.AllLogs(), 1)
	assert.Equal(t, webToDB(), added(t, r.sink.AllLogs()[0]), "the others go on at once")

	started := r.at.Add(-time.Minute).UnixNano()
	r.resolver.Index.SetPod(&identity.Pod{UID: "new", Name: "new", Addresses: []netip.Addr{netip.MustParseAddr("10.244.0.9")}, Started: started, Ran: started})
	r.passDue(t)
	require.Len(t, r.sink.AllLogs(), 2)
	got := r.sink.AllLogs()[1]
	assert.Equal(t, "new", added(t, got)["source.k8s.pod.name"])
	assert.Equal(t, originOf(logs), originOf(got), "with the resource and the scope that it came with")
	assert.Equal(t, "https://example.com/schema", got.ResourceLogs().At(0).SchemaUrl())
}

func originOf(logs plog.Logs) [2]any {
	rl := logs.ResourceLogs().At(0)
	return [2]any{rl.Resource().Attributes().AsRaw(), rl.ScopeLogs().At(0).Scope().Name()}
}

func TestWhatFindsNoRoomToWaitGoesOnMarked(t *testing.T) {
	telemetry := componenttest.NewTelemetry()
	defer func() { require.NoError(t, telemetry.Shutdown(context.Background())) }()
	r := newRig(t, func(c *Config) { c.Wait.MaxRecords = 1 })
	instruments, err := metadata.NewTelemetry(telemetry.NewTelemetrySettings())
	require.NoError(t, err)
	r.telemetry = instruments
	for range 3 {
		require.NoError(t, r.ConsumeLogs(t.Context(), encode(flowOf(r.at))))
	}
	require.Len(t, r.sink.AllLogs(), 2)
	assert.Equal(t, []any{"lagging"}, added(t, r.sink.AllLogs()[0])["source.k8s.uncertain"])
	for name, want := range map[string]int64{"otelcol_flow_k8s_waited": 1, "otelcol_flow_k8s_wait_refused": 2, "otelcol_flow_k8s_uncertain": 2, "otelcol_flow_k8s_ends": 4} {
		got, err := telemetry.GetMetric(name)
		require.NoError(t, err)
		var sum int64
		for _, p := range got.Data.(metricdata.Sum[int64]).DataPoints {
			sum += p.Value
		}
		assert.Equal(t, want, sum, name)
	}
}

func TestShutdownSendsWhatWaits(t *testing.T) {
	r := newRig(t, nil)
	r.patience = r.at.Add(time.Hour)
	r.knows(false)
	require.NoError(t, r.ConsumeLogs(t.Context(), encode(flowOf(r.at))))
	require.NoError(t, r.Shutdown(t.Context()))
	assert.Equal(t, 1, r.sink.LogRecordCount())
	require.NoError(t, r.Shutdown(t.Context()), "twice is as good")
	assert.Equal(t, 1, r.sink.LogRecordCount())
}

// refusing is a pipeline that fails as it is told.
type refusing struct {
	consumertest.LogsSink
	err error
}

func (f *refusing) ConsumeLogs(ctx context.Context, logs plog.Logs) error {
	if f.err != nil {
		return f.err
	}
	return f.LogsSink.ConsumeLogs(ctx, logs)
}

func TestWhatHasWaitedIsTriedAgainUntilThePipelineTakesIt(t *testing.T) {
	r := newRig(t, nil)
	next := &refusing{err: errors.New("full")}
	r.next = next
	require.NoError(t, r.ConsumeLogs(t.Context(), encode(flowOf(r.at))))
	r.passDue(t)
	r.passDue(t)
	assert.Equal(t, 1, r.waiting.len())
	next.err = nil
	r.passDue(t)
	assert.Equal(t, 1, next.LogRecordCount())
	assert.Zero(t, r.waiting.len())

	next.err = consumererror.NewPermanent(errors.New("no"))
	require.NoError(t, r.ConsumeLogs(t.Context(), encode(flowOf(r.at))))
	r.passDue(t)
	assert.Zero(t, r.waiting.len(), "what is refused for good is lost, and counted")
}
