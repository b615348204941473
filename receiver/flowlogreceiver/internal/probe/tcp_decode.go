//go:build linux

package probe

import (
	"fmt"
	"net/netip"
	"syscall"
	"unsafe"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/bpf"
)

const (
	tcpEventSize = int(unsafe.Sizeof(bpf.TCPTcpEvent{}))

	ipv4HeaderLen = 20
	ipv6HeaderLen = 40

	noRTT = ^uint32(0)
)

// decodeTCP fills ev from one record of the ring buffer.
func decodeTCP(ev *Event, sample []byte) error {
	if len(sample) < tcpEventSize {
		return fmt.Errorf("decode tcp event: %d bytes, want %d", len(sample), tcpEventSize)
	}
	// The kernel and this process share one machine, hence one byte order and
	// one layout, which a test compares.
	var raw bpf.TCPTcpEvent
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&raw)), tcpEventSize), sample)

	*ev = Event{
		Time:            int64(raw.Time),
		Since:           int64(raw.Since),
		Cgroup:          raw.Cgroup,
		Local:           addrPort(raw.Local, raw.LocalPort),
		Remote:          addrPort(raw.Remote, raw.RemotePort),
		SentPayload:     raw.Sent,
		ReceivedPayload: raw.Received,
		SentPackets:     raw.SegsOut,
		ReceivedPackets: raw.SegsIn,
		NetNS:           raw.Netns,
		PID:             raw.Pid,
		Generation:      raw.Generation,
		Transport:       flow.TransportTCP,
		Exe:             raw.Exe,
		Excluded:        raw.Flags&bpf.TCPTcpFlagTCP_FLAG_EXCLUDED != 0,
	}
	switch raw.Role {
	case bpf.TCPTcpRoleTCP_ROLE_CLIENT:
		ev.Reporter = flow.ReporterSource
	case bpf.TCPTcpRoleTCP_ROLE_SERVER, bpf.TCPTcpRoleTCP_ROLE_LISTENER:
		ev.Reporter = flow.ReporterDestination
	default:
		return fmt.Errorf("decode tcp event: unknown role %d", raw.Role)
	}
	switch raw.Kind {
	case bpf.TCPTcpEventKindTCP_EVENT_LIVE:
		ev.Kind = Live
	case bpf.TCPTcpEventKindTCP_EVENT_CLOSED:
		ev.Kind = Closed
		ev.End, ev.FinalState = endOfTCP(&raw), finalState(&raw)
	case bpf.TCPTcpEventKindTCP_EVENT_FAILED:
		ev.Kind = Failed
		ev.Errno, ev.FinalState = syscall.Errno(raw.Error), finalState(&raw)
		if ev.Errno == 0 || ev.Errno == syscall.ECONNABORTED {
			ev.Errno, ev.End = 0, Abandoned
		}
	case bpf.TCPTcpEventKindTCP_EVENT_CONNECTING:
		ev.Kind = Connecting
		return nil
	case bpf.TCPTcpEventKindTCP_EVENT_LISTEN:
		ev.Kind = Listen
		return nil
	case bpf.TCPTcpEventKindTCP_EVENT_UNLISTEN:
		ev.Kind = Unlisten
		return nil
	default:
		return fmt.Errorf("decode tcp event: unknown kind %d", raw.Kind)
	}
	ev.Started = raw.Flags&(bpf.TCPTcpFlagTCP_FLAG_REPORTED|bpf.TCPTcpFlagTCP_FLAG_START_UNKNOWN) == 0
	if ev.Started && ev.Reporter == flow.ReporterDestination {
		// A request socket answered the SYN; the connection's counters begin
		// after it.
		ev.SentPackets++
	}
	ev.Health = healthOf(&raw)
	header := uint64(raw.HeaderLen) + ipv4HeaderLen
	if ev.Remote.Addr().Is6() {
		header = uint64(raw.HeaderLen) + ipv6HeaderLen
	}
	ev.SentBytes = raw.Sent + raw.Retransmitted + uint64(ev.SentPackets)*header
	ev.ReceivedBytes = raw.Received + uint64(ev.ReceivedPackets)*header
	return nil
}

func addrPort(addr [16]byte, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(addr).Unmap(), port)
}

// knownAddrPort is addrPort for ends of which nothing may be known.
func knownAddrPort(addr [16]byte, port uint16) netip.AddrPort {
	if addr == [16]byte{} {
		return netip.AddrPortFrom(netip.Addr{}, port)
	}
	return addrPort(addr, port)
}
