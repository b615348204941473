package flowelasticsearchextension

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension/internal/setup"
)

// setupTelemetry is about setting up.
type setupTelemetry struct {
	put, rolledOver metric.Int64Counter
	failed          metric.Int64Counter
	ready           metric.Int64ObservableGauge
	lastSuccess     metric.Float64ObservableGauge

	succeeded atomic.Bool
	at        atomic.Int64 // Unix ns of the last success, 0 before
}

func newSetupTelemetry(meter metric.Meter) (*setupTelemetry, error) {
	t := &setupTelemetry{}
	var errs [5]error
	t.put, errs[0] = meter.Int64Counter("otelcol_flow_elasticsearch_templates_put",
		metric.WithUnit("{template}"), metric.WithDescription("Templates put."))
	t.rolledOver, errs[1] = meter.Int64Counter("otelcol_flow_elasticsearch_rollovers",
		metric.WithUnit("{rollover}"), metric.WithDescription("Data streams that began a new index because the templates had changed."))
	t.failed, errs[2] = meter.Int64Counter("otelcol_flow_elasticsearch_setup_failures",
		metric.WithUnit("{failure}"), metric.WithDescription("Rounds of the set-up that ended with an error."))
	t.ready, errs[3] = meter.Int64ObservableGauge("otelcol_flow_elasticsearch_setup_state",
		metric.WithUnit("1"), metric.WithDescription("1 if the last look at the server found it set up, 0 if not or not yet."))
	t.lastSuccess, errs[4] = meter.Float64ObservableGauge("otelcol_flow_elasticsearch_setup_last_success",
		metric.WithUnit("s"), metric.WithDescription("When the server was last found set up, in Unix time; absent before."))
	return t, errors.Join(errs[:]...)
}

func (t *setupTelemetry) observed() []metric.Observable {
	return []metric.Observable{t.ready, t.lastSuccess}
}

// forget leaves the time of the last success, which does not change.
func (t *setupTelemetry) forget() { t.succeeded.Store(false) }

func (t *setupTelemetry) observe(o metric.Observer) {
	o.ObserveInt64(t.ready, oneIf(t.succeeded.Load()))
	if at := t.at.Load(); at != 0 {
		o.ObserveFloat64(t.lastSuccess, float64(at)/1e9)
	}
}

func (t *setupTelemetry) round(result setup.Result, err error) {
	ctx := context.Background()
	if n := len(result.Put); n > 0 {
		t.put.Add(ctx, int64(n))
	}
	if n := len(result.RolledOver); n > 0 {
		t.rolledOver.Add(ctx, int64(n))
	}
	t.succeeded.Store(err == nil)
	if err != nil {
		t.failed.Add(ctx, 1)
		return
	}
	t.at.Store(time.Now().UnixNano())
}
