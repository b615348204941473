package flowstoreexporter

import (
	"context"
	"fmt"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

const scopeName = "github.com/otelcol-flowlogs/otelcol-flowlogs/exporter/flowstoreexporter"

type storeExporter struct {
	config   *Config
	rejected metric.Int64Counter
	store    flowstore.Writer
}

func newExporter(set exporter.Settings, config *Config) (*storeExporter, error) {
	rejected, err := set.MeterProvider.Meter(scopeName).Int64Counter("otelcol_flow_store_records_rejected",
		metric.WithUnit("{record}"), metric.WithDescription("Log records that are not flow records and were not stored."))
	return &storeExporter{config: config, rejected: rejected}, err
}

func (e *storeExporter) start(_ context.Context, host component.Host) (err error) {
	e.store, err = flowstore.WriterFromHost(host, e.config.Store)
	return err
}

// push stores the flow records among logs. Others are refused for good; an error
// of the store is worth a retry, in which what is stored already is passed over.
func (e *storeExporter) push(ctx context.Context, logs plog.Logs) error {
	batch, rejected := flow.Decode(logs)
	if err := e.store.Write(ctx, &batch); err != nil {
		return err
	}
	if rejected.Count == 0 {
		return nil
	}
	e.rejected.Add(ctx, int64(rejected.Count))
	return consumererror.NewPermanent(fmt.Errorf(
		"%w; the other %d were stored: send only flow records to this exporter, for example with a filter processor before it",
		rejected.Err(), batch.Len()))
}
