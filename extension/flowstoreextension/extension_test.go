package flowstoreextension

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/goleak"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/flowstoretest"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/memstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// statusHost is a host that keeps the reported statuses.
type statusHost struct {
	component.Host
	statuses []componentstatus.Status
}

func (h *statusHost) Report(event *componentstatus.Event) {
	h.statuses = append(h.statuses, event.Status())
}

// newStore makes an extension for directory that is not started.
func newStore(t *testing.T, set extension.Settings, directory string) *flowStore {
	t.Helper()
	config := createDefaultConfig().(*Config)
	config.Directory = directory
	e, err := NewFactory().Create(t.Context(), set, config)
	require.NoError(t, err)
	return e.(*flowStore)
}

func start(t *testing.T, e *flowStore, host component.Host) {
	t.Helper()
	require.NoError(t, e.Start(t.Context(), host))
	t.Cleanup(func() { require.NoError(t, e.Shutdown(context.Background())) })
}

func TestLifecycle(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "made", "for it")
	e := newStore(t, extensiontest.NewNopSettings(Type), directory)
	store := &e.handle
	g := flowstoretest.NewGenerator(1)
	closed := func() {
		require.ErrorIs(t, store.Write(t.Context(), g.Batch(1)), flowstore.ErrClosed)
		_, err := store.Stats(t.Context())
		require.ErrorIs(t, err, flowstore.ErrClosed)
		_, err = store.Flows(t.Context(), flowstore.FlowsQuery{Selection: flowstoretest.Everything, Limit: 1})
		require.ErrorIs(t, err, flowstore.ErrClosed)
		_, open := <-store.Watch(t.Context())
		require.False(t, open)
	}
	closed()
	require.NoError(t, e.Shutdown(t.Context()), "shutdown without start")

	require.NoError(t, e.Start(t.Context(), componenttest.NewNopHost()))
	now := flow.Flow{ID: flow.ID{Node: 1, Epoch: 1, Counter: 1}, End: time.Now().UnixNano()}
	require.NoError(t, store.Write(t.Context(), &flow.Batch{Flows: []flow.Flow{now}}))
	require.NoError(t, e.Shutdown(t.Context()))
	require.NoError(t, e.Shutdown(t.Context()), "shutdown twice")
	closed()

	// What was written is there after a restart.
	e = newStore(t, extensiontest.NewNopSettings(Type), directory)
	start(t, e, componenttest.NewNopHost())
	found, err := flowstore.SourceFromHost(extensionHost{component.NewID(Type): e}, component.NewID(Type))
	require.NoError(t, err)
	all, err := flowstoretest.ReadAll(t.Context(), found, flowstoretest.Everything, 10)
	require.NoError(t, err)
	require.Equal(t, []flow.Flow{now}, all)
}

type extensionHost map[component.ID]component.Component

func (h extensionHost) GetExtensions() map[component.ID]component.Component { return h }

func TestStartErrorsLeaveNothingOpen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	e := newStore(t, extensiontest.NewNopSettings(Type), file)
	require.ErrorContains(t, e.Start(t.Context(), componenttest.NewNopHost()), "choose a directory that the collector may write")
	require.NoError(t, e.Shutdown(t.Context()))

	directory := t.TempDir()
	start(t, newStore(t, extensiontest.NewNopSettings(Type), directory), componenttest.NewNopHost())
	second := newStore(t, extensiontest.NewNopSettings(Type), directory)
	require.ErrorContains(t, second.Start(t.Context(), componenttest.NewNopHost()), "has it open")
	require.NoError(t, second.Shutdown(t.Context()))
}

func TestRetentionFollowsTheClock(t *testing.T) {
	telemetry := componenttest.NewTelemetry()
	defer func() { require.NoError(t, telemetry.Shutdown(context.Background())) }()
	set := extensiontest.NewNopSettings(Type)
	set.TelemetrySettings = telemetry.NewTelemetrySettings()
	e := newStore(t, set, t.TempDir())
	e.config.MaxAge = time.Hour
	now := time.Unix(0, flowstoretest.Start)
	times := make(chan time.Time) // each look at the clock
	ticks := make(chan time.Time)
	e.clock = clock{
		now:  func() time.Time { return <-times },
		tick: func(time.Duration) (<-chan time.Time, func()) { return ticks, func() {} },
	}
	// The first round finds an empty store. It must get its time before Shutdown can
	// end the loop, which is why the cleanups come in this order.
	start(t, e, componenttest.NewNopHost())
	times <- now
	var batch flow.Batch
	for i := range 10 { // one every ten minutes
		batch.Flows = append(batch.Flows, flow.Flow{ID: flow.ID{Node: 1, Epoch: 1, Counter: uint64(i + 1)}, End: now.Add(time.Duration(10*i) * time.Minute).UnixNano()})
	}
	store := e.FlowSource()
	require.NoError(t, e.FlowWriter().Write(t.Context(), &batch))
	for _, step := range []struct {
		at   time.Duration
		left uint64
	}{{time.Hour, 10}, {61 * time.Minute, 9}, {90 * time.Minute, 7}, {24 * time.Hour, 0}} {
		ticks <- now
		times <- now.Add(step.at)
		require.Eventually(t, func() bool {
			stats, err := store.Stats(t.Context())
			return err == nil && stats.Records == step.left
		}, time.Minute, time.Millisecond, "at %s", step.at)
	}
	require.Eventually(t, func() bool { // they are counted after they are gone
		deleted, err := telemetry.GetMetric("otelcol_flow_store_records_deleted")
		return err == nil && deleted.Data.(metricdata.Sum[int64]).DataPoints[0].Value == 10
	}, time.Minute, time.Millisecond)
	written, err := telemetry.GetMetric("otelcol_flow_store_records_written")
	require.NoError(t, err)
	require.Equal(t, int64(10), written.Data.(metricdata.Sum[int64]).DataPoints[0].Value)
	size, err := telemetry.GetMetric("otelcol_flow_store_size")
	require.NoError(t, err)
	require.Positive(t, size.Data.(metricdata.Gauge[int64]).DataPoints[0].Value)
}

func TestStatusIsReportedOnChange(t *testing.T) {
	host := &statusHost{Host: componenttest.NewNopHost()}
	e := newStore(t, extensiontest.NewNopSettings(Type), t.TempDir())
	start(t, e, host)
	write := func() error { return e.FlowWriter().Write(t.Context(), flowstoretest.NewGenerator(1).Batch(3)) }
	require.NoError(t, write())
	require.Empty(t, host.statuses)

	e.handle.wrote(flowstore.ErrFull)
	e.handle.wrote(flowstore.ErrFull)
	require.NoError(t, write())
	require.NoError(t, write())
	require.Equal(t, []componentstatus.Status{componentstatus.StatusRecoverableError, componentstatus.StatusOK}, host.statuses)
}

// TestTheHandlePassesEverythingOn: the contract itself is tested where the store is.
func TestTheHandlePassesEverythingOn(t *testing.T) {
	e := newStore(t, extensiontest.NewNopSettings(Type), t.TempDir())
	e.config.MaxAge = 0
	start(t, e, componenttest.NewNopHost())
	store, reference := &e.handle, &memstore.Store{}
	ctx, cancel := context.WithCancel(t.Context())
	events := store.Watch(ctx)
	batch := flowstoretest.NewGenerator(5).Batch(50)
	require.NoError(t, store.Write(ctx, batch))
	require.NoError(t, reference.Write(t.Context(), batch))
	require.Equal(t, batch.Len(), (<-events).Batch.Len())
	cancel()

	all := flowstoretest.Everything
	flowstoretest.Same(t, reference, store) // flows, losses and agents
	flowstoretest.SameAnswer(t, reference, store, "groups", func(r flowstore.Reader) (flowstore.Groups, error) {
		return r.Groups(t.Context(), flowstore.GroupsQuery{Selection: all, Limit: 1})
	})
	flowstoretest.SameAnswer(t, reference, store, "histogram", func(r flowstore.Reader) ([]flowstore.Bucket, error) {
		q := flowstore.HistogramQuery{Selection: all, Step: int64(time.Minute)}
		q.Range = flowstore.Range{From: flowstoretest.Start, To: flowstoretest.Start + int64(time.Hour)}
		return r.Histogram(t.Context(), q)
	})
	flowstoretest.SameAnswer(t, reference, store, "values", func(r flowstore.Reader) ([]flowstore.ValueCount, error) {
		return r.Values(t.Context(), flowstore.ValuesQuery{Selection: all, Field: flow.Flows.Lookup("network.transport"), Limit: 10})
	})
	stats, err := store.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, uint64(defaultMaxSize), stats.MaxBytes)
}
