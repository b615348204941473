// Package configfile reads the configurations that a component's tests are about.
package configfile

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
)

// Load reads a section of testdata/config.yaml into a configuration that has the defaults,
// as the collector does, and returns what it would refuse the section with. A test whose
// section is missing fails: it would be one of the defaults.
func Load(t testing.TB, section string, into component.Config) error {
	t.Helper()
	path := filepath.Join("testdata", "config.yaml")
	file, err := confmaptest.LoadConf(path)
	require.NoError(t, err)
	require.True(t, file.IsSet(section), "%s has no section %s", path, section)
	sub, err := file.Sub(section)
	require.NoError(t, err)
	if err := sub.Unmarshal(into); err != nil {
		return err
	}
	return confmap.Validate(into)
}
