package metadata

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Telemetry holds the receiver's own metrics.
type Telemetry struct {
	Events      metric.Int64Counter
	Records     metric.Int64Counter
	Lost        metric.Int64Counter
	Deferred    metric.Int64Counter
	Connections metric.Int64Gauge
	Waiting     metric.Int64Gauge
	Folded      metric.Int64Counter
	Names       metric.Int64Gauge
	Evicted     metric.Int64Counter
	Sweep       metric.Float64Histogram
	Lookups     metric.Int64Counter
}

// NewTelemetry creates the instruments.
func NewTelemetry(settings component.TelemetrySettings) (*Telemetry, error) {
	meter := settings.MeterProvider.Meter(ScopeName)
	var t Telemetry
	var errs [11]error
	t.Events, errs[0] = meter.Int64Counter("otelcol_flowlog_events",
		metric.WithDescription("Events that the kernel sent."), metric.WithUnit("{events}"))
	t.Records, errs[1] = meter.Int64Counter("otelcol_flowlog_records",
		metric.WithDescription("Flow records made."), metric.WithUnit("{records}"))
	t.Lost, errs[2] = meter.Int64Counter("otelcol_flowlog_lost",
		metric.WithDescription("What was lost, by stage and unit, as network.flow.loss records say."), metric.WithUnit("1"))
	t.Deferred, errs[3] = meter.Int64Counter("otelcol_flowlog_deferred",
		metric.WithDescription("Reports of living connections put off to the next interval, for the ring buffer was full."), metric.WithUnit("{reports}"))
	t.Connections, errs[4] = meter.Int64Gauge("otelcol_flowlog_connections",
		metric.WithDescription("Living connections at the end of the last interval."), metric.WithUnit("{connections}"))
	t.Waiting, errs[5] = meter.Int64Gauge("otelcol_flowlog_waiting",
		metric.WithDescription("Records that the pipeline has not taken yet."), metric.WithUnit("{records}"))
	t.Sweep, errs[6] = meter.Float64Histogram("otelcol_flowlog_sweep_duration",
		metric.WithDescription("Time to make all living connections report."), metric.WithUnit("s"),
		metric.WithExplicitBucketBoundaries(0.0001, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5))
	t.Lookups, errs[7] = meter.Int64Counter("otelcol_flowlog_translations",
		metric.WithDescription("Look-ups of translated connections, by what came of them."), metric.WithUnit("{lookups}"))
	t.Names, errs[8] = meter.Int64Gauge("otelcol_flowlog_dns_names",
		metric.WithDescription("Addresses whose names are known by DNS."), metric.WithUnit("{addresses}"))
	t.Evicted, errs[9] = meter.Int64Counter("otelcol_flowlog_dns_evicted",
		metric.WithDescription("Addresses whose names were forgotten before their time, for there are more than max_names."), metric.WithUnit("{addresses}"))
	t.Folded, errs[10] = meter.Int64Counter("otelcol_flowlog_folded",
		metric.WithDescription("Records that became part of coarser ones, for the pipeline takes fewer than there are."), metric.WithUnit("{records}"))
	return &t, errors.Join(errs[:]...)
}

// CountLookups adds to the look-ups of translations that had an outcome.
func (t *Telemetry) CountLookups(ctx context.Context, outcome string, n uint64) {
	t.Lookups.Add(ctx, int64(n), metric.WithAttributes(attribute.String("outcome", outcome)))
}

// CountLost adds to the losses at a stage.
func (t *Telemetry) CountLost(ctx context.Context, stage, unit string, n uint64) {
	t.Lost.Add(ctx, int64(n), metric.WithAttributes(attribute.String("stage", stage), attribute.String("unit", unit)))
}
