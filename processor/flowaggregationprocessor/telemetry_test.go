package flowaggregationprocessor

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowaggregationprocessor/internal/metadata"
)

// points returns the values of a metric by its attributes, such as level=2,rule=allowed.
func points(t *testing.T, telemetry *componenttest.Telemetry, name string) map[string]int64 {
	t.Helper()
	m, err := telemetry.GetMetric(name)
	require.NoError(t, err)
	var data []metricdata.DataPoint[int64]
	switch d := m.Data.(type) {
	case metricdata.Sum[int64]:
		data = d.DataPoints
	case metricdata.Gauge[int64]:
		data = d.DataPoints
	}
	values := make(map[string]int64)
	for _, p := range data {
		values[p.Attributes.Encoded(attribute.DefaultEncoder())] = p.Value
	}
	return values
}

func TestTelemetry(t *testing.T) {
	telemetry := componenttest.NewTelemetry()
	defer func() { require.NoError(t, telemetry.Shutdown(context.Background())) }()
	settings := processortest.NewNopSettings(metadata.Type)
	settings.TelemetrySettings = telemetry.NewTelemetrySettings()
	config := createDefaultConfig().(*Config)
	config.Interval, config.Delay, config.Jitter = time.Hour, time.Hour, 0
	config.Rules = []RuleConfig{
		{Name: "shop", Action: "deny", Namespaces: []string{"shop"}, Detail: DetailConfig{Level: 3}},
		{Name: "broken", Action: "allow", Conditions: []string{`IsInCIDR(attributes["source.address"], ["10.0.0.0/8"])`}},
	}
	m, err := newMerger(settings, config, consumertest.NewNop())
	require.NoError(t, err)
	require.NoError(t, m.Start(t.Context(), componenttest.NewNopHost()))

	var flows []flow.Flow
	end := time.Now().Truncate(time.Hour).Add(time.Minute).UnixNano()
	for n := range 10 {
		for i, action := range []flow.Action{flow.Allow, flow.Deny} {
			f := record(n, action)
			f.ID.Counter, f.End = uint64(2*n+i+1), end
			flows = append(flows, f)
		}
	}
	logs := encode(flow.Batch{Flows: flows})
	require.NoError(t, m.ConsumeLogs(t.Context(), logs))
	again := plog.NewLogs()
	logs.CopyTo(again)
	again.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().PutStr("source.bytes", "many")
	require.NoError(t, m.ConsumeLogs(t.Context(), again))

	for name, want := range map[string]map[string]int64{
		"otelcol_flow_aggregation_merged":           {"": 20},
		"otelcol_flow_aggregation_duplicates":       {"": 19},
		"otelcol_flow_aggregation_unreadable":       {"": 1},
		"otelcol_flow_aggregation_condition_errors": {"": 10},
		"otelcol_flow_aggregation_windows":          {"": 1},
		"otelcol_flow_aggregation_groups":           {"": 2},
		"otelcol_flow_aggregation_pressure":         {"": 0},
		"otelcol_flow_aggregation_folds":            {"": 0},
		"otelcol_flow_aggregation_joined_windows":   {"": 0},
	} {
		assert.Equal(t, want, points(t, telemetry, name), name)
	}
	assert.Positive(t, points(t, telemetry, "otelcol_flow_aggregation_memory")[""])
	require.NoError(t, m.Shutdown(t.Context()))
	assert.Equal(t, map[string]int64{"level=2,rule=allowed": 1, "level=3,rule=shop": 1}, points(t, telemetry, "otelcol_flow_aggregation_written"))
}
