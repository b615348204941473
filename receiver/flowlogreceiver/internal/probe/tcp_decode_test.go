//go:build linux

package probe

import (
	"net/netip"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/bpf"
)

// sample is how the ring buffer holds an event.
func sample(raw *bpf.TCPTcpEvent) []byte {
	return append([]byte(nil), unsafe.Slice((*byte)(unsafe.Pointer(raw)), tcpEventSize)...)
}

// typicalTCP is the end of a short connection of a client.
func typicalTCP() bpf.TCPTcpEvent {
	raw := bpf.TCPTcpEvent{
		Time: 2_000, Since: 1_000, Cgroup: 42, Sent: 300, Received: 5_000, Retransmitted: 100,
		SegsOut: 6, SegsIn: 7, Retransmits: 1, Lost: 2, Limited: 3, Timeouts: 5, SrttUs: 80, MinRttUs: 60, HandshakeUs: 70,
		Cwnd: 10, Mss: 1448, Window: 65535, Netns: 4026531840, Pid: 4711,
		LocalPort: 40_000, RemotePort: 443, HeaderLen: 32, OldState: 9,
		Kind: bpf.TCPTcpEventKindTCP_EVENT_CLOSED, Role: bpf.TCPTcpRoleTCP_ROLE_CLIENT,
	}
	raw.Local = netip.MustParseAddr("::ffff:192.0.2.1").As16()
	raw.Remote = netip.MustParseAddr("::ffff:203.0.113.7").As16()
	copy(raw.Exe[:], "curl")
	return raw
}

func TestDecodeTCP(t *testing.T) {
	want := Event{
		Time: 2_000, Since: 1_000, Cgroup: 42,
		Local: netip.MustParseAddrPort("192.0.2.1:40000"), Remote: netip.MustParseAddrPort("203.0.113.7:443"),
		SentPayload: 300, ReceivedPayload: 5_000, SentPackets: 6, ReceivedPackets: 7,
		SentBytes: 300 + 100 + 6*(20+32), ReceivedBytes: 5_000 + 7*(20+32),
		Health: Health{
			RTT: 80, MinRTT: 60, Handshake: 70, Cwnd: 10, MSS: 1448, Retransmits: 1, Lost: 2, Timeouts: 1,
			WindowLimited: 3 * uint64(jiffy()) / 1000,
		},
		NetNS: 4026531840, PID: 4711,
		Transport: flow.TransportTCP, Kind: Closed, Reporter: flow.ReporterSource, Started: true, FinalState: flow.TCPLastAck,
	}
	copy(want.Exe[:], "curl")
	for name, test := range map[string]struct {
		raw  func(*bpf.TCPTcpEvent)
		want func(*Event)
	}{
		"closed in order": {func(*bpf.TCPTcpEvent) {}, func(*Event) {}},
		"reported before": {
			func(r *bpf.TCPTcpEvent) {
				r.Kind, r.Flags = bpf.TCPTcpEventKindTCP_EVENT_LIVE, bpf.TCPTcpFlagTCP_FLAG_REPORTED
			},
			func(e *Event) { e.Kind, e.Started, e.FinalState = Live, false, 0 },
		},
		"older than the agent": {
			func(r *bpf.TCPTcpEvent) { r.Flags = bpf.TCPTcpFlagTCP_FLAG_START_UNKNOWN },
			func(e *Event) { e.Started = false },
		},
		"a server sent a SYN-ACK before it was counted": {
			func(r *bpf.TCPTcpEvent) { r.Role = bpf.TCPTcpRoleTCP_ROLE_SERVER },
			func(e *Event) {
				e.Reporter, e.SentPackets, e.SentBytes = flow.ReporterDestination, 7, 300+100+7*(20+32)
			},
		},
		"IPv6 has a longer header": {
			func(r *bpf.TCPTcpEvent) { r.Remote = netip.MustParseAddr("2001:db8::1").As16() },
			func(e *Event) {
				e.Remote = netip.MustParseAddrPort("[2001:db8::1]:443")
				e.SentBytes, e.ReceivedBytes = 300+100+6*(40+32), 5_000+7*(40+32)
			},
		},
		"no round trip measured": {
			func(r *bpf.TCPTcpEvent) { r.SrttUs, r.MinRttUs = 0, noRTT },
			func(e *Event) { e.Health.RTT, e.Health.MinRTT = 0, 0 },
		},
		"the window is closed": {
			func(r *bpf.TCPTcpEvent) { r.Window = 0 },
			func(e *Event) { e.Health.ZeroWindow = true },
		},
		"refused": {
			func(r *bpf.TCPTcpEvent) {
				r.Kind, r.Error, r.OldState = bpf.TCPTcpEventKindTCP_EVENT_FAILED, uint16(syscall.ECONNREFUSED), 2
			},
			func(e *Event) { e.Kind, e.Errno, e.FinalState = Failed, syscall.ECONNREFUSED, flow.TCPSynSent },
		},
		"given up": {
			func(r *bpf.TCPTcpEvent) { r.Kind, r.OldState = bpf.TCPTcpEventKindTCP_EVENT_FAILED, 2 },
			func(e *Event) { e.Kind, e.End, e.FinalState = Failed, Abandoned, flow.TCPSynSent },
		},
	} {
		t.Run(name, func(t *testing.T) {
			raw, want := typicalTCP(), want
			test.raw(&raw)
			test.want(&want)
			var got Event
			require.NoError(t, decodeTCP(&got, sample(&raw)))
			require.Equal(t, want, got)
		})
	}
}

func TestDecodeTCPRefusesWhatMakesNoSense(t *testing.T) {
	raw := typicalTCP()
	var ev Event
	require.EqualError(t, decodeTCP(&ev, sample(&raw)[:10]), "decode tcp event: 10 bytes, want 192")
	raw.Role = 99
	require.EqualError(t, decodeTCP(&ev, sample(&raw)), "decode tcp event: unknown role 99")
	raw = typicalTCP()
	raw.Kind = 99
	require.EqualError(t, decodeTCP(&ev, sample(&raw)), "decode tcp event: unknown kind 99")
}

// FuzzDecodeTCP holds that no bytes break the decoder, and that what it accepts
// makes sense.
func FuzzDecodeTCP(f *testing.F) {
	raw := typicalTCP()
	f.Add(sample(&raw))
	raw.Kind = bpf.TCPTcpEventKindTCP_EVENT_CONNECTING
	f.Add(sample(&raw))
	raw.Kind = bpf.TCPTcpEventKindTCP_EVENT_LISTEN
	raw.Role = bpf.TCPTcpRoleTCP_ROLE_LISTENER
	f.Add(sample(&raw))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		var ev Event
		if err := decodeTCP(&ev, data); err != nil {
			return
		}
		if ev.Kind < Live || ev.Kind > Connecting {
			t.Errorf("kind %d", ev.Kind)
		}
		if ev.Reporter != flow.ReporterSource && ev.Reporter != flow.ReporterDestination {
			t.Errorf("reporter %d", ev.Reporter)
		}
		if ev.Local.Addr().Is4In6() || ev.Remote.Addr().Is4In6() {
			t.Errorf("a mapped address: %s %s", ev.Local, ev.Remote)
		}
		if ev.Kind == Failed && (ev.Errno == 0) != (ev.End == Abandoned) {
			t.Errorf("errno %d with end %d", ev.Errno, ev.End)
		}
	})
}

func BenchmarkDecodeTCP(b *testing.B) {
	raw := typicalTCP()
	data := sample(&raw)
	var ev Event
	b.ReportAllocs()
	for b.Loop() {
		if err := decodeTCP(&ev, data); err != nil {
			b.Fatal(err)
		}
	}
}
