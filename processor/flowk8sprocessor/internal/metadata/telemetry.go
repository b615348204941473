package metadata

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Telemetry holds the processor's own metrics.
type Telemetry struct {
	meter metric.Meter

	Ends      metric.Int64Counter
	Uncertain metric.Int64Counter
	Waited    metric.Int64Counter
	Refused   metric.Int64Counter
	Lost      metric.Int64Counter

	waiting, pods, addresses, ended, agents, errors, lists metric.Int64Observable
	staleness                                              metric.Float64ObservableGauge
}

// Observed is what the gauges say at a time.
type Observed struct {
	Waiting, Pods, Addresses, Ended, Agents int
	Kinds                                   []Kind
}

// Kind is the state of one watch.
type Kind struct {
	Name string
	// Staleness is for how long the watch has been broken, in seconds.
	Staleness float64
	Errors    uint64
	// Lists is how often all of the kind was read.
	Lists uint64
}

// NewTelemetry creates the instruments.
func NewTelemetry(settings component.TelemetrySettings) (*Telemetry, error) {
	meter := settings.MeterProvider.Meter(ScopeName)
	t := Telemetry{meter: meter}
	var errs [13]error
	t.Ends, errs[0] = meter.Int64Counter("otelcol_flow_k8s_ends",
		metric.WithDescription("Ends of flows, by the type that they have afterwards."), metric.WithUnit("{ends}"))
	t.Uncertain, errs[1] = meter.Int64Counter("otelcol_flow_k8s_uncertain",
		metric.WithDescription("Ends of flows whose identity may be wrong or short, by reason."), metric.WithUnit("{ends}"))
	t.Waited, errs[2] = meter.Int64Counter("otelcol_flow_k8s_waited",
		metric.WithDescription("Records that waited for the cluster to tell of their ends."), metric.WithUnit("{records}"))
	t.Refused, errs[3] = meter.Int64Counter("otelcol_flow_k8s_wait_refused",
		metric.WithDescription("Records that went on at once where they should have waited, for as many as max_records did."), metric.WithUnit("{records}"))
	t.Lost, errs[4] = meter.Int64Counter("otelcol_flow_k8s_lost",
		metric.WithDescription("Records that had waited and that the pipeline then refused for good."), metric.WithUnit("{records}"))
	var waiting, pods, addresses, ended, agents metric.Int64ObservableGauge
	waiting, errs[5] = meter.Int64ObservableGauge("otelcol_flow_k8s_waiting",
		metric.WithDescription("Records that wait."), metric.WithUnit("{records}"))
	pods, errs[6] = meter.Int64ObservableGauge("otelcol_flow_k8s_pods",
		metric.WithDescription("Pods that are known, those of the grace period included."), metric.WithUnit("{pods}"))
	addresses, errs[7] = meter.Int64ObservableGauge("otelcol_flow_k8s_addresses",
		metric.WithDescription("Addresses of pods that are known."), metric.WithUnit("{addresses}"))
	ended, errs[8] = meter.Int64ObservableGauge("otelcol_flow_k8s_ended",
		metric.WithDescription("What has ended and is kept for the grace period."), metric.WithUnit("{entries}"))
	t.staleness, errs[9] = meter.Float64ObservableGauge("otelcol_flow_k8s_staleness",
		metric.WithDescription("For how long the watch of a kind has been broken, 0 while it works."), metric.WithUnit("s"))
	failures, err := meter.Int64ObservableCounter("otelcol_flow_k8s_watch_errors",
		metric.WithDescription("Requests to list or watch a kind that failed."), metric.WithUnit("{requests}"))
	errs[10] = err
	lists, err := meter.Int64ObservableCounter("otelcol_flow_k8s_lists",
		metric.WithDescription("How often all of a kind was read: at the start, and after each watch that broke or expired."), metric.WithUnit("{lists}"))
	errs[11] = err
	agents, errs[12] = meter.Int64ObservableGauge("otelcol_flow_k8s_agents",
		metric.WithDescription("Nodes whose agent was heard of lately."), metric.WithUnit("{nodes}"))
	t.waiting, t.pods, t.addresses, t.ended, t.agents, t.errors, t.lists = waiting, pods, addresses, ended, agents, failures, lists
	return &t, errors.Join(errs[:]...)
}

// Observe has the gauges read from now until the registration ends.
func (t *Telemetry) Observe(read func() Observed) (metric.Registration, error) {
	return t.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		now := read()
		for _, g := range []struct {
			gauge metric.Int64Observable
			value int
		}{{t.waiting, now.Waiting}, {t.pods, now.Pods}, {t.addresses, now.Addresses}, {t.ended, now.Ended}, {t.agents, now.Agents}} {
			o.ObserveInt64(g.gauge, int64(g.value))
		}
		for _, k := range now.Kinds {
			kind := metric.WithAttributes(attribute.String("kind", k.Name))
			o.ObserveFloat64(t.staleness, k.Staleness, kind)
			o.ObserveInt64(t.errors, int64(k.Errors), kind)
			o.ObserveInt64(t.lists, int64(k.Lists), kind)
		}
		return nil
	}, t.waiting, t.pods, t.addresses, t.ended, t.agents, t.errors, t.lists, t.staleness)
}

// CountEnds adds to the ends of a type.
func (t *Telemetry) CountEnds(ctx context.Context, kind string, n int) {
	t.Ends.Add(ctx, int64(n), metric.WithAttributes(attribute.String("type", kind)))
}

// CountUncertain adds to the ends that are uncertain for a reason.
func (t *Telemetry) CountUncertain(ctx context.Context, reason string, n int) {
	t.Uncertain.Add(ctx, int64(n), metric.WithAttributes(attribute.String("reason", reason)))
}
