package flowaggregationprocessor

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowaggregationprocessor/internal/metadata"
)

// Option changes the processors that a factory makes.
type Option func(*merger)

// WithClock has windows end by another clock than the machine's, to replay records of
// another time. It is read from several goroutines.
func WithClock(now func() time.Time) Option {
	return func(m *merger) { m.now = now }
}

// NewFactory returns the factory of the flow_aggregation processor.
func NewFactory(options ...Option) processor.Factory {
	create := func(_ context.Context, settings processor.Settings, config component.Config, next consumer.Logs) (processor.Logs, error) {
		c := config.(*Config)
		if c.DryRun.Enabled {
			return newTrial(settings, c, next)
		}
		return newMerger(settings, c, next, options...)
	}
	return processor.NewFactory(metadata.Type, createDefaultConfig, processor.WithLogs(create, metadata.LogsStability))
}
