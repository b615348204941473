package flowelasticsearchextension

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"go.opentelemetry.io/otel/metric"
)

const scopeName = "github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension"

// telemetry is the extension's metrics.
type telemetry struct {
	meter     metric.Meter
	setup     *setupTelemetry
	recycling *recyclingTelemetry
	kibana    *kibanaTelemetry
	leader    metric.Int64ObservableGauge
	observing metric.Registration

	// leads says that this collector does the work; what another one does is not ours to
	// measure, so that gauges are observed, not recorded: a value that was recorded stays.
	leads atomic.Bool
}

func newTelemetry(provider metric.MeterProvider) (*telemetry, error) {
	t := &telemetry{meter: provider.Meter(scopeName)}
	var errs [4]error
	t.setup, errs[0] = newSetupTelemetry(t.meter)
	t.recycling, errs[1] = newRecyclingTelemetry(t.meter)
	t.kibana, errs[2] = newKibanaTelemetry(t.meter)
	t.leader, errs[3] = t.meter.Int64ObservableGauge("otelcol_flow_elasticsearch_leader",
		metric.WithUnit("1"), metric.WithDescription("1 if this collector sets Elasticsearch up and recycles it, 0 if it stands by."))
	return t, errors.Join(errs[:]...)
}

// begin has the state be what this collector finds from now on: what it found when it worked
// before, another one may have changed.
func (t *telemetry) begin() {
	t.setup.forget()
	t.recycling.forget()
	t.kibana.forget()
	t.leads.Store(true)
}

// end has no state be reported but that this collector stands by.
func (t *telemetry) end() { t.leads.Store(false) }

// observe reports the state until close.
func (t *telemetry) observe() (err error) {
	instruments := slices.Concat([]metric.Observable{t.leader}, t.setup.observed(), t.recycling.observed(), t.kibana.observed())
	t.observing, err = t.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		if !t.leads.Load() {
			o.ObserveInt64(t.leader, 0)
			return nil
		}
		o.ObserveInt64(t.leader, 1)
		t.setup.observe(o)
		t.recycling.observe(o)
		t.kibana.observe(o)
		return nil
	}, instruments...)
	return err
}

func (t *telemetry) close() error { return t.observing.Unregister() }

// oneIf is the value of a gauge that says whether something is so.
func oneIf(so bool) int64 {
	if so {
		return 1
	}
	return 0
}
