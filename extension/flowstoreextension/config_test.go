package flowstoreextension

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
)

func TestConfig(t *testing.T) {
	require.NoError(t, componenttest.CheckConfigStruct(NewFactory().CreateDefaultConfig()))
	conf, err := confmaptest.LoadConf(filepath.Join("testdata", "config.yaml"))
	require.NoError(t, err)
	with := func(change func(*Config)) *Config {
		config := createDefaultConfig().(*Config)
		change(config)
		return config
	}
	for name, test := range map[string]struct {
		want *Config
		err  string
	}{
		"": {want: with(func(*Config) {})},
		"all": {want: &Config{
			Directory: "/var/lib/flows", MaxSize: 2 << 30, MaxAge: 24 * time.Hour, MemoryLimit: 128_000_000,
		}},
		"unlimited":     {want: with(func(c *Config) { c.MaxSize, c.MaxAge = 0, 0 })},
		"bytes":         {want: with(func(c *Config) { c.MaxSize = 1 << 30 })},
		"bad_directory": {err: "directory must not be empty"},
		"bad_size":      {err: "max_size is 1MiB: use 64MiB or more, or 0"},
		"bad_unit":      {err: `"1 furlong" is not a size`},
		"bad_age":       {err: "max_age is -1h0m0s"},
		"bad_memory":    {err: "memory_limit is 0B: use 64MiB or more"},
	} {
		t.Run(name, func(t *testing.T) {
			sub, err := conf.Sub(component.NewIDWithName(Type, name).String())
			require.NoError(t, err)
			config := createDefaultConfig().(*Config)
			err = sub.Unmarshal(config)
			if err == nil {
				err = confmap.Validate(config)
			}
			if test.err != "" {
				require.ErrorContains(t, err, test.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.want, config)
		})
	}
}
