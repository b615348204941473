//go:build linux

package flowlogreceiver

import (
	"net"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/netns"
)

// BenchmarkForward asks the kernel how long the program of the forward engine runs for
// a small datagram, by where that comes from and what is done to it on its way. Of each
// figure the kernel's own measuring takes some 60 ns.
func BenchmarkForward(b *testing.B) {
	for name, test := range map[string]struct {
		from      func(routed) *netns.NS
		chosen    string
		translate bool
	}{
		"counted":    {from: func(n routed) *netns.NS { return n.clients }, chosen: "*"},
		"translated": {from: func(n routed) *netns.NS { return n.clients }, chosen: "*", translate: true},
		"not-chosen": {from: func(n routed) *netns.NS { return n.clients }, chosen: "none"},
		"local":      {from: func(n routed) *netns.NS { return n.router }, chosen: "*"},
	} {
		b.Run(name, func(b *testing.B) {
			stats, err := ebpf.EnableStats(uint32(unix.BPF_STATS_RUN_TIME))
			if err != nil {
				b.Skipf("the kernel does not measure programs for us: %v", err)
			}
			defer stats.Close()
			net3 := newRouted(b)
			if test.translate {
				net3.translate(b, 1)
			}
			startForward(b, net3.router, func(c *Config) { c.Engines.Forward.Interfaces = []string{test.chosen} })
			program := programAt(b, net3.router, "outer")
			c := dialUDP(b, test.from(net3), echo(b, net3.servers, net.JoinHostPort(server4, "0")))
			payload := make([]byte, 64)
			before, err := program.Stats()
			require.NoError(b, err)
			for b.Loop() {
				if _, err := c.Write(payload); err != nil {
					b.Fatal(err)
				}
			}
			after, err := program.Stats()
			require.NoError(b, err)
			runs := after.RunCount - before.RunCount
			b.ReportMetric(float64((after.Runtime-before.Runtime).Nanoseconds())/float64(runs), "ns/run")
			b.ReportMetric(float64(runs)/float64(b.N), "runs/datagram")
		})
	}
}

// programAt returns the program that the receiver has attached to an interface.
func programAt(tb testing.TB, ns *netns.NS, name string) *ebpf.Program {
	tb.Helper()
	var program *ebpf.Program
	ns.Do(tb, func() error {
		l, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		found, err := link.QueryPrograms(link.QueryOptions{Target: l.Attrs().Index, Attach: ebpf.AttachTCXEgress})
		if err != nil {
			return err
		}
		program, err = ebpf.NewProgramFromID(found.Programs[0].ID)
		return err
	})
	tb.Cleanup(func() { program.Close() })
	return program
}
