// Package meter measures benchmarks by processor time, which other load on the machine, and
// a collector of garbage on another core, do not flatter.
package meter

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Meter measures from its start.
type Meter struct{ began time.Duration }

// Start begins to measure.
func Start() Meter { return Meter{Used()} }

// PerSecond reports how many of what a benchmark's run does count times is done in a second
// of processor time.
func (m Meter) PerSecond(b *testing.B, what string, count int) {
	b.ReportMetric(float64(b.N)*float64(count)/(Used()-m.began).Seconds(), what+"/cpu-s")
}

// Each reports the processor time of one of them.
func (m Meter) Each(b *testing.B, what string, count int) {
	b.ReportMetric(float64((Used()-m.began).Nanoseconds())/float64(b.N)/float64(count), "cpu-ns/"+what)
}

// Used is the processor time that the process has used.
func Used() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Heap is what is in use after a full collection of garbage, in bytes.
func Heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
