package flowelasticsearchextension

import (
	"context"
	"errors"
	"sync/atomic"

	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension/internal/kibanaclient"
)

// kibanaTelemetry is about what is put into Kibana.
type kibanaTelemetry struct {
	imported, failed metric.Int64Counter
	state            metric.Int64ObservableGauge

	last atomic.Pointer[bool] // whether the last round succeeded; nil before the first
}

func newKibanaTelemetry(meter metric.Meter) (*kibanaTelemetry, error) {
	t := &kibanaTelemetry{}
	var errs [3]error
	t.imported, errs[0] = meter.Int64Counter("otelcol_flow_elasticsearch_kibana_objects_put",
		metric.WithUnit("{object}"), metric.WithDescription("Data views, Discover sessions, dashboards and tags put into Kibana."))
	t.failed, errs[1] = meter.Int64Counter("otelcol_flow_elasticsearch_kibana_failures",
		metric.WithUnit("{failure}"), metric.WithDescription("Rounds in which Kibana was away, refused, or did not take some of the objects."))
	t.state, errs[2] = meter.Int64ObservableGauge("otelcol_flow_elasticsearch_kibana_state",
		metric.WithUnit("1"), metric.WithDescription("1 if the last round found or left Kibana with the dashboards, 0 if not; absent before the first."))
	return t, errors.Join(errs[:]...)
}

func (t *kibanaTelemetry) observed() []metric.Observable { return []metric.Observable{t.state} }

func (t *kibanaTelemetry) forget() { t.last.Store(nil) }

func (t *kibanaTelemetry) observe(o metric.Observer) {
	if last := t.last.Load(); last != nil {
		o.ObserveInt64(t.state, oneIf(*last))
	}
}

func (t *kibanaTelemetry) round(result kibanaclient.Result, err error) {
	ctx := context.Background()
	if result.Imported > 0 {
		t.imported.Add(ctx, int64(result.Imported))
	}
	succeeded := err == nil
	if !succeeded {
		t.failed.Add(ctx, 1)
	}
	t.last.Store(&succeeded)
}
