package flowelasticsearchextension

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
)

// Type is the component type of the extension.
var Type = component.MustNewType("flow_elasticsearch")

// NewFactory returns the factory of the flow_elasticsearch extension.
func NewFactory() extension.Factory {
	return extension.NewFactory(Type, createDefaultConfig,
		func(_ context.Context, set extension.Settings, cfg component.Config) (extension.Extension, error) {
			return newExtension(set, cfg.(*Config))
		}, component.StabilityLevelDevelopment)
}
