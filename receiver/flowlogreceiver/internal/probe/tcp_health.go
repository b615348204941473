//go:build linux

package probe

import (
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/bpf"
)

func healthOf(raw *bpf.TCPTcpEvent) Health {
	h := Health{
		RTT:         raw.SrttUs,
		Handshake:   raw.HandshakeUs,
		Cwnd:        raw.Cwnd,
		MSS:         uint32(raw.Mss),
		Retransmits: raw.Retransmits,
		Lost:        raw.Lost,
		// The kernel tells how many timeouts there were since something came back.
		// Each of them sent a segment again, so those that were told before are not
		// among as many as the segments that were sent again since.
		Timeouts:      min(uint32(raw.Timeouts), raw.Retransmits),
		ZeroWindow:    raw.Window == 0,
		WindowLimited: uint64(raw.Limited) * uint64(jiffy()) / 1000,
	}
	if raw.MinRttUs != noRTT {
		h.MinRTT = raw.MinRttUs
	}
	return h
}

// jiffy is the kernel's unit of coarse time, which is the resolution of its coarse
// clock.
var jiffy = sync.OnceValue(func() time.Duration {
	var resolution unix.Timespec
	if err := unix.ClockGetres(unix.CLOCK_MONOTONIC_COARSE, &resolution); err != nil {
		return 0
	}
	return time.Duration(resolution.Nano())
})

// tcpStates translates the kernel's numbers of states that a connection ends in.
var tcpStates = map[uint8]flow.TCPState{
	1: flow.TCPEstablished, 2: flow.TCPSynSent, 3: flow.TCPSynRecv, 4: flow.TCPFinWait1, 5: flow.TCPFinWait2,
	8: flow.TCPCloseWait, 9: flow.TCPLastAck, 11: flow.TCPClosing,
}

// finalState is the state that the socket was closed from. One that has closed
// and got the other end's FIN goes on waiting as a smaller one (TIME_WAIT).
func finalState(raw *bpf.TCPTcpEvent) flow.TCPState {
	state := tcpStates[raw.OldState]
	if (state == flow.TCPFinWait2 || state == flow.TCPClosing) && raw.FinReceived != 0 && raw.Error == 0 {
		return flow.TCPTimeWait
	}
	return state
}

// endOfTCP tells how an established connection ended from the error that its
// socket was left with and the state that it was closed from.
func endOfTCP(raw *bpf.TCPTcpEvent) End {
	switch syscall.Errno(raw.Error) {
	case 0:
		if closedByReset(raw) {
			return ResetByLocal
		}
		return InOrder
	case syscall.ECONNABORTED: // an administrator had the socket destroyed
		return ResetByLocal
	case syscall.ECONNRESET, syscall.EPIPE:
		// Data for a socket that nobody will read is answered with a reset and
		// leaves it with the very error that getting one does.
		if state := tcpStates[raw.OldState]; raw.Shut != 0 && (state == flow.TCPFinWait1 || state == flow.TCPFinWait2) {
			return Reset
		}
		return ResetByRemote
	case syscall.ETIMEDOUT, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN:
		return TimedOut
	default:
		return Reset
	}
}

// closedByReset tells whether a socket without an error closed without the
// exchange of FINs, which is what sending a reset looks like. One that its owner
// had closed may have waited for the other end's FIN long enough (FIN_WAIT2).
func closedByReset(raw *bpf.TCPTcpEvent) bool {
	switch tcpStates[raw.OldState] {
	case flow.TCPEstablished, flow.TCPSynRecv, flow.TCPCloseWait, flow.TCPFinWait1:
		return true
	case flow.TCPFinWait2:
		return raw.FinReceived == 0 && raw.Orphaned == 0
	default:
		return false
	}
}
