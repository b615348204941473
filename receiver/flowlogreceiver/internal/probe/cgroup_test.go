//go:build linux

package probe

import (
	"testing"

	"github.com/stretchr/testify/require"
)

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
