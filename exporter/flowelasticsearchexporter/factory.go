package flowelasticsearchexporter

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/exporter/flowelasticsearchexporter/internal/metadata"
)

// NewFactory returns the factory of the flow_elasticsearch exporter.
func NewFactory() exporter.Factory {
	return exporter.NewFactory(metadata.Type, createDefaultConfig, exporter.WithLogs(createLogs, metadata.LogsStability))
}

func createLogs(ctx context.Context, set exporter.Settings, cfg component.Config) (exporter.Logs, error) {
	config := cfg.(*Config)
	e, err := newExporter(set, config)
	if err != nil {
		return nil, err
	}
	return exporterhelper.NewLogs(ctx, set, config, e.push,
		exporterhelper.WithCapabilities(consumer.Capabilities{MutatesData: false}),
		exporterhelper.WithStart(e.start),
		exporterhelper.WithShutdown(e.shutdown),
		// The time that a request may take is the connection's to watch: a push is as many
		// of them as there is to send.
		exporterhelper.WithTimeout(exporterhelper.TimeoutConfig{}),
		exporterhelper.WithQueue(config.Queue),
		exporterhelper.WithRetry(config.Retry))
}
