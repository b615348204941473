//go:build linux

package probe

import (
	"os"
	"strings"
)

// CgroupRoot is where cgroup2 is mounted, by this process's list of mounts, or ""
// if it is not.
func CgroupRoot() string {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return ""
	}
	return cgroup2Mount(string(data))
}

// cgroup2Mount reads the format of proc_pid_mountinfo(5).
func cgroup2Mount(mountinfo string) string {
	for line := range strings.Lines(mountinfo) {
		before, after, ok := strings.Cut(line, " - ")
		fields := strings.Fields(before)
		if ok && strings.HasPrefix(after, "cgroup2 ") && len(fields) > 4 {
			return unescape(fields[4])
		}
	}
	return ""
}

// unescape undoes mountinfo's octal escapes of space, tab, newline and backslash.
var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace
