package flowstoreextension

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowstoreextension/internal/duckdb"
)

const scopeName = "github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowstoreextension"

// The attributes of the metrics, made once because writes are frequent.
var (
	kindFlow  = metric.WithAttributeSet(attribute.NewSet(attribute.String("kind", "flow")))
	kindLoss  = metric.WithAttributeSet(attribute.NewSet(attribute.String("kind", "loss")))
	kindAgent = metric.WithAttributeSet(attribute.NewSet(attribute.String("kind", "agent")))
)

// telemetry is the store's metrics.
type telemetry struct {
	meter                       metric.Meter
	written, duplicate, deleted metric.Int64Counter
	duration                    metric.Float64Histogram
	bytes, records              metric.Int64ObservableGauge
	observing                   metric.Registration
}

func newTelemetry(provider metric.MeterProvider) (*telemetry, error) {
	t := &telemetry{meter: provider.Meter(scopeName)}
	var errs [6]error
	t.written, errs[0] = t.meter.Int64Counter("otelcol_flow_store_records_written",
		metric.WithUnit("{record}"), metric.WithDescription("Records stored, by kind."))
	t.duplicate, errs[1] = t.meter.Int64Counter("otelcol_flow_store_records_duplicate",
		metric.WithUnit("{record}"), metric.WithDescription("Records passed over because they were stored already."))
	t.deleted, errs[2] = t.meter.Int64Counter("otelcol_flow_store_records_deleted",
		metric.WithUnit("{record}"), metric.WithDescription("Records deleted, by kind and reason: age or size."))
	t.duration, errs[3] = t.meter.Float64Histogram("otelcol_flow_store_write_duration",
		metric.WithUnit("s"), metric.WithDescription("Time to commit waiting writes together."))
	t.bytes, errs[4] = t.meter.Int64ObservableGauge("otelcol_flow_store_size",
		metric.WithUnit("By"), metric.WithDescription("Disk taken by the database and its log."))
	t.records, errs[5] = t.meter.Int64ObservableGauge("otelcol_flow_store_records",
		metric.WithUnit("{record}"), metric.WithDescription("Flow records in the store."))
	return t, errors.Join(errs[:]...)
}

// observe reports the state of store until close.
func (t *telemetry) observe(store *duckdb.Store) (err error) {
	t.observing, err = t.meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		stats, err := store.Stats(ctx)
		if err != nil {
			return err
		}
		o.ObserveInt64(t.bytes, int64(stats.Bytes))
		o.ObserveInt64(t.records, int64(stats.Records))
		return nil
	}, t.bytes, t.records)
	return err
}

func (t *telemetry) close() error { return t.observing.Unregister() }

func (t *telemetry) write(w duckdb.Write) {
	ctx := context.Background()
	add(t.written, w.Flows, kindFlow)
	add(t.written, w.Losses, kindLoss)
	add(t.written, w.Agents, kindAgent)
	add(t.duplicate, w.Duplicates)
	t.duration.Record(ctx, w.Took.Seconds())
}

func (t *telemetry) deletion(d duckdb.Deletion) {
	reason := metric.WithAttributes(attribute.String("reason", d.Reason))
	add(t.deleted, int(d.Flows), kindFlow, reason)
	add(t.deleted, int(d.Losses), kindLoss, reason)
	add(t.deleted, int(d.Agents), kindAgent, reason)
}

func add(counter metric.Int64Counter, n int, options ...metric.AddOption) {
	if n > 0 {
		counter.Add(context.Background(), int64(n), options...)
	}
}
