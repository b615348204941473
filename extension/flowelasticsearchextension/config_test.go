package flowelasticsearchextension

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/configfile"
)

func load(t *testing.T, name string) (*Config, error) {
	t.Helper()
	config := createDefaultConfig().(*Config)
	err := configfile.Load(t, component.NewIDWithName(Type, name).String(), config)
	return config, err
}

func TestShapeOfTheConfig(t *testing.T) {
	require.NoError(t, componenttest.CheckConfigStruct(createDefaultConfig()))
}

func TestDefaults(t *testing.T) {
	config, err := load(t, "")
	require.NoError(t, err)
	require.Equal(t, 10*time.Minute, config.CheckInterval)
	options := config.options()
	require.Equal(t, schema.ECS, options.Mapping)
	require.Equal(t, schema.LogsDB, options.Mode)
	require.Empty(t, options.Namespace, "all of them")
	require.Nil(t, options.Replicas)
	for _, class := range schema.Classes() {
		require.Zero(t, options.Lifecycles[class])
	}
}

func TestAllOptions(t *testing.T) {
	config, err := load(t, "all")
	require.NoError(t, err)
	require.Zero(t, config.CheckInterval)
	none := 0
	require.Equal(t, schema.Options{
		Mapping: schema.OTel, Mode: schema.Standard, Namespace: "shop", Shards: 2, Replicas: &none,
		Lifecycles: map[schema.Class]schema.Lifecycle{
			schema.Allowed: {Retention: 8 * 24 * time.Hour}, schema.Denied: {Policy: "audit"}, schema.Observer: {}, schema.Rejected: {},
		},
	}, config.options())
}

func TestErrorsNameTheKey(t *testing.T) {
	for name, want := range map[string]string{
		"no_endpoint":    "endpoint: no server is named",
		"check_interval": "check_interval is -1s",
		"days":           "lifecycle::denied::days is -1",
		"both":           "lifecycle::observer: days and policy are both given",
		"namespace":      "namespace",
		"mode":           "fast",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, name)
			require.ErrorContains(t, err, want)
		})
	}
}
