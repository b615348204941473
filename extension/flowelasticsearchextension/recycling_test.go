package flowelasticsearchextension

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// small is a server with a data stream of an old index and one that is written to. Nothing
// is there of templates but what is asked for to be deleted by.
type small struct {
	mu      sync.Mutex
	deleted []string
}

const oldIndex, writtenIndex = ".ds-logs-k8s.flow-default-2026.01.01-000001", ".ds-logs-k8s.flow-default-2026.01.02-000002"

func (s *small) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const shard = `{"shards":{"0":[{"routing":{"primary":true,"node":"n"},"docs":{"count":7},"store":{"size_in_bytes":1000}}]}}`
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	w.Header().Set("Content-Type", "application/json")
	path := r.URL.Path
	text := `{}`
	switch {
	case r.Method == http.MethodDelete:
		s.mu.Lock()
		s.deleted = append(s.deleted, path)
		s.mu.Unlock()
	case strings.HasPrefix(path, "/_nodes/stats"):
		text = `{"nodes":{"n":{"name":"one","timestamp":1790000000000,"roles":["data"],"fs":{"total":{"total_in_bytes":100000,"available_in_bytes":40000}}}}}`
	case strings.HasPrefix(path, "/_cluster/settings"):
		text = `{"defaults":{"cluster.routing.allocation.disk.watermark.high":"90%"}}`
	case path == "/_resolve/index/logs-k8s.flow-*":
		text = `{"data_streams":[{"name":"logs-k8s.flow-default","backing_indices":["` + oldIndex + `","` + writtenIndex + `"]}]}`
	case strings.Contains(path, "/_settings/"):
		text = `{"` + oldIndex + `":{"settings":{"index.creation_date":"1780000000000"}},"` + writtenIndex + `":{"settings":{"index.creation_date":"1789990000000"}}}`
	case strings.Contains(path, "/_stats/"):
		text = `{"indices":{"` + oldIndex + `":` + shard + `,"` + writtenIndex + `":` + shard + `}}`
	}
	_, _ = io.WriteString(w, text)
}

// recycleOn makes rounds of recycling of a small server until the collector says so, with a
// budget for one of its two indices.
func recycleOn(t *testing.T, server *small, rounds int, change func(*Config)) (*componenttest.Telemetry, *observer.ObservedLogs, *statuses) {
	t.Helper()
	listening := httptest.NewServer(server)
	t.Cleanup(listening.Close)
	config := createDefaultConfig().(*Config)
	config.Connection.HTTP.Endpoint = listening.URL
	config.Recycle = configoptional.Some(defaultRecycle())
	config.Recycle.Get().MaxSize = 1999
	change(config)
	telemetry := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, telemetry.Shutdown(context.Background())) })
	set := extensiontest.NewNopSettings(Type)
	set.TelemetrySettings = telemetry.NewTelemetrySettings()
	core, logs := observer.New(zap.InfoLevel)
	set.Logger = zap.New(core)
	e, err := newExtension(set, config)
	require.NoError(t, err)
	client, err := config.Connection.NewClient(t.Context(), componenttest.NewNopHost(), set.TelemetrySettings, set.BuildInfo)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close(context.Background()) })
	host := &statuses{Host: componenttest.NewNopHost()}
	works, err := e.works(t.Context(), host, client, &health{host: host})
	require.NoError(t, err)
	require.Len(t, works, 2)
	require.Equal(t, time.Minute, works[1].interval())
	e.telemetry.begin()
	require.NoError(t, e.telemetry.observe())
	for range rounds {
		require.NoError(t, works[1].round(t.Context()))
	}
	return telemetry, logs, host
}

// value is that of a metric with attributes, or of the only one it has.
func value(t *testing.T, telemetry *componenttest.Telemetry, name string, attributes ...attribute.KeyValue) int64 {
	t.Helper()
	m, err := telemetry.GetMetric("otelcol_flow_elasticsearch_" + name)
	if err != nil {
		return 0
	}
	points, ok := m.Data.(metricdata.Gauge[int64])
	if sum, isSum := m.Data.(metricdata.Sum[int64]); isSum {
		points.DataPoints = sum.DataPoints
	} else {
		require.True(t, ok, name)
	}
	want := attribute.NewSet(attributes...)
	for _, p := range points.DataPoints {
		if p.Attributes.Equals(&want) {
			return p.Value
		}
	}
	return 0
}

func TestADeletionIsLoggedAndCounted(t *testing.T) {
	server := &small{}
	telemetry, logs, host := recycleOn(t, server, 1, func(*Config) {})
	assert.Equal(t, []string{"/" + oldIndex}, server.deleted)
	said := logs.FilterMessage("deleted an index of flow records").All()
	require.Len(t, said, 1)
	assert.Equal(t, map[string]any{
		"index": oldIndex, "class": "allowed", "reason": "size", "size": "1000B", "documents": int64(7), "age": 10_000 * time.Second,
	}, said[0].ContextMap())
	allowed := attribute.String("class", "allowed")
	for name, want := range map[string]int64{"recycled_indices": 1, "recycled_bytes": 1000, "recycled_documents": 7} {
		assert.Equal(t, want, value(t, telemetry, name, allowed, attribute.String("reason", "size")), name)
	}
	for name, want := range map[string]int64{"kept_bytes": 2000, "kept_indices": 2, "recycle_dry_run_indices": 0} {
		assert.Equal(t, want, value(t, telemetry, name, allowed), name)
	}
	assert.EqualValues(t, 1, value(t, telemetry, "recycle_state"))
	assert.Equal(t, []componentstatus.Status{componentstatus.StatusOK}, host.seen)
}

func TestADryRunSaysOnceWhatWouldGo(t *testing.T) {
	server := &small{}
	telemetry, logs, _ := recycleOn(t, server, 3, func(c *Config) { c.Recycle.Get().DryRun = true })
	assert.Empty(t, server.deleted)
	assert.Equal(t, 1, logs.FilterMessage("would delete an index of flow records, but for the dry run").Len())
	allowed := attribute.String("class", "allowed")
	assert.EqualValues(t, 1, value(t, telemetry, "recycle_dry_run_indices", allowed))
	assert.EqualValues(t, 1000, value(t, telemetry, "recycle_dry_run_bytes", allowed))
	assert.Zero(t, value(t, telemetry, "recycled_indices", allowed, attribute.String("reason", "size")))
}

func TestWhatIsKeptBeyondALimitIsTroubleThatIsToldOnce(t *testing.T) {
	server := &small{}
	telemetry, logs, host := recycleOn(t, server, 3, func(c *Config) { c.Lifecycle.Allowed.MinDays = 30 })
	assert.Empty(t, server.deleted)
	said := logs.FilterMessage("cannot keep Elasticsearch within its limits").All()
	require.Len(t, said, 1)
	assert.Contains(t, said[0].ContextMap()["error"], "flow records take 2000B and are allowed 1999B")
	assert.Zero(t, value(t, telemetry, "recycle_state"))
	assert.EqualValues(t, 3, value(t, telemetry, "recycle_failures"))
	assert.Equal(t, []componentstatus.Status{componentstatus.StatusRecoverableError}, host.seen)
}
