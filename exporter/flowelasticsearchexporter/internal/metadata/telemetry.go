package metadata

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/metric"
)

// Telemetry holds the exporter's own metrics.
type Telemetry struct {
	meter metric.Meter

	// Documents counts those that are done, by outcome; Rejected the rejected ones among
	// them, by reason.
	Documents, Rejected metric.Int64Counter
	// What became of others: see the descriptions.
	Retries, NotFlows metric.Int64Counter
	// Requests counts them by status and outcome.
	Requests                                metric.Int64Counter
	DocumentBytes, SentBytes, ReceivedBytes metric.Int64Counter
	Duration                                metric.Float64Histogram

	size, limit metric.Int64ObservableGauge
}

// NewTelemetry creates the instruments.
func NewTelemetry(settings component.TelemetrySettings) (*Telemetry, error) {
	t := &Telemetry{meter: settings.MeterProvider.Meter(ScopeName)}
	var errs []error
	for _, c := range []struct {
		counter                 *metric.Int64Counter
		name, unit, description string
	}{
		{&t.Documents, "documents", "{documents}", "Documents that are done, by outcome."},
		{&t.Rejected, "rejected", "{documents}", "Documents that Elasticsearch rejected and that are kept elsewhere, by reason."},
		{&t.Retries, "document_retries", "{documents}", "Documents that are to be sent again, each time, by reason."},
		{&t.NotFlows, "not_flows", "{records}", "Log records that are no flow records and were refused."},
		{&t.Requests, "requests", "{requests}", "Bulk requests, by status of the answer and outcome."},
		{&t.DocumentBytes, "document_bytes", "By", "Size of the documents in requests, before compression."},
		{&t.SentBytes, "sent_bytes", "By", "Size of the bodies of requests, as sent."},
		{&t.ReceivedBytes, "received_bytes", "By", "Size of the bodies of answers, as far as read."},
	} {
		counter, err := t.meter.Int64Counter("otelcol_flow_elasticsearch_"+c.name, metric.WithUnit(c.unit), metric.WithDescription(c.description))
		*c.counter = counter
		errs = append(errs, err)
	}
	for _, g := range []struct {
		gauge                   *metric.Int64ObservableGauge
		name, unit, description string
	}{
		{&t.size, "request_size", "By", "How large requests are to be, before compression: what the server can take."},
		{&t.limit, "request_limit", "{requests}", "How many requests are to be under way at once: what the server can take."},
	} {
		gauge, err := t.meter.Int64ObservableGauge("otelcol_flow_elasticsearch_"+g.name, metric.WithUnit(g.unit), metric.WithDescription(g.description))
		*g.gauge = gauge
		errs = append(errs, err)
	}
	var err error
	t.Duration, err = t.meter.Float64Histogram("otelcol_flow_elasticsearch_request_duration", metric.WithUnit("s"),
		metric.WithDescription("Time from sending a request to the end of its answer."),
		metric.WithExplicitBucketBoundaries(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60))
	return t, errors.Join(append(errs, err)...)
}

// Observe has the pace read, size and limit of requests, from now until the registration
// ends.
func (t *Telemetry) Observe(pace func() (size, limit int)) (metric.Registration, error) {
	return t.meter.RegisterCallback(func(_ context.Context, to metric.Observer) error {
		size, limit := pace()
		to.ObserveInt64(t.size, int64(size))
		to.ObserveInt64(t.limit, int64(limit))
		return nil
	}, t.size, t.limit)
}
