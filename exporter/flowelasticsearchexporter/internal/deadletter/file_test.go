package deadletter

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rejected.ndjson")
	f, err := Open(path, 20)
	require.NoError(t, err)
	require.NoError(t, f.Write([]byte(`{"n":1}`)))
	require.NoError(t, f.Close())

	f, err = Open(path, 20)
	require.NoError(t, err)
	require.NoError(t, f.Write([]byte(`{"n":2}`)))
	require.ErrorContains(t, f.Write([]byte(`{"n":3}`)), "is full", "the size of an earlier run counts")
	require.Equal(t, "{\"n\":1}\n{\"n\":2}\n", read(t, path))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())

	require.NoError(t, f.Close())
	require.Error(t, f.Write(nil), "what is not on disk is an error")
}

func TestAFileThatCannotBeMadeIsAnError(t *testing.T) {
	_, err := Open(filepath.Join(t.TempDir(), "missing", "rejected.ndjson"), 1)
	require.ErrorContains(t, err, "open the dead-letter file")
}
