//go:build linux

package flowlogreceiver

import (
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/bpfobjects"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/netns"
)

// BenchmarkScope asks the kernel how long the programs of the TCP and the drops engine
// run for a connection, both ends together, and for a datagram that nobody listens for,
// by whose sockets they are. Of each run the kernel's own measuring takes some 60 ns.
func BenchmarkScope(b *testing.B) {
	for _, whose := range []string{"everything", "own", "others"} {
		b.Run(whose, func(b *testing.B) {
			stats, err := ebpf.EnableStats(uint32(unix.BPF_STATS_RUN_TIME))
			if err != nil {
				b.Skipf("the kernel does not measure programs for us: %v", err)
			}
			defer stats.Close()
			groups := makeGroups(b)
			roots := map[string]string{"own": cgroupRoot(groups[0]), "others": cgroupRoot(groups[1])}
			t := startTenant(b, netns.New(b), "127.0.0.1", groups[0])
			startTenant(b, netns.New(b), "127.0.0.1", groups[1])
			start(b, func(c *Config) {
				c.CgroupRoot = roots[whose]
				c.Engines.Drops.Enabled = true
				c.Interval = time.Minute
			})
			to := t.serve("serve")
			nobody := netip.AddrPortFrom(t.address, 9)
			before := programTimes(b)
			for b.Loop() {
				t.do("ask", to)
				t.do("send", nobody)
			}
			after := programTimes(b)
			for _, name := range []string{"tcp", "drop"} {
				runs := after[name].RunCount - before[name].RunCount
				time := after[name].Runtime - before[name].Runtime
				b.ReportMetric(float64(time.Nanoseconds())/float64(b.N), name+"-ns/op")
				b.ReportMetric(float64(runs)/float64(b.N), name+"-runs/op")
			}
		})
	}
}

// programTimes adds up how long programs of this process have run, by the first word of
// their name.
func programTimes(tb testing.TB) map[string]ebpf.ProgramStats {
	tb.Helper()
	times := make(map[string]ebpf.ProgramStats)
	for _, held := range bpfobjects.HeldBy(tb, os.Getpid()) {
		if held.Kind != bpfobjects.Program {
			continue
		}
		program, err := ebpf.NewProgramFromID(ebpf.ProgramID(held.ID))
		require.NoError(tb, err)
		info, err := program.Info()
		require.NoError(tb, err)
		stats, err := program.Stats()
		require.NoError(tb, err)
		name, _, _ := strings.Cut(info.Name, "_")
		sum := times[name]
		sum.RunCount += stats.RunCount
		sum.Runtime += stats.Runtime
		times[name] = sum
		program.Close()
	}
	return times
}
