package flowlogreceiver

import (
	"go.opentelemetry.io/collector/receiver"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/metadata"
)

// NewFactory returns the factory of the flowlog receiver.
func NewFactory() receiver.Factory {
	return receiver.NewFactory(metadata.Type, createDefaultConfig, receiver.WithLogs(createLogs, metadata.LogsStability))
}
