// Package metadata holds what identifies the exporter: its type, its stability and its own
// metrics.
package metadata

import "go.opentelemetry.io/collector/component"

// Type is what the configuration calls the exporter.
var Type = component.MustNewType("flow_elasticsearch")

const (
	// ScopeName is the instrumentation scope of the exporter's own metrics.
	ScopeName = "github.com/otelcol-flowlogs/otelcol-flowlogs/exporter/flowelasticsearchexporter"
	// LogsStability is how far the logs signal can be relied on.
	LogsStability = component.StabilityLevelAlpha
)
