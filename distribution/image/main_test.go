package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTwoBuildsAreTheSameImage has the same binary in two places, at two times.
func TestTwoBuildsAreTheSameImage(t *testing.T) {
	t.Chdir("../..")
	var archives [2][]byte
	for i := range archives {
		dir := t.TempDir()
		binary, out := filepath.Join(dir, "collector"), filepath.Join(dir, "image.tar")
		require.NoError(t, os.WriteFile(binary, []byte("a static program"), 0o700))
		require.NoError(t, run(binary, out, "abc", time.Unix(1_700_000_000, 0)))
		var err error
		archives[i], err = os.ReadFile(out)
		require.NoError(t, err)
	}
	require.Equal(t, archives[0], archives[1])
}

func TestTheImageSaysWhatItIsAndRunsWithoutRoot(t *testing.T) {
	image, err := describe("../../builder-config.yaml", "collector", "abc", time.Unix(1_700_000_000, 0))
	require.NoError(t, err)
	require.Regexp(t, regexp.MustCompile(`^otelcol-flowlogs:\d+\.\d+\.\d+$`), image.Name)
	require.Equal(t, "10001:10001", image.Config.User)
	require.Equal(t, []string{"/otelcol-flowlogs"}, image.Config.Entrypoint)
	require.Equal(t, "abc", image.Config.Labels["org.opencontainers.image.revision"])
	for _, e := range image.Entries {
		if e.Path == dataDir {
			require.Equal(t, user, e.UID)
			return
		}
	}
	t.Errorf("the image has no %s", dataDir)
}
