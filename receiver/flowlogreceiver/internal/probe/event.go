//go:build linux

package probe

import (
	"net/netip"
	"syscall"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// Kind tells what an Event says.
type Kind uint8

// The kinds.
const (
	Live       Kind = iota + 1 // what a living connection did since its last event
	Closed                     // the rest, at its end, which for a flow is its silence
	Failed                     // a connect that no connection came of
	Listen                     // a listener appeared
	Unlisten                   // a listener went
	Connecting                 // a connect is under way; without counters
	Dropped                    // the kernel dropped packets of a flow
)

// End tells how a connection ended.
type End uint8

// The ends. A connect that the caller gave up, without an error, is Abandoned; a
// Reset may have come from either side.
const (
	InOrder End = iota
	Reset
	ResetByLocal
	ResetByRemote
	TimedOut
	Abandoned
)

// ExeLen is the space for a process's name in an event; a longer name is cut to
// one byte less.
const ExeLen = 32

// Event is what an engine saw of one socket since its last event.
type Event struct {
	// Time is when it was made and Since what its counters began at, in
	// nanoseconds of CLOCK_MONOTONIC.
	Time, Since int64
	// Cgroup is the id of the socket's control group, 0 if the kernel does not tell.
	Cgroup uint64
	// Local is the reporter's end, and of a flow that passes through the source's.
	// IPv4 is never mapped into IPv6.
	Local, Remote netip.AddrPort
	// Original is what the source asked for where that was translated into the
	// destination; invalid when it was not, or is not known.
	Original netip.AddrPort
	// Alias is the source's other address where it was translated: in the destination's
	// event what the source itself has, in all others what the destination sees.
	Alias netip.AddrPort

	SentPayload, ReceivedPayload uint64
	// SentBytes and ReceivedBytes are of the IP layer.
	SentBytes, ReceivedBytes uint64
	SentPackets              uint32
	ReceivedPackets          uint32
	// Health is that of a TCP connection.
	Health Health

	// NetNS is the inode number of the network namespace.
	NetNS uint32
	// PID is the process (thread group) as the initial pid namespace numbers it.
	PID uint32
	// Generation is the sweep that last visited the socket.
	Generation uint32

	Transport flow.Transport
	// ICMP is the type and code of an ICMP flow; a reply has its request's.
	ICMP flow.ICMP
	Kind Kind
	// Reporter is the end that the socket is: it connected or it accepted; or that
	// there is no socket.
	Reporter flow.Reporter
	// Started is set in the first event of a connection whose start was seen.
	Started bool
	// Excluded is set for a listener whose connections are not reported, and for
	// a connect that is not.
	Excluded bool
	// End and FinalState are for Closed and Failed.
	End        End
	FinalState flow.TCPState
	// Errno is why a connect failed, for Failed; 0 if it was given up.
	Errno syscall.Errno
	// Exe is the name of the process's executable, padded with zeroes.
	Exe [ExeLen]byte
	// Drop is set for Dropped. Local is then the source of the flow, and the
	// counters are what was dropped. An address that is not known is not valid, nor
	// is the process, unless the packets were on their way out.
	Drop *Drop
}

// Drop tells why and where packets were dropped.
type Drop struct {
	// Reason is the kernel's, for example "netfilter_drop".
	Reason string
	Class  flow.DenyClass
	// Errno is that of the route, where that leads nowhere.
	Errno syscall.Errno
	// Interface is empty if it was not at one.
	Interface string
}

// Health is how a TCP connection fares. Times are microseconds.
type Health struct {
	// RTT and MinRTT are 0 if not measured.
	RTT, MinRTT uint32
	// Handshake is 0 if it was not measured, or was in an event before.
	Handshake uint32
	// Cwnd is the congestion window in segments, MSS the largest segment in bytes.
	Cwnd, MSS uint32
	// Retransmits and Lost count segments since the last event.
	Retransmits, Lost uint32
	// Timeouts counts retransmissions by timeout since the last event after which
	// nothing has come back.
	Timeouts uint32
	// ZeroWindow is set if the other end has closed its window.
	ZeroWindow bool
	// WindowLimited is for how long data waited for the other end's window since
	// the last event.
	WindowLimited uint64
}
