package flowvisualizerextension

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/extension"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowvisualizerextension/internal/ui"
)

var componentType = component.MustNewType("flow_visualizer")

// NewFactory returns the factory of the flow_visualizer extension.
func NewFactory() extension.Factory {
	return extension.NewFactory(componentType, createDefaultConfig, create, component.StabilityLevelDevelopment)
}

func createDefaultConfig() component.Config {
	server := confighttp.NewDefaultServerConfig()
	server.NetAddr.Endpoint = defaultEndpoint
	server.WriteTimeout = defaultWriteTimeout
	return &Config{
		ServerConfig: server,
		Store:        component.MustNewID(defaultStore),
		QueryTimeout: defaultQueryTimeout,
	}
}

func create(_ context.Context, set extension.Settings, cfg component.Config) (extension.Extension, error) {
	return newVisualizer(cfg.(*Config), set, ui.Files()), nil
}
