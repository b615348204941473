//go:build linux

package probe

import "golang.org/x/sys/unix"

// Monotonic reads the clock that the times of events are of, CLOCK_MONOTONIC, in
// nanoseconds.
func Monotonic() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return 0
	}
	return ts.Nano()
}
