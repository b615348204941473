//go:build linux

package flowlogreceiver

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/netns"
)

// sides adds up the records of both reporters.
func sides(tb testing.TB, flows []flow.Flow) (source, destination *flow.Flow) {
	tb.Helper()
	sums := make(map[flow.Reporter]*flow.Flow)
	for i := range flows {
		f := flows[i]
		if sum, ok := sums[f.Reporter]; ok {
			sum.Merge(&f)
		} else {
			sums[f.Reporter] = &f
		}
	}
	require.Len(tb, sums, 2, describe(flows))
	return sums[flow.ReporterSource], sums[flow.ReporterDestination]
}

// some waits for a record that is so.
func some(so func(*flow.Flow) bool) func([]flow.Flow) bool {
	return func(flows []flow.Flow) bool {
		return slices.ContainsFunc(flows, func(f flow.Flow) bool { return so(&f) })
	}
}

// info is what the kernel tells of a socket.
func info(tb testing.TB, c *net.TCPConn) *unix.TCPInfo {
	tb.Helper()
	i, err := tcpInfo(c)
	require.NoError(tb, err)
	return i
}

func tcpInfo(c *net.TCPConn) (info *unix.TCPInfo, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	failed := raw.Control(func(fd uintptr) {
		info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
	})
	return info, errors.Join(failed, err)
}

// slowPair is a connection over a relay.
func slowPair(tb testing.TB, delay time.Duration) (client, server *net.TCPConn, wire *relay, clients, servers *netns.NS) {
	tb.Helper()
	clients, servers = netns.New(tb), netns.New(tb)
	wire = connectSlowly(tb, clients, "192.0.2.1/24", servers, "192.0.2.2/24", delay)
	client, server = dialFrom(tb, clients, servers, "192.0.2.2:0")
	return client, server, wire, clients, servers
}

func dialFrom(tb testing.TB, clients, servers *netns.NS, address string) (client, server *net.TCPConn) {
	tb.Helper()
	var l net.Listener
	servers.Do(tb, func() (err error) { l, err = net.Listen("tcp", address); return err })
	tb.Cleanup(func() { l.Close() }) // not before: it tells which end of an old connection is which
	var c net.Conn
	clients.Do(tb, func() (err error) { c, err = net.DialTimeout("tcp", l.Addr().String(), 10*time.Second); return err })
	s, err := l.Accept()
	require.NoError(tb, err)
	tb.Cleanup(func() { c.Close(); s.Close() })
	return c.(*net.TCPConn), s.(*net.TCPConn)
}

// A wire of known length: round trips and handshakes are as long, windows and
// segments as the kernel says.
func TestRoundTripsAndHandshake(t *testing.T) {
	const delay, roundTrip = 30 * time.Millisecond, 60_000
	r := start(t, nil)
	client, server, _, clients, servers := slowPair(t, delay)
	for range 3 {
		send(t, client, server, 100)
		send(t, server, client, 100)
	}
	truth := info(t, client)
	mss := uint64(truth.Snd_mss)
	client.Close()
	server.Close()
	r.await("both ends", ends(2), clients, servers)
	source, destination := sides(t, r.finish(clients, servers))
	for _, f := range []*flow.Flow{source, destination} {
		h := &f.TCP
		require.NotZero(t, h.RTTSamples)
		const slack = 60_000 // a busy machine wakes the relay late
		require.InDelta(t, roundTrip+slack/2, h.RTTMean(), slack/2, f.Reporter)
		require.InDelta(t, roundTrip+slack/2, h.RTTMin, slack/2, f.Reporter)
		require.InDelta(t, roundTrip+slack/2, h.MinRTTSum/h.RTTSamples, slack/2, f.Reporter)
		require.GreaterOrEqual(t, h.MinRTTMax, h.RTTMin)
		require.GreaterOrEqual(t, h.RTTMax, h.RTTMean())
		require.EqualValues(t, 1, h.HandshakeSamples, "each connection shakes hands once")
		require.InDelta(t, roundTrip+slack/2, h.HandshakeSum, slack/2, f.Reporter)
		require.EqualValues(t, h.HandshakeSum, h.HandshakeMax)
		require.EqualValues(t, f.Connections.Seen, h.Samples)
		require.EqualValues(t, mss*h.Samples, h.MSSSum)
		require.EqualValues(t, mss, h.MSSMin)
		require.GreaterOrEqual(t, h.CwndMin, uint32(10), "what a connection begins with")
		require.LessOrEqual(t, uint64(h.CwndMin), h.CwndSum/h.Samples)
		require.Zero(t, h.Retransmits+h.Lost+h.Timeouts+h.ZeroWindow+h.WindowLimited)
	}
	// It ends with a FIN, and an acknowledgement of that.
	require.LessOrEqual(t, source.TCP.CwndSum/source.TCP.Samples, uint64(truth.Snd_cwnd)+2)
}

// A connection older than the receiver tells what happens from now on, and nothing of
// a handshake that nobody saw.
func TestHealthOfAnOldConnection(t *testing.T) {
	client, server, wire, clients, servers := slowPair(t, time.Millisecond)
	wire.loseSegments(20)
	send(t, client, server, 100_000)
	wire.loseNone()
	r := start(t, nil)
	before := info(t, client).Total_retrans
	require.NotZero(t, before)
	send(t, client, server, 100)
	r.await("what came after", payloads(200), clients, servers)
	retransmits := info(t, client).Total_retrans - before
	client.Close()
	require.NoError(t, awaitEnd(server))
	server.Close()
	r.await("both ends", ends(2), clients, servers)
	source, destination := sides(t, r.finish(clients, servers))
	require.Zero(t, source.TCP.HandshakeSamples+destination.TCP.HandshakeSamples)
	require.EqualValues(t, retransmits, source.TCP.Retransmits)
	require.Zero(t, source.TCP.Lost)
	require.NotZero(t, source.TCP.RTTSamples)
	require.Equal(t, flow.TCPLastAck, destination.TCP.FinalState)
}

// Segments that go missing on the way are found missing, sent again, and counted
// at the end that sent them.
func TestLostSegments(t *testing.T) {
	r := start(t, nil)
	client, server, wire, clients, servers := slowPair(t, 5*time.Millisecond)
	const lost = 3
	wire.loseSegments(20, 40, 60)
	send(t, client, server, 300_000)
	r.await("what was sent", payloads(600_000), clients, servers)
	retransmits := info(t, client).Total_retrans
	client.Close()
	server.Close()
	r.await("both ends", ends(2), clients, servers)
	source, destination := sides(t, r.finish(clients, servers))
	require.EqualValues(t, retransmits, source.TCP.Retransmits)
	require.GreaterOrEqual(t, source.TCP.Retransmits, uint64(lost))
	require.GreaterOrEqual(t, source.TCP.Lost, uint64(lost))
	require.LessOrEqual(t, source.TCP.Lost, source.TCP.Retransmits+lost)
	require.Zero(t, destination.TCP.Retransmits+destination.TCP.Lost)
	require.EqualValues(t, 300_000, source.Source.PayloadBytes)
	require.Less(t, source.TCP.CwndMin, uint32(source.TCP.CwndSum))
}

// The wire is cut for good: every timeout is unrecovered and counted once, over
// however many records.
func TestUnrecoveredTimeouts(t *testing.T) {
	r := start(t, nil)
	client, server, wire, clients, servers := slowPair(t, time.Millisecond)
	send(t, client, server, 10)
	setOption(t, client, unix.TCP_USER_TIMEOUT, 2500)
	wire.loseAll()
	_, err := client.Write(make([]byte, 5))
	require.NoError(t, err)
	_, err = client.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ETIMEDOUT)
	timeouts := info(t, client).Retransmits
	require.GreaterOrEqual(t, timeouts, uint8(2))
	client.Close()
	require.NoError(t, server.SetLinger(0))
	server.Close()
	r.await("both ends", ends(2), clients, servers)
	source, destination := sides(t, r.finish(clients, servers))
	require.EqualValues(t, timeouts, source.TCP.Timeouts)
	require.EqualValues(t, 1, source.Connections.TimedOut)
	require.Equal(t, flow.TCPEstablished, source.TCP.FinalState)
	require.EqualValues(t, 1, source.TCP.CwndMin, "a sender that gets no answer is down to one segment")
	require.Zero(t, destination.TCP.Timeouts)
	require.EqualValues(t, 1, destination.Connections.ResetByDestination, "which never arrives")
	require.Zero(t, source.Connections.Reset)
}

// The wire is cut for a while: what was unrecovered at one report is recovered by
// the next.
func TestTimeoutsThatAreRecoveredFrom(t *testing.T) {
	r := start(t, nil)
	client, server, wire, clients, servers := slowPair(t, time.Millisecond)
	send(t, client, server, 10)
	wire.loseAll()
	_, err := client.Write(make([]byte, 5))
	require.NoError(t, err)
	r.await("timeouts", some(func(f *flow.Flow) bool { return f.TCP.Timeouts > 0 }), clients, servers)
	wire.loseNone()
	_, err = io.ReadFull(server, make([]byte, 5))
	require.NoError(t, err)
	r.await("the rest", payloads(30), clients, servers)
	before, _ := sides(t, r.flows(clients, servers))
	retransmits := info(t, client).Total_retrans
	client.Close()
	server.Close()
	r.await("both ends", ends(2), clients, servers)
	source, _ := sides(t, r.finish(clients, servers))
	require.Equal(t, before.TCP.Timeouts, source.TCP.Timeouts)
	require.LessOrEqual(t, source.TCP.Timeouts, uint64(retransmits))
	require.Zero(t, source.Connections.TimedOut)
}

// A receiver that does not read closes its window, and the sender waits.
func TestZeroWindow(t *testing.T) {
	ns := netns.New(t)
	r := start(t, nil)
	client, server, _ := connect(t, ns, "tcp", "127.0.0.1:0")
	require.NoError(t, client.SetWriteDeadline(time.Now().Add(1500*time.Millisecond)))
	sent, err := client.Write(make([]byte, 64<<20))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	r.await("a closed window", some(func(f *flow.Flow) bool { return f.TCP.ZeroWindow > 0 }), ns)
	go func() { _, _ = io.Copy(io.Discard, server) }()
	r.await("what was written", payloads(uint64(2*sent)), ns)
	limited := info(t, client).Rwnd_limited
	client.Close()
	r.await("the source's end", ends(1), ns)
	server.Close()
	r.await("both ends", ends(2), ns)
	source, destination := sides(t, r.finish(ns))
	require.Greater(t, limited, uint64(500_000))
	require.InDelta(t, limited, source.TCP.WindowLimited, 20_000)
	require.Zero(t, destination.TCP.WindowLimited+destination.TCP.ZeroWindow)
	require.EqualValues(t, sent, source.Source.PayloadBytes)
}

func setOption(tb testing.TB, c *net.TCPConn, option, value int) {
	tb.Helper()
	raw, err := c.SyscallConn()
	require.NoError(tb, err)
	require.NoError(tb, errors.Join(raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, option, value)
	}), err))
}

// Both ends say who sent a reset, and in what state they ended.
func TestWhoResets(t *testing.T) {
	abort := func(c *net.TCPConn) error { return errors.Join(c.SetLinger(0), c.Close()) }
	for name, test := range map[string]struct {
		do                  func(client, server *net.TCPConn) error
		bySource            bool
		source, destination flow.TCPState
	}{
		"source aborts": {
			func(client, _ *net.TCPConn) error { return abort(client) },
			true, flow.TCPEstablished, flow.TCPEstablished,
		},
		"destination aborts": {
			func(_, server *net.TCPConn) error { return abort(server) },
			false, flow.TCPEstablished, flow.TCPEstablished,
		},
		"source leaves data unread": {
			func(client, server *net.TCPConn) error {
				_, err := server.Write(make([]byte, 50))
				return errors.Join(err, awaitUnread(client), client.Close())
			},
			true, flow.TCPEstablished, flow.TCPEstablished,
		},
		"destination leaves data unread": {
			func(client, server *net.TCPConn) error {
				_, err := client.Write(make([]byte, 50))
				return errors.Join(err, awaitUnread(server), server.Close())
			},
			false, flow.TCPEstablished, flow.TCPEstablished,
		},
		"source aborts after the destination's FIN": {
			func(client, server *net.TCPConn) error {
				return errors.Join(server.CloseWrite(), awaitEnd(client), awaitAcknowledged(server), abort(client))
			},
			true, flow.TCPCloseWait, flow.TCPFinWait2,
		},
		"destination aborts after the source's FIN": {
			func(client, server *net.TCPConn) error {
				return errors.Join(client.CloseWrite(), awaitEnd(server), awaitAcknowledged(client), abort(server))
			},
			false, flow.TCPFinWait2, flow.TCPCloseWait,
		},
		"source aborts after its FIN": {
			func(client, server *net.TCPConn) error {
				return errors.Join(client.CloseWrite(), awaitEnd(server), awaitAcknowledged(client), abort(client))
			},
			true, flow.TCPFinWait2, flow.TCPCloseWait,
		},
		"destination aborts after its FIN": {
			func(client, server *net.TCPConn) error {
				return errors.Join(server.CloseWrite(), awaitEnd(client), awaitAcknowledged(server), abort(server))
			},
			false, flow.TCPCloseWait, flow.TCPFinWait2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			ns := netns.New(t)
			r := start(t, nil)
			client, server, _ := connect(t, ns, "tcp", "127.0.0.1:0")
			send(t, client, server, 100)
			require.NoError(t, test.do(client, server))
			r.await("both ends", ends(2), ns)
			source, destination := sides(t, r.finish(ns))
			want := flow.Connections{Seen: 1, Started: 1, Completed: 1, Reset: 1, ResetByDestination: 1}
			if test.bySource {
				want.ResetBySource, want.ResetByDestination = 1, 0
			}
			for _, f := range []*flow.Flow{source, destination} {
				got := f.Connections
				got.Seen, got.Open = got.Seen-got.Open, 0
				require.Equal(t, want, got, f.Reporter)
			}
			require.Equal(t, test.source, source.TCP.FinalState)
			require.Equal(t, test.destination, destination.TCP.FinalState)
		})
	}
}

// A process that is killed with data unread resets its connection.
func TestKilledProcessResets(t *testing.T) {
	ns := netns.New(t)
	r := start(t, nil)
	to := serve(t, ns, "127.0.0.1", 1)[0]
	client, _, _ := process(t, ns, "hold", to.String())
	r.await("the answer", payloads(2*requestBytes+2*responseBytes), ns)
	require.NoError(t, client.Process.Kill())
	r.await("both ends", ends(2), ns)
	source, destination := sides(t, r.finish(ns))
	require.EqualValues(t, 1, source.Connections.ResetBySource)
	require.Equal(t, flow.TCPCloseWait, source.TCP.FinalState)
	// The server had closed: its socket may have gone before the reset came.
	require.Zero(t, destination.Connections.ResetByDestination)
	require.Equal(t, flow.TCPFinWait2, destination.TCP.FinalState)
}

// Data for an end that has closed is answered with a reset by the kernel, of which
// only the other end knows the side.
func TestResetForDataThatNobodyReads(t *testing.T) {
	ns := netns.New(t)
	r := start(t, nil)
	client, server, _ := connect(t, ns, "tcp", "127.0.0.1:0")
	send(t, client, server, 100)
	client.Close()
	require.NoError(t, awaitEnd(server))
	_, err := server.Write(make([]byte, 10))
	require.NoError(t, err)
	r.await("both ends", ends(2), ns)
	source, destination := sides(t, r.finish(ns))
	require.EqualValues(t, 1, destination.Connections.ResetBySource)
	require.Equal(t, flow.TCPCloseWait, destination.TCP.FinalState)
	require.Zero(t, source.Connections.ResetBySource+source.Connections.ResetByDestination)
	require.Equal(t, flow.TCPFinWait2, source.TCP.FinalState)
}

func TestFinalStates(t *testing.T) {
	for name, test := range map[string]struct {
		close               func(client, server *net.TCPConn) error
		source, destination flow.TCPState
	}{
		"source first": {
			func(client, server *net.TCPConn) error {
				return errors.Join(client.CloseWrite(), awaitEnd(server), server.Close(), awaitEnd(client), client.Close())
			},
			flow.TCPTimeWait, flow.TCPLastAck,
		},
		"destination first": {
			func(client, server *net.TCPConn) error {
				return errors.Join(server.CloseWrite(), awaitEnd(client), client.Close(), awaitEnd(server), server.Close())
			},
			flow.TCPLastAck, flow.TCPTimeWait,
		},
		"source first, and does not wait": {
			func(client, server *net.TCPConn) error {
				return errors.Join(client.CloseWrite(), awaitEnd(server), awaitAcknowledged(client), client.Close(), server.Close())
			},
			flow.TCPFinWait2, flow.TCPLastAck,
		},
	} {
		t.Run(name, func(t *testing.T) {
			ns := netns.New(t)
			r := start(t, nil)
			client, server, _ := connect(t, ns, "tcp", "127.0.0.1:0")
			send(t, client, server, 100)
			require.NoError(t, test.close(client, server))
			r.await("both ends", ends(2), ns)
			source, destination := sides(t, r.finish(ns))
			require.Equal(t, test.source, source.TCP.FinalState)
			require.Equal(t, test.destination, destination.TCP.FinalState)
			require.Zero(t, source.Connections.Reset+destination.Connections.Reset)
		})
	}
}

func TestFinalStateOfAConnectThatFails(t *testing.T) {
	ns := netns.New(t)
	r := start(t, nil)
	ns.Do(t, func() error {
		if _, err := net.Dial("tcp", "127.0.0.1:9"); !errors.Is(err, syscall.ECONNREFUSED) {
			return err
		}
		return nil
	})
	r.await("the attempt", ends(1), ns)
	flows := r.finish(ns)
	verify(t, flows, denied(netip.MustParseAddrPort("127.0.0.1:9"), loopback4, "connection_refused"))
	require.Equal(t, flow.TCP{FinalState: flow.TCPSynSent}, flows[0].TCP, "nothing was measured")
}

// awaitUnread waits until there is something to read, and leaves it there.
func awaitUnread(c *net.TCPConn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var peeked error
	err = raw.Read(func(fd uintptr) bool {
		_, _, peeked = unix.Recvfrom(int(fd), make([]byte, 1), unix.MSG_PEEK)
		return !errors.Is(peeked, unix.EAGAIN)
	})
	return errors.Join(err, peeked)
}

// awaitAcknowledged waits until the other end has acknowledged the FIN.
func awaitAcknowledged(c *net.TCPConn) error {
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		if info, err := tcpInfo(c); err != nil || info.State == unix.BPF_TCP_FIN_WAIT2 {
			return err
		}
		if time.Now().After(deadline) {
			return errors.New("the FIN is not acknowledged")
		}
	}
}

// awaitEnd reads to the other end's FIN.
func awaitEnd(c *net.TCPConn) error {
	_, err := io.Copy(io.Discard, c)
	return err
}
