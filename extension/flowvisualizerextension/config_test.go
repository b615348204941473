package flowvisualizerextension

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
)

func load(t *testing.T, id string) (*Config, error) {
	t.Helper()
	file, err := confmaptest.LoadConf("testdata/config.yaml")
	require.NoError(t, err)
	require.True(t, file.IsSet(id), "testdata/config.yaml lacks %s", id)
	section, err := file.Sub(id)
	require.NoError(t, err)
	config := createDefaultConfig().(*Config)
	if err := section.Unmarshal(config); err != nil {
		return nil, err
	}
	return config, confmap.Validate(config)
}

func TestDefaultConfig(t *testing.T) {
	require.NoError(t, componenttest.CheckConfigStruct(createDefaultConfig()))
	config, err := load(t, "flow_visualizer")
	require.NoError(t, err)
	assert.Equal(t, "127.0.0.1:8686", config.ServerConfig.NetAddr.Endpoint)
	assert.Equal(t, component.MustNewID("flow_store"), config.Store)
	assert.Equal(t, 30*time.Second, config.QueryTimeout)
	assert.Equal(t, time.Minute, config.ServerConfig.WriteTimeout)
	assert.Empty(t, config.AllowedHosts)
	assert.False(t, config.ServerConfig.TLS.HasValue())
	assert.False(t, config.ServerConfig.Auth.HasValue())
}

func TestConfigReadsEveryOption(t *testing.T) {
	config, err := load(t, "flow_visualizer/all")
	require.NoError(t, err)
	assert.Equal(t, "0.0.0.0:9000", config.ServerConfig.NetAddr.Endpoint)
	assert.Equal(t, component.MustNewIDWithName("flow_store", "other"), config.Store)
	assert.Equal(t, 10*time.Second, config.QueryTimeout)
	assert.Equal(t, 20*time.Second, config.ServerConfig.WriteTimeout)
	assert.Equal(t, []string{"flows.example.com"}, config.AllowedHosts)
	assert.Equal(t, "server.crt", config.ServerConfig.TLS.Get().CertFile)
	assert.Equal(t, component.MustNewID("basicauth"), config.ServerConfig.Auth.Get().Config.AuthenticatorID)
}

func TestConfigErrorsNameTheKey(t *testing.T) {
	for id, want := range map[string]string{
		"flow_visualizer/no_endpoint":             "endpoint must not be empty: the default is 127.0.0.1:8686",
		"flow_visualizer/no_port":                 `endpoint must be an address and a port, such as 127.0.0.1:8686, got "localhost"`,
		"flow_visualizer/empty_port":              `got "localhost:"`,
		"flow_visualizer/ipv6_without_brackets":   `got "::1"`,
		"flow_visualizer/no_timeout":              "query_timeout must be positive, got 0s",
		"flow_visualizer/write_timeout_too_short": "write_timeout (30s) must be longer than query_timeout (30s)",
		"flow_visualizer/empty_host":              "allowed_hosts must not hold an empty name",
		"flow_visualizer/unknown_key":             "end_point",
	} {
		t.Run(id, func(t *testing.T) {
			_, err := load(t, id)
			require.ErrorContains(t, err, want)
		})
	}
}

func TestConfigTakesASocket(t *testing.T) {
	config, err := load(t, "flow_visualizer/socket")
	require.NoError(t, err)
	assert.Equal(t, "/run/flowlogs.sock", config.ServerConfig.NetAddr.Endpoint)
}

func TestConfigNeedsAStore(t *testing.T) {
	config := createDefaultConfig().(*Config)
	config.Store = component.ID{}
	require.ErrorContains(t, config.Validate(), "store must name a store extension")
}
