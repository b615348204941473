//go:build linux

package flowlogreceiver

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/netns"
)

// A multipath connection is reported by its TCP subflow, once at each end.
func TestMultipath(t *testing.T) {
	if enabled, err := os.ReadFile("/proc/sys/net/mptcp/enabled"); err != nil || strings.TrimSpace(string(enabled)) != "1" {
		t.Skip("the kernel has no multipath TCP")
	}
	const size = 5000
	ns := netns.New(t)
	r := start(t, nil)
	var to netip.AddrPort
	ns.Do(t, func() error {
		listen, dial := net.ListenConfig{}, net.Dialer{}
		listen.SetMultipathTCP(true)
		dial.SetMultipathTCP(true)
		l, err := listen.Listen(t.Context(), "tcp4", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer l.Close()
		to = netip.MustParseAddrPort(l.Addr().String())
		client, err := dial.Dial("tcp4", to.String())
		if err != nil {
			return err
		}
		server, err := l.Accept()
		if err != nil {
			return err
		}
		multipath, err := server.(*net.TCPConn).MultipathTCP()
		if err != nil {
			return err
		}
		require.True(t, multipath)
		if _, err := client.Write(make([]byte, size)); err != nil {
			return err
		}
		client.Close()
		_, err = io.Copy(io.Discard, server)
		server.Close()
		return err
	})
	r.await("both ends", ends(2), ns)
	sums := truths(t, r.finish(ns))
	require.Len(t, sums, 2)
	for _, sum := range sums {
		require.Equal(t, [2]uint64{1, 1}, [2]uint64{sum.Started, sum.Completed}, sum.Reporter)
		require.Equal(t, uint64(size), sum.SourcePayload, sum.Reporter)
		require.Equal(t, to.Port(), sum.Port)
		require.Equal(t, me, sum.SourceProcess)
	}
}

// Data that comes with the SYN is payload like any other.
func TestFastOpen(t *testing.T) {
	const first, second = 100, 2000
	ns := netns.New(t)
	ns.Sysctl(t, "net/ipv4/tcp_fastopen", "1027") // both sides, without a cookie
	r := start(t, nil)
	var to netip.AddrPort
	ns.Do(t, func() error {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer l.Close()
		to = netip.MustParseAddrPort(l.Addr().String())
		raw, err := l.(*net.TCPListener).SyscallConn()
		if err != nil {
			return err
		}
		var failed error
		if err := raw.Control(func(fd uintptr) {
			failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_FASTOPEN, 10)
		}); err != nil || failed != nil {
			return errors.Join(err, failed)
		}
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		at := &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())}
		if err := unix.Sendto(fd, make([]byte, first), unix.MSG_FASTOPEN, at); err != nil {
			return err
		}
		server, err := l.Accept()
		if err != nil {
			return err
		}
		defer server.Close()
		if _, err := unix.Write(fd, make([]byte, second)); err != nil {
			return err
		}
		if err := unix.Shutdown(fd, unix.SHUT_WR); err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, server)
		return err
	})
	r.await("both ends", ends(2), ns)
	verify(t, r.finish(ns), both(truth{
		Source: loopback4, Destination: loopback4, Port: to.Port(), Started: 1, Completed: 1, SourcePayload: first + second,
	})...)
}

// A network namespace that goes takes its connections with it: each end is told, with
// what it had done.
func TestNamespaceVanishes(t *testing.T) {
	const size = 3000
	clients, servers := netns.New(t), netns.New(t)
	netns.Connect(t, clients, []string{"192.0.2.1/24"}, servers, []string{"192.0.2.2/24"})
	child, to, quit := process(t, servers, "serve", "192.0.2.2:0")
	r := start(t, nil)
	var client net.Conn
	clients.Do(t, func() (err error) { client, err = net.Dial("tcp", to.String()); return err })
	defer client.Close()
	_, err := client.Write(make([]byte, requestBytes+size))
	require.NoError(t, err)
	r.await("what was sent", payloads(2*requestBytes), clients, servers)
	gone := servers.Inode()
	require.NoError(t, child.Process.Kill())
	quit()
	require.NoError(t, servers.Close())
	_, _ = io.Copy(io.Discard, client) // to its end, or to a reset
	client.Close()
	r.await("both ends", ends(2), clients, servers)
	flows := r.finish(clients, servers)
	for _, sum := range truths(t, flows) {
		require.Equal(t, [2]uint64{1, 1}, [2]uint64{sum.Started, sum.Completed}, sum.Reporter)
	}
	for i := range flows {
		if flows[i].Reporter == flow.ReporterDestination {
			require.Equal(t, gone, flows[i].NetworkNamespace)
		}
	}
}

// A receiver that is replaced while a connection is open: both tell of it, and
// together neither more nor less than there was.
func TestRestartMidFlow(t *testing.T) {
	ns := netns.New(t)
	var flows []flow.Flow
	first := start(t, nil)
	var l net.Listener // which tells the second one which end is the server
	var client net.Conn
	ns.Do(t, func() (err error) {
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return err
		}
		client, err = net.Dial("tcp", l.Addr().String())
		return err
	})
	defer l.Close()
	server, err := l.Accept()
	require.NoError(t, err)
	to := netip.MustParseAddrPort(l.Addr().String())
	send(t, client, server, 1000)
	first.await("the first bytes", payloads(2000), ns)
	send(t, server, client, 20) // told by the last sweep
	flows = append(flows, first.finish(ns)...)

	second := start(t, nil)
	send(t, client, server, 300)
	client.Close()
	server.Close()
	second.await("both ends", ends(2), ns)
	flows = append(flows, second.finish(ns)...)
	verify(t, flows, both(truth{
		Source: loopback4, Destination: loopback4, Port: to.Port(), Started: 1, Completed: 1, SourcePayload: 1300, DestinationPayload: 20,
	})...)
	require.GreaterOrEqual(t, len(flows), 4)
}
