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
	c := &cgroups{root: root, paths: newCgroups("").paths, gone: newCgroups("").gone}
	require.Equal(t, "/kubepods/pod1", c.path(inode(t, pod)).String())
	require.Equal(t, "/", c.path(inode(t, root)).String())
	require.False(t, c.path(0).Known())

	// One that is newer than the last walk is found by the next, an interval later.
	later := filepath.Join(root, "later")
	require.NoError(t, os.Mkdir(later, 0o755))
	require.False(t, c.path(inode(t, later)).Known())
	c.cut()
	require.Equal(t, "/later", c.path(inode(t, later)).String())

	// One that has gone keeps its name; one that never was costs one walk.
	id := inode(t, later)
	require.NoError(t, os.Remove(later))
	c.cut()
	require.False(t, c.path(1).Known())
	require.Contains(t, c.gone, uint64(1))
	require.Equal(t, "/later", c.path(id).String())
}

func TestCgroupMount(t *testing.T) {
	for mountinfo, want := range map[string]string{
		"": "",
		"31 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n":                                              "/sys/fs/cgroup",
		"30 23 0:25 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n32 23 0:27 / /sys/fs/cgroup/unified rw shared:10 - cgroup2 none rw": "/sys/fs/cgroup/unified",
		"31 23 0:26 / /with\\040space rw - cgroup2 cgroup2 rw\n":                                                                        "/with space",
		"31 23 - cgroup2 x\n": "",
	} {
		require.Equal(t, want, cgroup2Mount(mountinfo), mountinfo)
	}
}
