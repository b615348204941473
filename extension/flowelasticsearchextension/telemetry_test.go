package flowelasticsearchextension

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension/internal/kibanaclient"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension/internal/recycle"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension/internal/setup"
)

// states are the gauges that say whether something is so, and leader, by their names
// without what all begin with.
func states(t *testing.T, telemetry *componenttest.Telemetry) map[string]int64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(t, telemetry.Reader.Collect(t.Context(), &all))
	found := map[string]int64{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			name := strings.TrimPrefix(m.Name, "otelcol_flow_elasticsearch_")
			gauge, ok := m.Data.(metricdata.Gauge[int64])
			if !ok || name != "leader" && !strings.HasSuffix(name, "_state") {
				continue
			}
			require.Len(t, gauge.DataPoints, 1, name)
			found[name] = gauge.DataPoints[0].Value
		}
	}
	return found
}

func TestGaugesAreOfWhoWorksAndOfWhatItFound(t *testing.T) {
	provider := componenttest.NewTelemetry()
	defer func() { require.NoError(t, provider.Shutdown(context.Background())) }()
	telemetry, err := newTelemetry(provider.NewTelemetrySettings().MeterProvider)
	require.NoError(t, err)
	require.NoError(t, telemetry.observe())
	defer func() { require.NoError(t, telemetry.close()) }()
	standsBy, begins := map[string]int64{"leader": 0}, map[string]int64{"leader": 1, "setup_state": 0}
	assert.Equal(t, standsBy, states(t, provider))

	telemetry.begin()
	assert.Equal(t, begins, states(t, provider), "before it has found anything")
	picture := recycle.Picture{Now: time.Unix(1, 0)}
	telemetry.setup.round(setup.Result{}, nil)
	telemetry.recycling.round(&recycle.Result{Picture: picture}, nil, false)
	telemetry.kibana.round(kibanaclient.Result{}, nil)
	works := map[string]int64{"leader": 1, "setup_state": 1, "recycle_state": 1, "kibana_state": 1}
	assert.Equal(t, works, states(t, provider))
	telemetry.kibana.round(kibanaclient.Result{}, errors.New("away"))
	works["kibana_state"] = 0
	assert.Equal(t, works, states(t, provider))

	others := []string{"kept_bytes", "kept_indices", "recycle_dry_run_indices", "recycle_dry_run_bytes", "setup_last_success"}
	for _, name := range others {
		_, err := provider.GetMetric("otelcol_flow_elasticsearch_" + name)
		require.NoError(t, err)
	}
	telemetry.end()
	assert.Equal(t, standsBy, states(t, provider), "another one works")
	for _, name := range others {
		_, err := provider.GetMetric("otelcol_flow_elasticsearch_" + name)
		require.Error(t, err, name)
	}
	assert.EqualValues(t, 1, value(t, provider, "kibana_failures"), "what was counted stays")
	telemetry.begin()
	assert.Equal(t, begins, states(t, provider), "what it found before, another one may have changed")
}
