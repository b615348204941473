package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/cluster"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/release"
)

const (
	chartDir = "deploy/helm/otelcol-flowlogs"
	// namespace is where the release is, which has the same name.
	namespace = "otelcol-flowlogs"
)

// template renders the chart as `helm template` does; the values are YAML.
func template(t *testing.T, values string) string {
	t.Helper()
	manifests, err := release.Template(t.Context(), root, values)
	require.NoError(t, err)
	return manifests
}

// TestTheAPIServerTakesTheManifests has it check every field, and the gateway by the
// strictest of the Pod Security Standards.
func TestTheAPIServerTakesTheManifests(t *testing.T) {
	s := &site{cluster.New(t, cluster.Options{}), t}
	s.apply("namespace", encode(object{
		"apiVersion": "v1", "kind": "Namespace",
		"metadata": object{"name": namespace, "labels": object{"pod-security.kubernetes.io/warn": "restricted"}},
	}))

	manifests := map[string]string{"defaults": template(t, "{}")}
	files, err := filepath.Glob(filepath.Join(root, chartDir, "ci", "*-values.yaml"))
	require.NoError(t, err)
	for _, file := range files {
		values, err := os.ReadFile(file)
		require.NoError(t, err)
		manifests[filepath.Base(file)] = template(t, string(values))
	}
	files, err = filepath.Glob(filepath.Join(root, "deploy/kubernetes", "*.yaml"))
	require.NoError(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		manifests[filepath.Base(file)] = string(text)
	}
	require.Greater(t, len(manifests), 6)
	warned := 0
	for name, text := range manifests {
		out, err := s.kubectl(text, "apply", "--dry-run=server", "--validate=strict", "-f", "-")
		assert.NoError(t, err, name)
		lines := strings.Split(out, "\n")
		for i, line := range lines {
			if strings.HasPrefix(line, "Warning: would violate PodSecurity") {
				warned++ // of what stands in the next line
				assert.Contains(t, lines[i+1], "daemonset.apps/", "%s: %s", name, line)
			} else {
				assert.NotContains(t, line, "Warning", name)
			}
		}
	}
	require.NotZero(t, warned, "agents need what the standard denies: did nobody look?")
}
