//go:build linux

package capture

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// usage returns the processor time of this process since it began, in
// nanoseconds, and its resident memory in bytes; 0 for what cannot be read.
func usage() (cpu int64, memory uint64) {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err == nil {
		cpu = u.Utime.Nano() + u.Stime.Nano()
	}
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return cpu, 0
	}
	fields := strings.Fields(string(statm))
	if len(fields) < 2 {
		return cpu, 0
	}
	pages, err := strconv.ParseUint(fields[1], 10, 64)
	if err != nil {
		return cpu, 0
	}
	return cpu, pages * uint64(os.Getpagesize())
}
