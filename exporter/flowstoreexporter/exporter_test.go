package flowstoreexporter

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/goleak"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// store is a flow store extension that keeps what is written, and fails as told.
type store struct {
	component.StartFunc
	component.ShutdownFunc

	mu     sync.Mutex
	fail   func(attempt int) error
	writes int
	ids    map[flow.ID]int
}

func (s *store) FlowWriter() flowstore.Writer { return s }

func (s *store) Write(ctx context.Context, batch *flow.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	if s.fail != nil {
		if err := s.fail(s.writes); err != nil {
			return err
		}
	}
	if s.ids == nil {
		s.ids = make(map[flow.ID]int)
	}
	for _, f := range batch.Flows {
		s.ids[f.ID]++
	}
	return ctx.Err()
}

func (s *store) stored() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.ids)
}

type host map[component.ID]component.Component

func (h host) GetExtensions() map[component.ID]component.Component { return h }

func logs(from, n int) plog.Logs {
	batch := flow.Batch{}
	for i := range n {
		batch.Flows = append(batch.Flows, flow.Flow{ID: flow.ID{Node: 1, Epoch: 1, Counter: uint64(from + i)}, End: int64(i)})
	}
	return flow.Encode(&batch, time.Unix(1, 0))
}

func foreign(to plog.Logs, n int) plog.Logs {
	records := to.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for range n {
		records.AppendEmpty().Body().SetStr("a line of a web server's log")
	}
	return to
}

// start makes an exporter that writes to s, with changes to the default config.
func start(t *testing.T, set exporter.Settings, s *store, change func(*Config)) exporter.Logs {
	t.Helper()
	config := createDefaultConfig().(*Config)
	config.Retry.InitialInterval, config.Retry.MaxInterval = time.Millisecond, time.Millisecond
	if change != nil {
		change(config)
	}
	e, err := NewFactory().CreateLogs(t.Context(), set, config)
	require.NoError(t, err)
	require.NoError(t, e.Start(t.Context(), host{defaultStore: s}))
	t.Cleanup(func() { require.NoError(t, e.Shutdown(context.Background())) })
	return e
}

func direct(c *Config) {
	c.Queue = noQueue()
	c.Retry.Enabled = false
}

func noQueue() configoptional.Optional[exporterhelper.QueueBatchConfig] {
	return configoptional.None[exporterhelper.QueueBatchConfig]()
}

func TestConfig(t *testing.T) {
	conf, err := confmaptest.LoadConf(filepath.Join("testdata", "config.yaml"))
	require.NoError(t, err)
	load := func(t *testing.T, name string) (*Config, error) {
		sub, err := conf.Sub(component.NewIDWithName(Type, name).String())
		require.NoError(t, err)
		config := createDefaultConfig().(*Config)
		require.NoError(t, sub.Unmarshal(config))
		return config, confmap.Validate(config)
	}
	t.Run("default", func(t *testing.T) {
		config, err := load(t, "")
		require.NoError(t, err)
		require.Equal(t, createDefaultConfig(), config)
		require.True(t, config.Queue.Get().BlockOnOverflow)
		require.True(t, config.Queue.Get().WaitForResult)
		require.Equal(t, 200*time.Millisecond, config.Queue.Get().Batch.Get().FlushTimeout)
		require.Zero(t, config.Retry.MaxElapsedTime)
	})
	t.Run("all", func(t *testing.T) {
		config, err := load(t, "all")
		require.NoError(t, err)
		require.Equal(t, component.MustNewIDWithName("flow_store", "other"), config.Store)
		require.Equal(t, 3, config.Queue.Get().NumConsumers)
		require.Equal(t, int64(5000), config.Queue.Get().QueueSize)
		require.False(t, config.Queue.Get().WaitForResult)
		require.Equal(t, time.Second, config.Queue.Get().Batch.Get().FlushTimeout)
		require.Equal(t, time.Minute, config.Retry.MaxElapsedTime)
	})
	t.Run("direct", func(t *testing.T) {
		config, err := load(t, "direct")
		require.NoError(t, err)
		require.False(t, config.Queue.HasValue())
	})
	for name, want := range map[string]string{"bad_queue": "queue_size", "bad_batch": "flush_timeout"} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, name)
			require.ErrorContains(t, err, want)
		})
	}
}

func TestLifecycle(t *testing.T) {
	require.NoError(t, componenttest.CheckConfigStruct(NewFactory().CreateDefaultConfig()))
	e, err := NewFactory().CreateLogs(t.Context(), exportertest.NewNopSettings(Type), createDefaultConfig())
	require.NoError(t, err)
	require.NoError(t, e.Shutdown(t.Context()), "shutdown without start")

	e, err = NewFactory().CreateLogs(t.Context(), exportertest.NewNopSettings(Type), createDefaultConfig())
	require.NoError(t, err)
	require.ErrorContains(t, e.Start(t.Context(), componenttest.NewNopHost()), `there is no extension "flow_store"`)
	require.NoError(t, e.Shutdown(t.Context()))
}

func TestWhatIsAcknowledgedIsStored(t *testing.T) {
	s := &store{}
	e := start(t, exportertest.NewNopSettings(Type), s, nil)
	require.NoError(t, e.ConsumeLogs(t.Context(), logs(1, 10)))
	require.Equal(t, 10, s.stored())
}

func TestSmallRequestsAreWrittenTogether(t *testing.T) {
	s := &store{}
	e := start(t, exportertest.NewNopSettings(Type), s, nil)
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			if err := e.ConsumeLogs(t.Context(), logs(1+100*i, 100)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, 10_000, s.stored())
	require.Less(t, s.writes, 50)
}

func TestForeignRecords(t *testing.T) {
	for name, change := range map[string]func(*Config){"direct": direct, "queued": nil} {
		t.Run(name, func(t *testing.T) {
			telemetry := componenttest.NewTelemetry()
			defer func() { require.NoError(t, telemetry.Shutdown(context.Background())) }()
			set := exportertest.NewNopSettings(Type)
			set.TelemetrySettings = telemetry.NewTelemetrySettings()
			s := &store{}
			e := start(t, set, s, change)
			err := e.ConsumeLogs(t.Context(), foreign(logs(1, 7), 3))
			require.ErrorContains(t, err, "3 of the log records are not flow records")
			require.ErrorContains(t, err, "the other 7 were stored")
			require.True(t, consumererror.IsPermanent(err))
			require.Equal(t, 7, s.stored())
			got, err := telemetry.GetMetric("otelcol_flow_store_records_rejected")
			require.NoError(t, err)
			require.Equal(t, int64(3), got.Data.(metricdata.Sum[int64]).DataPoints[0].Value)
		})
	}
}

func TestErrorsOfTheStoreAreRetryable(t *testing.T) {
	full := fmt.Errorf("write: %w", flowstore.ErrFull)
	s := &store{fail: func(int) error { return full }}
	e := start(t, exportertest.NewNopSettings(Type), s, direct)
	err := e.ConsumeLogs(t.Context(), foreign(logs(1, 1), 1))
	require.ErrorIs(t, err, flowstore.ErrFull)
	require.False(t, consumererror.IsPermanent(err))
}

func TestAFullStoreIsTriedUntilItRecovers(t *testing.T) {
	s := &store{fail: func(attempt int) error {
		if attempt < 20 {
			return flowstore.ErrFull
		}
		return nil
	}}
	e := start(t, exportertest.NewNopSettings(Type), s, nil)
	require.NoError(t, e.ConsumeLogs(t.Context(), logs(1, 5)))
	require.Equal(t, 5, s.stored())
	require.GreaterOrEqual(t, s.writes, 20)
}

// TestRandomFailures is the exporter half of exportertest.CheckConsumeContract,
// whose host has no extensions: every record arrives whatever errors there are.
func TestRandomFailures(t *testing.T) {
	s := &store{fail: func(attempt int) error {
		if attempt%3 != 0 {
			return errors.New("try again")
		}
		return nil
	}}
	e := start(t, exportertest.NewNopSettings(Type), s, func(c *Config) { c.Queue = noQueue() })
	for i := range 200 {
		require.NoError(t, e.ConsumeLogs(t.Context(), logs(1+i, 1)))
	}
	require.Equal(t, 200, s.stored())
	require.Equal(t, 600, s.writes)
}
