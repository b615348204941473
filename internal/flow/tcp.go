package flow

// TCP holds transport health. Times are microseconds.
type TCP struct {
	// RTTSum adds the smoothed round-trip times of RTTSamples connections,
	// RTTMax is the largest of them, RTTMin the least round trip that any of
	// them measured.
	RTTSum, RTTSamples uint64
	RTTMin, RTTMax     uint32
	// MinRTTSum adds the least round trips of the same connections, MinRTTMax is
	// the largest of them.
	MinRTTSum uint64
	MinRTTMax uint32

	// HandshakeSum adds the handshakes of HandshakeSamples connections: from the
	// SYN to its answer at the source, from the answer to its acknowledgement at
	// the destination.
	HandshakeSum, HandshakeSamples uint64
	HandshakeMax                   uint32

	// CwndSum and MSSSum add the congestion windows, in segments, and the maximum
	// segment sizes, in bytes, that the reporter sent with, each Samples of them.
	CwndSum, MSSSum, Samples uint64
	CwndMin, MSSMin          uint32

	// Retransmits counts segments the reporter sent again, Lost those that it
	// held for lost, Timeouts the retransmissions by timeout after which nothing
	// had come back by the report.
	Retransmits, Lost, Timeouts uint64

	// ZeroWindow counts connections whose other end had closed its window at the
	// report, WindowLimited is for how long data waited for a window.
	ZeroWindow, WindowLimited uint64

	// FinalState is the state that completed connections ended in.
	FinalState TCPState
}

// RTTMean is the mean smoothed round-trip time, or 0 when nothing was measured.
func (t *TCP) RTTMean() uint32 {
	if t.RTTSamples == 0 {
		return 0
	}
	return uint32(t.RTTSum / t.RTTSamples)
}

// merge adds other to t; minima and maxima are those of both.
func (t *TCP) merge(other *TCP) {
	t.RTTSum += other.RTTSum
	t.RTTSamples += other.RTTSamples
	t.RTTMin = leastKnown(t.RTTMin, other.RTTMin)
	t.RTTMax = max(t.RTTMax, other.RTTMax)
	t.MinRTTSum += other.MinRTTSum
	t.MinRTTMax = max(t.MinRTTMax, other.MinRTTMax)
	t.HandshakeSum += other.HandshakeSum
	t.HandshakeSamples += other.HandshakeSamples
	t.HandshakeMax = max(t.HandshakeMax, other.HandshakeMax)
	t.CwndSum += other.CwndSum
	t.CwndMin = leastKnown(t.CwndMin, other.CwndMin)
	t.MSSSum += other.MSSSum
	t.MSSMin = leastKnown(t.MSSMin, other.MSSMin)
	t.Samples += other.Samples
	t.Retransmits += other.Retransmits
	t.Lost += other.Lost
	t.Timeouts += other.Timeouts
	t.ZeroWindow += other.ZeroWindow
	t.WindowLimited += other.WindowLimited
	t.FinalState = t.FinalState.and(other.FinalState)
}

// TCPState is the state of a TCP socket just before it was closed for good.
type TCPState uint8

// The states that a connection can end in. TCPMixed stands for several.
const (
	TCPStateUnknown TCPState = iota
	TCPEstablished
	TCPSynSent
	TCPSynRecv
	TCPFinWait1
	TCPFinWait2
	TCPTimeWait
	TCPCloseWait
	TCPLastAck
	TCPClosing
	TCPMixed
)

var tcpStateNames = [...]string{
	"", "established", "syn_sent", "syn_recv", "fin_wait_1", "fin_wait_2", "time_wait", "close_wait", "last_ack", "closing", "mixed",
}

func (s TCPState) String() string { return nameOf(tcpStateNames[:], s) }

// ParseTCPState is the inverse of String.
func ParseTCPState(s string) (TCPState, error) {
	return parseName[TCPState]("tcp state", tcpStateNames[:], s)
}

// and is the state that stands for both.
func (s TCPState) and(other TCPState) TCPState {
	switch {
	case s == other, other == TCPStateUnknown:
		return s
	case s == TCPStateUnknown:
		return other
	default:
		return TCPMixed
	}
}

// leastKnown is the smaller of two values of which 0 means unknown.
func leastKnown(a, b uint32) uint32 {
	if a == 0 || (b != 0 && b < a) {
		return b
	}
	return a
}
