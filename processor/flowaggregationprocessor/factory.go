package flowaggregationprocessor

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowaggregationprocessor/internal/metadata"
)

// NewFactory returns the factory of the flow_aggregation processor.
func NewFactory() processor.Factory {
	return processor.NewFactory(metadata.Type, createDefaultConfig, processor.WithLogs(createLogs, metadata.LogsStability))
}

func createLogs(_ context.Context, settings processor.Settings, config component.Config, next consumer.Logs) (processor.Logs, error) {
	c := config.(*Config)
	if c.DryRun.Enabled {
		return newTrial(settings, c, next)
	}
	return newMerger(settings, c, next)
}
