// Package metadata holds what identifies the processor: its type, its stability
// and its own metrics.
package metadata

import "go.opentelemetry.io/collector/component"

// Type is what the configuration calls the processor.
var Type = component.MustNewType("flow_aggregation")

const (
	// ScopeName is the instrumentation scope of the processor's own metrics.
	ScopeName = "github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowaggregationprocessor"
	// LogsStability is how far the logs signal can be relied on.
	LogsStability = component.StabilityLevelAlpha
)
