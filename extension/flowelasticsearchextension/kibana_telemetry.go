package flowelasticsearchextension

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension/internal/kibanaclient"
)

// kibanaTelemetry is the metrics of what is put into Kibana.
type kibanaTelemetry struct {
	imported, failed metric.Int64Counter
	state            metric.Int64Gauge
}

func newKibanaTelemetry(provider metric.MeterProvider) (*kibanaTelemetry, error) {
	meter := provider.Meter(scopeName)
	var t kibanaTelemetry
	var errs [3]error
	t.imported, errs[0] = meter.Int64Counter("otelcol_flow_elasticsearch_kibana_objects_put",
		metric.WithUnit("{object}"), metric.WithDescription("Data views, Discover sessions, dashboards and tags put into Kibana."))
	t.failed, errs[1] = meter.Int64Counter("otelcol_flow_elasticsearch_kibana_failures",
		metric.WithUnit("{failure}"), metric.WithDescription("Rounds in which Kibana was away, refused, or did not take some of the objects."))
	t.state, errs[2] = meter.Int64Gauge("otelcol_flow_elasticsearch_kibana_state",
		metric.WithUnit("1"), metric.WithDescription("1 if the last round found or left Kibana with the dashboards, 0 if not; absent before the first."))
	return &t, errors.Join(errs[:]...)
}

func (t *kibanaTelemetry) round(result kibanaclient.Result, err error) {
	ctx := context.Background()
	if err != nil {
		t.failed.Add(ctx, 1)
		t.state.Record(ctx, 0)
		return
	}
	if result.Imported > 0 {
		t.imported.Add(ctx, int64(result.Imported))
	}
	t.state.Record(ctx, 1)
}
