//go:build linux

package probe

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

const testTCP = uint8(flow.TransportTCP)

func tcpKey() flowKey {
	key := datagramKey(443)
	key.Protocol = testTCP
	return key
}

// tcpFlow is counted as a TCP flow with these flags.
func tcpFlow(last uint64, flags flowFlag) *countedFlow {
	c := counted(1, last)
	c.Flags |= flags
	return c
}

func newForwardTable() *flowTable {
	f := newFlowTable(10)
	f.forwarded = true
	return f
}

func TestAForwardedFlowIsToldFromItsSource(t *testing.T) {
	f, key := newForwardTable(), tcpKey()
	c := counted(2, second)
	c.Flags &^= flagLocalFirst
	c.Received.Packets = 5
	c.Translation.Called = netip.MustParseAddr("::ffff:10.96.0.1").As16()
	c.Translation.CalledPort, c.Translation.SeenPort = 80, 61000
	c.Translation.Seen = netip.MustParseAddr("2001:db8::7").As16()
	f.addKernel(key, c)
	events := f.report(2*second, testIdle)
	require.Len(t, events, 1)
	ev := events[0]
	require.Equal(t, flow.ReporterForward, ev.Reporter)
	require.Equal(t, "203.0.113.7:443", ev.Local.String())
	require.Equal(t, "192.0.2.1:40000", ev.Remote.String())
	require.Equal(t, uint32(5), ev.SentPackets)
	require.Equal(t, uint32(2), ev.ReceivedPackets)
	require.Equal(t, "10.96.0.1:80", ev.Original.String())
	require.Equal(t, "[2001:db8::7]:61000", ev.Alias.String())
}

// What nobody has answered is told when nobody will, for then the socket that asked
// has reported that it failed.
func TestAConnectIsToldWhenItIsAnswered(t *testing.T) {
	f, key := newForwardTable(), tcpKey()
	f.addKernel(key, tcpFlow(second, flagUnanswered))
	require.Empty(t, f.report(2*second, testIdle))
	f.addKernel(key, tcpFlow(3*second, 0))
	events := f.report(4*second, testIdle)
	require.Len(t, events, 1)
	require.True(t, events[0].Started)

	f = newForwardTable()
	f.addPacket(key, tcpFlow(second, flagUnanswered))
	require.Empty(t, f.report(71*second, testIdle))
	events = f.report(72*second, testIdle)
	require.Len(t, events, 1)
	require.Equal(t, Closed, events[0].Kind)
	require.Equal(t, TimedOut, events[0].End)
}

// Connections that follow each other between the same ports are told apart, whether the
// kernel has seen the one after the other, or the ring, or both.
func TestConnectionsThatFollowEachOther(t *testing.T) {
	key := tcpKey()
	again := func(last uint64, restarts, resets uint16, flags flowFlag) *countedFlow {
		c := tcpFlow(last, flags)
		c.Restarts, c.Resets = restarts, resets
		return c
	}
	for name, see := range map[string]func(*flowTable){
		"in the kernel": func(f *flowTable) { f.addKernel(key, again(second, 2, 1, 0)) },
		"kernel, taken out, kernel": func(f *flowTable) {
			f.addKernel(key, again(second, 1, 1, flagReset))
			f.removeKernel(key, again(second, 1, 1, flagReset))
			f.addKernel(key, tcpFlow(second, 0))
		},
		"kernel, then ring": func(f *flowTable) {
			f.addKernel(key, again(second, 1, 1, flagReset))
			f.addPacket(key, tcpFlow(second, 0))
		},
		"in the ring": func(f *flowTable) {
			first := tcpFlow(second, 0)
			for _, flags := range []flowFlag{flagReset, 0, flagFINs | flagOld, flagOld, 0} {
				packet := tcpFlow(second, flags)
				if flags == flagReset {
					packet.Flags, packet.Resets = packet.Flags|flagOld, 1
				}
				mergePackets(first, packet)
			}
			f.addPacket(key, first)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForwardTable()
			see(f)
			events := f.report(2*second, testIdle)
			require.Len(t, events, 3)
			require.Equal(t, []Kind{Closed, Closed, Live}, []Kind{events[0].Kind, events[1].Kind, events[2].Kind})
			require.Equal(t, []End{Reset, InOrder}, []End{events[0].End, events[1].End})
			for _, ev := range events {
				require.True(t, ev.Started)
			}
			require.NotZero(t, events[0].SentPackets)
			require.Zero(t, events[1].SentPackets+events[2].SentPackets, "told already")
			require.Empty(t, f.report(3*second, testIdle))
		})
	}
}

func TestTCPHasIdleTimesByItsState(t *testing.T) {
	for flags, want := range map[flowFlag]uint64{0: 300, flagUnanswered: 70, flagFINs: 2, flagReset: 2, flagReset | flagUnanswered: 2} {
		require.Equal(t, want*second, testIdle.of(testTCP, flags), "%b", flags)
	}
	short := testIdle.underPressure()
	require.Equal(t, 30*second, short.Tcp)
	require.Equal(t, 5*second, short.Udp)
	require.Equal(t, 2*second, short.TcpOver)
}
