//go:build linux

package probe

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/bpf"
)

func TestEndOfTCP(t *testing.T) {
	const (
		established, finWait1, finWait2, closeWait, lastAck, closing = 1, 4, 5, 8, 9, 11
	)
	for name, test := range map[string]struct {
		raw   bpf.TCPTcpEvent
		end   End
		state flow.TCPState
	}{
		"closed here first":              {bpf.TCPTcpEvent{OldState: finWait2, FinReceived: 1}, InOrder, flow.TCPTimeWait},
		"closed there first":             {bpf.TCPTcpEvent{OldState: lastAck, FinReceived: 1}, InOrder, flow.TCPLastAck},
		"closed at once":                 {bpf.TCPTcpEvent{OldState: closing, FinReceived: 1}, InOrder, flow.TCPTimeWait},
		"closed here, not there":         {bpf.TCPTcpEvent{OldState: finWait2, Orphaned: 1}, InOrder, flow.TCPFinWait2},
		"reset sent":                     {bpf.TCPTcpEvent{OldState: established}, ResetByLocal, flow.TCPEstablished},
		"reset sent after a FIN came":    {bpf.TCPTcpEvent{OldState: closeWait, FinReceived: 1}, ResetByLocal, flow.TCPCloseWait},
		"reset sent after a FIN":         {bpf.TCPTcpEvent{OldState: finWait2}, ResetByLocal, flow.TCPFinWait2},
		"reset sent before a FIN's ACK":  {bpf.TCPTcpEvent{OldState: finWait1, Orphaned: 1}, ResetByLocal, flow.TCPFinWait1},
		"destroyed by an administrator":  {bpf.TCPTcpEvent{OldState: established, Error: uint16(syscall.ECONNABORTED)}, ResetByLocal, flow.TCPEstablished},
		"reset received":                 {bpf.TCPTcpEvent{OldState: established, Error: uint16(syscall.ECONNRESET)}, ResetByRemote, flow.TCPEstablished},
		"reset received after a FIN":     {bpf.TCPTcpEvent{OldState: finWait2, Error: uint16(syscall.ECONNRESET)}, ResetByRemote, flow.TCPFinWait2},
		"reset received after their FIN": {bpf.TCPTcpEvent{OldState: closeWait, FinReceived: 1, Error: uint16(syscall.EPIPE)}, ResetByRemote, flow.TCPCloseWait},
		"reset for data that nobody reads, or received": {
			bpf.TCPTcpEvent{OldState: finWait2, Orphaned: 1, Shut: 1, Error: uint16(syscall.ECONNRESET)}, Reset, flow.TCPFinWait2,
		},
		"no answer":        {bpf.TCPTcpEvent{OldState: established, Error: uint16(syscall.ETIMEDOUT)}, TimedOut, flow.TCPEstablished},
		"no answer to FIN": {bpf.TCPTcpEvent{OldState: finWait1, Orphaned: 1, Error: uint16(syscall.ETIMEDOUT)}, TimedOut, flow.TCPFinWait1},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.end, endOfTCP(&test.raw))
			require.Equal(t, test.state, finalState(&test.raw))
		})
	}
}

func TestTimeoutsAreToldOnce(t *testing.T) {
	for name, test := range map[string]struct{ inARow, sentAgain, want uint32 }{
		"none":                              {0, 0, 0},
		"recovered from":                    {0, 3, 0},
		"the first":                         {1, 1, 1},
		"the first, after a probe for loss": {1, 2, 1},
		"two more":                          {5, 2, 2},
		"told before":                       {5, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			h := healthOf(&bpf.TCPTcpEvent{Timeouts: uint16(test.inARow), Retransmits: test.sentAgain})
			require.Equal(t, test.want, h.Timeouts)
		})
	}
}

func TestJiffy(t *testing.T) {
	require.GreaterOrEqual(t, jiffy(), 500*time.Microsecond)
	require.LessOrEqual(t, jiffy(), 10*time.Millisecond)
}
