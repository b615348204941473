//go:build !linux

package flowlogreceiver

import (
	"context"
	"fmt"
	"runtime"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"
)

func createLogs(context.Context, receiver.Settings, component.Config, consumer.Logs) (receiver.Logs, error) {
	return nil, fmt.Errorf("the flowlog receiver works on Linux only, this is %s: remove it from the pipelines", runtime.GOOS)
}
