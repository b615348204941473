//go:build linux

package flowlogreceiver

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/netns"
)

var (
	loopback4 = netip.MustParseAddr("127.0.0.1")
	loopback6 = netip.MustParseAddr("::1")
)

// connect returns both ends of a new connection inside ns. The server's end is
// accepted from a listener that is closed.
func connect(tb testing.TB, ns *netns.NS, network, address string) (client, server *net.TCPConn, to netip.AddrPort) {
	tb.Helper()
	ns.Do(tb, func() error {
		l, err := net.Listen(network, address)
		if err != nil {
			return err
		}
		defer l.Close()
		to = netip.MustParseAddrPort(l.Addr().String())
		c, err := net.Dial("tcp", net.JoinHostPort(hostOf(to), portOf(l.Addr().String())))
		if err != nil {
			return err
		}
		s, err := l.Accept()
		if err != nil {
			return err
		}
		client, server = c.(*net.TCPConn), s.(*net.TCPConn)
		return nil
	})
	tb.Cleanup(func() { client.Close(); server.Close() })
	return client, server, netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
}

func hostOf(to netip.AddrPort) string {
	if to.Addr().IsUnspecified() {
		return "127.0.0.1"
	}
	return to.Addr().String()
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

func send(tb testing.TB, from, to net.Conn, n int) {
	tb.Helper()
	done := make(chan error, 1)
	go func() {
		_, err := from.Write(make([]byte, n))
		done <- err
	}()
	_, err := io.CopyN(io.Discard, to, int64(n))
	require.NoError(tb, err)
	require.NoError(tb, <-done)
}

// Thousands of connections between two namespaces, merged to one record for
// each end and interval.
func TestShortConnectionsMerge(t *testing.T) {
	for name, ip := range map[string][2]string{
		"ipv4": {"192.0.2.1", "192.0.2.2"},
		"ipv6": {"2001:db8::1", "2001:db8::2"},
	} {
		t.Run(name, func(t *testing.T) {
			const n = 2000
			bits := "/24"
			if strings.Contains(ip[0], ":") {
				bits = "/64"
			}
			clients, servers := netns.New(t), netns.New(t)
			netns.Connect(t, clients, []string{ip[0] + bits}, servers, []string{ip[1] + bits})
			to := serve(t, servers, ip[1], 1)
			r := start(t, nil)
			askMany(t, clients, to, n, 4)
			r.await("all ends", ends(2*n), clients, servers)
			flows := r.finish(clients, servers)
			verify(t, flows, both(truth{
				Source: netip.MustParseAddr(ip[0]), Destination: netip.MustParseAddr(ip[1]), Port: to[0].Port(),
				Started: n, Completed: n, SourcePayload: n * requestBytes, DestinationPayload: n * responseBytes,
			})...)
			require.Empty(t, r.received().Losses)
			for i := range flows {
				f := &flows[i]
				require.Zero(t, f.Source.Port)
				require.Equal(t, flow.EndpointHost, f.Source.Type)
				require.Equal(t, flow.EndpointHost, f.Destination.Type)
				require.Equal(t, uint32(os.Getpid()), f.Process.PID)
				require.NotZero(t, f.TCP.RTTSamples)
				require.NotZero(t, f.ID.Counter)
				require.LessOrEqual(t, f.Start, f.End)
				require.WithinDuration(t, time.Now(), time.Unix(0, f.End), time.Minute)
			}
			agree(t, flows)
		})
	}
}

// agree checks that both ends count the same packets and bytes on the wire.
func agree(tb testing.TB, flows []flow.Flow) {
	tb.Helper()
	var sums [2]flow.Flow
	for i := range flows {
		sums[flows[i].Reporter-flow.ReporterSource].Merge(&flows[i])
	}
	source, destination := &sums[0], &sums[1]
	// The last acknowledgement leaves from a socket that only waits (TIME_WAIT)
	// and is counted where it arrives.
	slack := float64(source.Connections.Completed)
	require.InDelta(tb, source.Source.Packets, destination.Source.Packets, slack)
	require.InDelta(tb, source.Destination.Packets, destination.Destination.Packets, slack)
	require.InDelta(tb, source.Source.Bytes, destination.Source.Bytes, 60*slack)
	require.InDelta(tb, source.Destination.Bytes, destination.Destination.Bytes, 60*slack)
	require.Greater(tb, source.Source.Bytes, source.Source.PayloadBytes+40*source.Source.Packets)
}

// An IPv4 client of a dual-stack listener is IPv4 at both ends.
func TestMappedAddress(t *testing.T) {
	ns := netns.New(t)
	r := start(t, nil)
	client, server, to := connect(t, ns, "tcp", "[::]:0")
	send(t, client, server, 10)
	client.Close()
	server.Close()
	r.await("both ends", ends(2), ns)
	verify(t, r.finish(ns), both(truth{
		Source: loopback4, Destination: loopback4, Port: to.Port(), Started: 1, Completed: 1, SourcePayload: 10,
	})...)
}

// A connection that lives on reports what it did in each interval, nothing while
// it is idle, and the sum is exact.
func TestLongLivedConnection(t *testing.T) {
	ns := netns.New(t)
	r := start(t, nil)
	client, server, to := connect(t, ns, "tcp", "[::1]:0")
	var up, down uint64
	for i := range 5 {
		send(t, client, server, 100_000*(i+1))
		send(t, server, client, 7*(i+1))
		up, down = up+uint64(100_000*(i+1)), down+uint64(7*(i+1))
		r.await("what was sent", payloads(2*(up+down)), ns)
	}
	quiet := len(r.flows(ns))
	agents := len(r.received().Agents)
	for len(r.received().Agents) < agents+4 {
		time.Sleep(20 * time.Millisecond)
	}
	require.Len(t, r.flows(ns), quiet, "an idle connection costs no record")
	require.GreaterOrEqual(t, r.received().Agents[agents+3].Connections, uint64(2))

	client.Close()
	server.Close()
	r.await("both ends", ends(2), ns)
	flows := r.finish(ns)
	verify(t, flows, both(truth{
		Source: loopback6, Destination: loopback6, Port: to.Port(), Started: 1, Completed: 1,
		SourcePayload: up, DestinationPayload: down,
	})...)
	require.GreaterOrEqual(t, len(flows), 12)
	agree(t, flows)
}

// One side is done long before the other.
func TestHalfClose(t *testing.T) {
	ns := netns.New(t)
	r := start(t, nil)
	client, server, to := connect(t, ns, "tcp", "127.0.0.1:0")
	send(t, client, server, 1000)
	require.NoError(t, client.CloseWrite())
	_, err := server.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	r.await("the request", payloads(2000), ns)
	send(t, server, client, 5000)
	r.await("the answer", payloads(12000), ns)
	server.Close()
	client.Close()
	r.await("both ends", ends(2), ns)
	verify(t, r.finish(ns), both(truth{
		Source: loopback4, Destination: loopback4, Port: to.Port(), Started: 1, Completed: 1,
		SourcePayload: 1000, DestinationPayload: 5000,
	})...)
}

func TestReset(t *testing.T) {
	for name, reset := range map[string]func(client, server *net.TCPConn) error{
		"client": func(client, _ *net.TCPConn) error { return errors.Join(client.SetLinger(0), client.Close()) },
		"server": func(_, server *net.TCPConn) error { return errors.Join(server.SetLinger(0), server.Close()) },
		"unread": func(client, server *net.TCPConn) error { return server.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			ns := netns.New(t)
			r := start(t, nil)
			client, server, to := connect(t, ns, "tcp", "127.0.0.1:0")
			send(t, client, server, 100)
			if name == "unread" {
				_, err := client.Write(make([]byte, 50))
				require.NoError(t, err)
				r.await("what nobody will read", payloads(300), ns)
			}
			require.NoError(t, reset(client, server))
			r.await("both ends", ends(2), ns)
			sent := uint64(100)
			if name == "unread" {
				sent = 150
			}
			verify(t, r.finish(ns), both(truth{
				Source: loopback4, Destination: loopback4, Port: to.Port(), Started: 1, Completed: 1, Reset: 1, SourcePayload: sent,
			})...)
		})
	}
}

func TestRefused(t *testing.T) {
	ns := netns.New(t)
	r := start(t, nil)
	ns.Do(t, func() error {
		for _, to := range []string{"127.0.0.1:9", "[::1]:9"} {
			if _, err := net.Dial("tcp", to); !errors.Is(err, syscall.ECONNREFUSED) {
				return err
			}
		}
		return nil
	})
	r.await("both attempts", ends(2), ns)
	verify(t, r.finish(ns),
		denied(netip.MustParseAddrPort("127.0.0.1:9"), loopback4, "connection_refused"),
		denied(netip.MustParseAddrPort("[::1]:9"), loopback6, "connection_refused"))
}

// Attempts that nobody answers: given up by the kernel, turned back on the way,
// given up by the caller.
func TestUnanswered(t *testing.T) {
	ns, router := netns.New(t), netns.New(t)
	name := netns.Connect(t, ns, []string{"192.0.2.1/24"}, router, []string{"192.0.2.2/24"})
	ns.Sysctl(t, "net/ipv4/tcp_syn_retries", "2")
	router.Sysctl(t, "net/ipv4/ip_forward", "1")
	router.Sysctl(t, "net/ipv4/icmp_ratelimit", "0")
	ns.Do(t, func() error {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		_, everywhere, err := net.ParseCIDR("0.0.0.0/0")
		if err != nil {
			return err
		}
		return errors.Join(
			// Has a hardware address, but nobody answers to it.
			netlink.NeighAdd(&netlink.Neigh{
				LinkIndex: link.Attrs().Index, IP: net.ParseIP("192.0.2.3"), HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 3}, State: unix.NUD_PERMANENT,
			}),
			netlink.RouteAdd(&netlink.Route{Dst: everywhere, Gw: net.ParseIP("192.0.2.2")}))
	})
	router.Do(t, func() error {
		_, nowhere, err := net.ParseCIDR("203.0.113.1/32")
		if err != nil {
			return err
		}
		return netlink.RouteAdd(&netlink.Route{Dst: nowhere, Type: unix.RTN_UNREACHABLE})
	})
	// Absent before Linux 6.5, which retries no faster.
	_ = ns.Try(func() error {
		return os.WriteFile("/proc/sys/net/ipv4/tcp_syn_linear_timeouts", []byte("0"), 0o644)
	})
	r := start(t, nil)
	results := make(chan error, 4)
	dial := func(to string, timeout time.Duration) {
		results <- ns.Try(func() error {
			c, err := net.DialTimeout("tcp", to, timeout)
			if err == nil {
				c.Close()
				return errors.New("connected to " + to)
			}
			return nil
		})
	}
	go dial("192.0.2.3:80", time.Minute)
	for _, last := range []byte{1, 2} {
		// The kernel only believes an ICMP message that arrives while no call holds
		// the socket, as the answer to the second attempt does.
		go func() { results <- ns.Try(func() error { return dialBlocking([4]byte{203, 0, 113, last}, 80) }) }()
	}
	go dial("192.0.2.3:81", 300*time.Millisecond)
	for range 4 {
		require.NoError(t, <-results)
	}
	r.await("all attempts", ends(4), ns)
	from := netip.MustParseAddr("192.0.2.1")
	verify(t, r.finish(ns),
		denied(netip.MustParseAddrPort("192.0.2.3:80"), from, "timed_out"),
		denied(netip.MustParseAddrPort("203.0.113.1:80"), from, "host_unreachable"),
		denied(netip.MustParseAddrPort("203.0.113.2:80"), from, "network_unreachable"),
		truth{
			Reporter: flow.ReporterSource, Source: from, Destination: netip.MustParseAddr("192.0.2.3"), Port: 81, Action: flow.Allow,
			PeerUnseen: true, Started: 1, Completed: 1, Abandoned: 1, SourceProcess: me,
		})
}

// dialBlocking fails if the connect succeeds.
func dialBlocking(to [4]byte, port int) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, &unix.SockaddrInet4{Addr: to, Port: port}); err == nil {
		return errors.New("connected")
	}
	return nil
}

// An established connection whose peer falls silent.
func TestTimedOut(t *testing.T) {
	clients, servers := netns.New(t), netns.New(t)
	name := netns.Connect(t, clients, []string{"192.0.2.1/24"}, servers, []string{"192.0.2.2/24"})
	r := start(t, nil)
	var l net.Listener
	servers.Do(t, func() (err error) { l, err = net.Listen("tcp", "192.0.2.2:0"); return err })
	defer l.Close()
	to := netip.MustParseAddrPort(l.Addr().String())
	var client net.Conn
	clients.Do(t, func() (err error) { client, err = net.Dial("tcp", to.String()); return err })
	defer client.Close()
	server, err := l.Accept()
	require.NoError(t, err)
	defer server.Close()
	send(t, client, server, 10)
	r.await("the first bytes", payloads(20), clients, servers)

	raw, err := client.(*net.TCPConn).SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 400)
	}))
	require.NoError(t, err)
	servers.Do(t, func() error {
		// Packets to an address that is nobody's are dropped without a word.
		link, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		addr, err := netlink.ParseAddr("192.0.2.2/24")
		if err != nil {
			return err
		}
		return netlink.AddrDel(link, addr)
	})
	_, err = client.Write(make([]byte, 5))
	require.NoError(t, err)
	_, err = client.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ETIMEDOUT)
	require.NoError(t, server.(*net.TCPConn).SetLinger(0))
	server.Close()
	r.await("both ends", ends(2), clients, servers)
	source, destination := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	want := both(truth{
		Source: source, Destination: destination, Port: to.Port(), Started: 1, Completed: 1, SourcePayload: 10,
	})
	want[0].SourcePayload, want[0].TimedOut = 15, 1 // five of them into the void
	want[1].Reset = 1
	verify(t, r.finish(clients, servers), want...)
}

// Sockets older than the receiver: their past is not reported, their start is
// not known, everything else is.
func TestAdopted(t *testing.T) {
	for name, multipath := range map[string]bool{"plain listener": false, "multipath listener": true} {
		t.Run(name, func(t *testing.T) {
			ns := netns.New(t)
			var config net.ListenConfig
			config.SetMultipathTCP(multipath)
			var l net.Listener
			var old net.Conn
			ns.Do(t, func() (err error) {
				if l, err = config.Listen(t.Context(), "tcp", "127.0.0.1:0"); err != nil {
					return err
				}
				old, err = net.Dial("tcp", l.Addr().String())
				return err
			})
			defer l.Close()
			defer old.Close()
			accepted, err := l.Accept()
			require.NoError(t, err)
			defer accepted.Close()
			send(t, old, accepted, 1_000_000)

			r := start(t, nil)
			send(t, old, accepted, 300)
			send(t, accepted, old, 20)
			r.await("what came after", payloads(640), ns)
			var young net.Conn
			ns.Do(t, func() (err error) { young, err = net.Dial("tcp", l.Addr().String()); return err })
			fresh, err := l.Accept()
			require.NoError(t, err)
			send(t, young, fresh, 5000)
			for _, c := range []net.Conn{young, fresh, old, accepted} {
				c.Close()
			}
			r.await("all ends", ends(4), ns)
			verify(t, r.finish(ns), both(truth{
				Source: loopback4, Destination: loopback4, Port: netip.MustParseAddrPort(l.Addr().String()).Port(),
				Started: 1, Completed: 2, SourcePayload: 5300, DestinationPayload: 20,
			})...)
		})
	}
}

// process starts a child of the tests in ns and returns it with the address that
// it tells. It ends with the test, or when quit is called.
func process(tb testing.TB, ns *netns.NS, what, address string, more ...string) (cmd *exec.Cmd, told netip.AddrPort, quit func()) {
	tb.Helper()
	exe, err := os.Executable()
	require.NoError(tb, err)
	cmd = ns.Command(exe, append([]string{what, address}, more...)...)
	cmd.Env = append(os.Environ(), childEnv+"=1")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(tb, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(tb, err)
	require.NoError(tb, cmd.Start())
	quit = func() { stdin.Close(); _ = cmd.Wait() }
	tb.Cleanup(quit)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(tb, err)
	return cmd, netip.MustParseAddrPort(strings.TrimSpace(line)), quit
}

// A process that did not accept the connection ends it.
func TestForkAndAccept(t *testing.T) {
	ns := netns.New(t)
	r := start(t, nil)
	client, server, to := connect(t, ns, "tcp", "127.0.0.1:0")
	handed, err := server.File()
	require.NoError(t, err)
	worker := exec.Command("cat")
	worker.Stdin = handed
	require.NoError(t, worker.Start())
	handed.Close()
	server.Close()
	_, err = client.Write(make([]byte, 77))
	require.NoError(t, err)
	require.NoError(t, client.CloseWrite())
	require.NoError(t, worker.Wait())
	client.Close()
	r.await("both ends", ends(2), ns)
	flows := r.finish(ns)
	var last *flow.Flow
	for i := range flows {
		if flows[i].Reporter == flow.ReporterDestination && flows[i].Connections.Completed == 1 {
			last = &flows[i]
		}
	}
	require.NotNil(t, last, describe(flows))
	require.Equal(t, "cat", last.Process.Executable.String())
	require.Equal(t, uint32(worker.Process.Pid), last.Process.PID)
	require.Equal(t, to.Port(), last.Destination.Port)
}

// A process that is killed leaves its connections to the kernel.
func TestKilledProcess(t *testing.T) {
	ns := netns.New(t)
	r := start(t, nil)
	to := serve(t, ns, "127.0.0.1", 1)[0]
	client, _, _ := process(t, ns, "hold", to.String())
	r.await("the answer", payloads(2*requestBytes), ns)
	require.NoError(t, client.Process.Kill())
	r.await("both ends", ends(2), ns)
	flows := r.finish(ns)
	for i := range flows {
		require.Equal(t, me, flows[i].Source.Process.String())
		if flows[i].Reporter == flow.ReporterSource {
			require.Equal(t, uint32(client.Process.Pid), flows[i].Process.PID)
		}
	}
	sums := truths(t, flows)
	require.Len(t, sums, 2)
	for _, sum := range sums {
		require.Equal(t, [2]uint64{1, 1}, [2]uint64{sum.Started, sum.Completed})
		require.Equal(t, uint64(requestBytes), sum.SourcePayload)
	}
}

// The receiver's own process is left out, and the far ends of its connections
// know that nobody else reports them.
func TestExcludeSelf(t *testing.T) {
	ns := netns.New(t)
	own := serve(t, ns, "127.0.0.1", 1)[0] // adopted and left out
	r := start(t, func(c *Config) { c.ExcludeSelf = true })
	_, other, _ := process(t, ns, "serve", "127.0.0.1:0")
	ns.Do(t, func() error { _, err := ask(other); return err })
	_, _, quit := process(t, ns, "ask", own.String())
	quit()
	r.await("the ends in other processes", ends(2), ns)
	verify(t, r.finish(ns),
		truth{
			Reporter: flow.ReporterDestination, Source: loopback4, Destination: loopback4, Port: other.Port(), Action: flow.Allow, PeerUnseen: true,
			Started: 1, Completed: 1, SourcePayload: requestBytes, DestinationPayload: responseBytes, DestinationProcess: me,
		},
		truth{
			Reporter: flow.ReporterSource, Source: loopback4, Destination: loopback4, Port: own.Port(), Action: flow.Allow, PeerUnseen: true,
			Started: 1, Completed: 1, SourcePayload: requestBytes, DestinationPayload: responseBytes, SourceProcess: me, DestinationProcess: me,
		})
}

func TestFilters(t *testing.T) {
	ns := netns.New(t)
	ns.AddAddress(t, "198.51.100.1/32")
	loop := serve(t, ns, "127.0.0.1", 3)
	six := serve(t, ns, "::1", 1)[0]
	other := serve(t, ns, "198.51.100.1", 1)[0]
	all := []netip.AddrPort{loop[0], loop[1], loop[2], six, other}
	for name, test := range map[string]struct {
		configure func(*Config)
		want      []netip.AddrPort
	}{
		"exclude port":      {func(c *Config) { c.Exclude.Ports = []uint16{loop[0].Port()} }, all[1:]},
		"exclude addresses": {func(c *Config) { c.Exclude.Addresses = []string{"127.0.0.0/8", "::1"} }, all[4:]},
		"include addresses": {func(c *Config) { c.Include.Addresses = []string{"198.51.100.0/24"} }, all[4:]},
		"include a network, exclude a part of it": {func(c *Config) {
			c.Include.Addresses = []string{"0.0.0.0/0"}
			c.Exclude.Addresses = []string{"127.0.0.1"}
		}, all[4:]},
		"include ports and addresses": {func(c *Config) {
			c.Include.Addresses = []string{"127.0.0.0/8"}
			c.Include.Ports = []uint16{loop[1].Port(), other.Port()}
		}, loop[1:2]},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, test.configure)
			askMany(t, ns, all, 2*len(all), 1)
			r.await("what is not left out", ends(uint64(4*len(test.want))), ns)
			var want []truth
			for _, to := range test.want {
				want = append(want, both(truth{
					Source: to.Addr(), Destination: to.Addr(), Port: to.Port(), Started: 2, Completed: 2,
					SourcePayload: 2 * requestBytes, DestinationPayload: 2 * responseBytes,
				})...)
			}
			verify(t, r.finish(ns), want...)
		})
	}
}

// A socket that is disconnected and used again is two connections.
func TestReusedSocket(t *testing.T) {
	ns := netns.New(t)
	to := serve(t, ns, "127.0.0.1", 1)[0]
	r := start(t, nil)
	ns.Do(t, func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		for range 2 {
			if err := unix.Connect(fd, &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())}); err != nil {
				return err
			}
			if _, err := unix.Write(fd, make([]byte, requestBytes)); err != nil {
				return err
			}
			for n, got := 1, 0; n > 0; got += n {
				if n, err = unix.Read(fd, make([]byte, responseBytes)); err != nil {
					return err
				}
			}
			var unspecified unix.RawSockaddrInet4
			if _, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&unspecified)), unix.SizeofSockaddrInet4); errno != 0 {
				return errno
			}
		}
		return nil
	})
	r.await("all ends", ends(4), ns)
	sums := truths(t, r.finish(ns))
	require.Len(t, sums, 2)
	for _, sum := range sums {
		require.Equal(t, [2]uint64{2, 2}, [2]uint64{sum.Started, sum.Completed})
		require.Equal(t, [2]uint64{2 * requestBytes, 2 * responseBytes}, [2]uint64{sum.SourcePayload, sum.DestinationPayload})
	}
}
