// Package metadata holds what identifies the receiver: its type, its stability
// and its own metrics.
package metadata

import "go.opentelemetry.io/collector/component"

// Type is what the configuration calls the receiver.
var Type = component.MustNewType("flowlog")

const (
	// ScopeName is the instrumentation scope of the receiver's own metrics.
	ScopeName = "github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver"
	// LogsStability is how far the logs signal can be relied on.
	LogsStability = component.StabilityLevelAlpha
)
