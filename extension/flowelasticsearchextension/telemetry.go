package flowelasticsearchextension

import (
	"context"
	"errors"
	"sync/atomic"

	"go.opentelemetry.io/otel/metric"
)

const scopeName = "github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension"

// telemetry is the extension's metrics.
type telemetry struct {
	meter     metric.Meter
	setup     *setupTelemetry
	recycling *recyclingTelemetry
	leader    metric.Int64ObservableGauge
	observing metric.Registration

	// leads says that this collector does the work; what another one does is not ours to
	// measure.
	leads atomic.Bool
}

func newTelemetry(provider metric.MeterProvider) (*telemetry, error) {
	t := &telemetry{meter: provider.Meter(scopeName)}
	var errs [3]error
	t.setup, errs[0] = newSetupTelemetry(t.meter)
	t.recycling, errs[1] = newRecyclingTelemetry(t.meter)
	t.leader, errs[2] = t.meter.Int64ObservableGauge("otelcol_flow_elasticsearch_leader",
		metric.WithUnit("1"), metric.WithDescription("1 if this collector sets Elasticsearch up and recycles it, 0 if it stands by."))
	return t, errors.Join(errs[:]...)
}

// observe reports the state until close.
func (t *telemetry) observe() (err error) {
	instruments := append([]metric.Observable{t.leader}, t.setup.observed()...)
	t.observing, err = t.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		if !t.leads.Load() {
			o.ObserveInt64(t.leader, 0)
			return nil
		}
		o.ObserveInt64(t.leader, 1)
		t.setup.observe(o)
		t.recycling.observe(o)
		return nil
	}, append(instruments, t.recycling.observed()...)...)
	return err
}

func (t *telemetry) close() error { return t.observing.Unregister() }
