//go:build linux

package capture

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func inode(t *testing.T, path string) uint64 {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.Sys().(*syscall.Stat_t).Ino
}

func TestCgroupPaths(t *testing.T) {
	root := t.TempDir()
	pod := filepath.Join(root, "kubepods", "pod1")
	require.NoError(t, os.MkdirAll(pod, 0o755))
	c := newCgroups(root)
	require.Equal(t, "/kubepods/pod1", c.of(inode(t, pod)).path.String())
	require.Equal(t, "/", c.of(inode(t, root)).path.String())
	require.False(t, c.of(0).path.Known())

	// One that is newer than the last walk is found by the next, an interval later.
	later := filepath.Join(root, "later")
	require.NoError(t, os.Mkdir(later, 0o755))
	require.False(t, c.of(inode(t, later)).path.Known())
	c.cut()
	require.Equal(t, "/later", c.of(inode(t, later)).path.String())

	// One that has gone keeps its name; one that never was costs one walk.
	id := inode(t, later)
	require.NoError(t, os.Remove(later))
	c.cut()
	require.False(t, c.of(1).path.Known())
	require.Contains(t, c.gone, uint64(1))
	require.Equal(t, "/later", c.of(id).path.String())
}
