//go:build linux

package flowlogreceiver

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/netns"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
)

// routed is a router between two namespaces. The receiver works in the router; to it
// the traffic of the others is that of machines elsewhere, for no engine but the
// forward engine is on.
type routed struct{ clients, router, servers *netns.NS }

const (
	client4, server4 = "192.0.2.1", "198.51.100.1"
	client6, server6 = "2001:db8:1::1", "2001:db8:2::1"
	// The router's own, towards both.
	inner4, outer4 = "192.0.2.254", "198.51.100.254"
	inner6, outer6 = "2001:db8:1::254", "2001:db8:2::254"
)

func newRouted(tb testing.TB) routed {
	tb.Helper()
	n := routed{netns.New(tb), netns.New(tb), netns.New(tb)}
	netns.ConnectAs(tb, n.clients, "eth0", []string{client4 + "/24", client6 + "/64"}, n.router, "inner", []string{inner4 + "/24", inner6 + "/64"})
	netns.ConnectAs(tb, n.servers, "eth0", []string{server4 + "/24", server6 + "/64"}, n.router, "outer", []string{outer4 + "/24", outer6 + "/64"})
	n.clients.AddDefaultRoute(tb, inner4)
	n.clients.AddDefaultRoute(tb, inner6)
	n.servers.AddDefaultRoute(tb, outer4)
	n.servers.AddDefaultRoute(tb, outer6)
	n.router.Sysctl(tb, "net/ipv4/ip_forward", "1")
	n.router.Sysctl(tb, "net/ipv6/conf/all/forwarding", "1")
	meet(tb, n.clients, n.servers, server4)
	meet(tb, n.clients, n.servers, server6)
	return n
}

// startForward runs a receiver in router with the forward engine alone, whose flows
// end soon.
func startForward(tb testing.TB, router *netns.NS, configure func(*Config)) *rig {
	tb.Helper()
	needEngine(tb, "forward")
	engines := probe.Engines()
	at := slices.IndexFunc(engines, func(e probe.Engine) bool { return e.Name == "forward" })
	open := engines[at].Open
	engines[at].Open = func(opts probe.Options) (probe.Source, error) {
		opts.Forward.NetNS = router.Path()
		return open(opts)
	}
	r := startWith(tb, engines, func(c *Config) {
		c.Engines.TCP.Enabled, c.Engines.Forward.Enabled = false, true
		c.Engines.Forward.Interfaces = []string{"*"}
		c.Engines.Forward.IdleTimeout = ForwardIdleTimeoutConfig{
			TCP: 2 * time.Second, UDP: 2 * time.Second, ICMP: 2 * time.Second, Other: 2 * time.Second,
		}
		c.Engines.Datagram.IdleTimeout = shortSilences
		if configure != nil {
			configure(c)
		}
	})
	time.Sleep(2100 * time.Millisecond) // what comes from now on is not older
	return r
}

// passed is the report of what went through a router.
func passed(d datagrams) datagrams {
	d.Reporter, d.PeerUnseen = flow.ReporterForward, true
	d.Transport = cmp.Or(d.Transport, flow.TransportUDP)
	return d
}

func TestForwardedDatagrams(t *testing.T) {
	const n, size = 300, 700
	net3 := newRouted(t)
	r := startForward(t, net3.router, nil)
	var want []datagrams
	for _, test := range []struct {
		client, server string
		headers        uint64
	}{{client4, server4, udp4}, {client6, server6, udp6}} {
		to := echo(t, net3.servers, net.JoinHostPort(test.server, "0"))
		require.NoError(t, exchange(dialUDP(t, net3.clients, to), n, size))
		want = append(want, passed(datagrams{
			Source: netip.MustParseAddr(test.client), Destination: netip.MustParseAddr(test.server), Port: to.Port(),
			Started: 1, Completed: 1, Sent: sizes(n, size, test.headers), Received: sizes(n, size, test.headers),
		}))
	}
	r.await("both ends", ends(2), net3.router)
	verifyDatagrams(t, r.finish(net3.clients, net3.router, net3.servers), want...)
	require.Empty(t, r.received().Losses)
}

// serve answers connections to that address of the servers: it takes so many bytes,
// gives so many, and closes.
func (n routed) serve(tb testing.TB, address string, up, down int) netip.AddrPort {
	tb.Helper()
	var l net.Listener
	n.servers.Do(tb, func() (err error) { l, err = net.Listen("tcp", net.JoinHostPort(address, "0")); return err })
	tb.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if _, err := io.CopyN(io.Discard, c, int64(up)); err != nil {
					return
				}
				_, _ = c.Write(make([]byte, down))
			}()
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String())
}

// ask makes n connections from clients to what serve serves, one after the other.
func (n routed) ask(tb testing.TB, address string, connections, up, down int) {
	tb.Helper()
	for range connections {
		c := n.dial(tb, address)
		_, err := c.Write(make([]byte, up))
		require.NoError(tb, err)
		got, err := io.Copy(io.Discard, c)
		require.NoError(tb, err)
		require.Equal(tb, int64(down), got)
		require.NoError(tb, c.Close())
	}
}

// dial connects from clients.
func (n routed) dial(tb testing.TB, address string) *net.TCPConn {
	tb.Helper()
	var c net.Conn
	n.clients.Do(tb, func() (err error) { c, err = net.Dial("tcp", address); return err })
	return c.(*net.TCPConn)
}

// passedTCP is the report of connections; the packets of short ones are not alike, for
// acknowledgements may be on their own.
func passedTCP(from, to string, port uint16, t truth) truth {
	t.Reporter, t.Action, t.PeerUnseen = flow.ReporterForward, flow.Allow, true
	t.Source, t.Destination, t.Port = netip.MustParseAddr(from), netip.MustParseAddr(to), port
	return t
}

func TestForwardedConnections(t *testing.T) {
	const n, up, down = 200, 3000, 70_000
	net3 := newRouted(t)
	r := startForward(t, net3.router, nil)
	var want []truth
	for _, ends := range [][2]string{{client4, server4}, {client6, server6}} {
		to := net3.serve(t, ends[1], up, down)
		net3.ask(t, to.String(), n, up, down)
		want = append(want, passedTCP(ends[0], ends[1], to.Port(), truth{
			Started: n, Completed: n, SourcePayload: n * up, DestinationPayload: n * down,
		}))
	}
	r.await("every end", ends(2*n), net3.router)
	verify(t, r.finish(net3.clients, net3.router, net3.servers), want...)
	require.Empty(t, r.received().Losses)
}

// Batches count as what they are on the wire: as many packets as the sockets at the
// ends count segments.
func TestAForwardedStreamIsCountedByThePacket(t *testing.T) {
	const size, synHeaders, headers = 20 << 20, 60, 52
	net3 := newRouted(t)
	r := startForward(t, net3.router, nil)
	var l net.Listener
	net3.servers.Do(t, func() (err error) { l, err = net.Listen("tcp", net.JoinHostPort(server4, "0")); return err })
	defer l.Close()
	served := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			_, err = io.CopyN(io.Discard, c, size)
		}
		if err == nil {
			_, err = c.Write([]byte{1})
		}
		served <- err
	}()
	c := net3.dial(t, l.Addr().String())
	defer c.Close()
	_, err := c.Write(make([]byte, size))
	require.NoError(t, err)
	_, err = io.ReadFull(c, make([]byte, 1))
	require.NoError(t, err)
	require.NoError(t, <-served)
	time.Sleep(300 * time.Millisecond) // for the last acknowledgement, which may be late
	var info *unix.TCPInfo
	raw, err := c.SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Control(func(fd uintptr) { info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) }))
	require.NoError(t, err)
	if info.Total_retrans > 0 {
		t.Skip("the machine is too busy: something was sent again")
	}
	sum := func(flows []flow.Flow) (sent, received side) {
		for i := range flows {
			sent.Packets, received.Packets = sent.Packets+flows[i].Source.Packets, received.Packets+flows[i].Destination.Packets
			sent.Bytes, received.Bytes = sent.Bytes+flows[i].Source.Bytes, received.Bytes+flows[i].Destination.Bytes
			sent.Payload, received.Payload = sent.Payload+flows[i].Source.PayloadBytes, received.Payload+flows[i].Destination.PayloadBytes
		}
		return sent, received
	}
	out, in := uint64(info.Segs_out), uint64(info.Segs_in)
	flows := r.await("all that was sent", func(flows []flow.Flow) bool {
		sent, received := sum(flows)
		return sent.Packets >= out && received.Packets >= in
	}, net3.router)
	sent, received := sum(flows)
	require.Equal(t, side{Packets: out, Bytes: size + synHeaders + (out-1)*headers, Payload: size}, sent)
	// What comes out of order is acknowledged with an option more (SACK).
	sacks := received.Bytes - (1 + synHeaders + (in-1)*headers)
	require.Equal(t, side{Packets: in, Bytes: 1 + synHeaders + (in-1)*headers + sacks, Payload: 1}, received)
	require.Zero(t, sacks%4)
	require.Less(t, sacks, in*40)
	require.Greater(t, out, uint64(size/1500), "wire packets, not batches")
}

func TestForwardedPings(t *testing.T) {
	const n, size = 5, 56
	net3 := newRouted(t)
	r := startForward(t, net3.router, nil)
	var want []datagrams
	for _, test := range []struct {
		network, from, to string
		request           icmp.Type
		want              datagrams
		headers           uint64
	}{
		{"ip4:icmp", client4, server4, ipv4.ICMPTypeEcho, datagrams{Transport: flow.TransportICMP, ICMP: flow.ICMP{Type: 8}}, 28},
		{"ip6:ipv6-icmp", client6, server6, ipv6.ICMPTypeEchoRequest, datagrams{Transport: flow.TransportICMPv6, ICMP: flow.ICMP{Type: 128}}, 48},
	} {
		pingAll(t, net3.clients, test.network, test.from, test.to, test.request, n, size)
		d := passed(test.want)
		d.Source, d.Destination = netip.MustParseAddr(test.from), netip.MustParseAddr(test.to)
		d.Started, d.Completed = 1, 1
		d.Sent, d.Received = sizes(n, size, test.headers), sizes(n, size, test.headers)
		want = append(want, d)
	}
	r.await("both ends", ends(2), net3.router)
	verifyDatagrams(t, r.finish(net3.clients, net3.router, net3.servers), want...)
}

// A fragment has no ports but those of the first one. Each is a packet.
func TestForwardedFragments(t *testing.T) {
	const n, size = 3, 9000
	net3 := newRouted(t)
	r := startForward(t, net3.router, nil)
	var want []datagrams
	for _, test := range []struct {
		client, server    string
		fragment, headers uint64
	}{{client4, server4, 1480, 20}, {client6, server6, 1448, 40 + 8}} {
		to := echo(t, net3.servers, net.JoinHostPort(test.server, "0"))
		require.NoError(t, exchange(dialUDP(t, net3.clients, to), n, size))
		fragments := (size + 8 + test.fragment - 1) / test.fragment
		each := side{Packets: n * fragments, Bytes: n * (size + 8 + fragments*test.headers), Payload: n * size}
		want = append(want, passed(datagrams{
			Source: netip.MustParseAddr(test.client), Destination: netip.MustParseAddr(test.server), Port: to.Port(),
			Started: 1, Completed: 1, Sent: each, Received: each,
		}))
	}
	r.await("both ends", ends(2), net3.router)
	verifyDatagrams(t, r.finish(net3.clients, net3.router, net3.servers), want...)
}

// extensionHeaders are what may lie between the header of IP and UDP's.
var extensionHeaders = []struct {
	network string
	header  []byte
}{
	{"ip4:51", slices.Concat([]byte{17, 4}, make([]byte, 22))},
	{"ip6:51", slices.Concat([]byte{17, 4}, make([]byte, 22))},
	{"ip6:60", []byte{17, 0, 1, 4, 0, 0, 0, 0}},
	{"ip6:60", slices.Concat([]byte{60, 0, 1, 4, 0, 0, 0, 0}, []byte{17, 1, 1, 12}, make([]byte, 12))},
}

// sendBehind sends n datagrams with size bytes behind an extension header.
func sendBehind(tb testing.TB, ns *netns.NS, network string, header []byte, from, to netip.Addr, port uint16, n int, size byte) {
	tb.Helper()
	udp := slices.Concat([]byte{0x9c, 0x40, byte(port >> 8), byte(port), 0, 8 + size, 0, 0}, make([]byte, size))
	ns.Do(tb, func() error {
		c, err := net.ListenPacket(network, from.String())
		if err != nil {
			return err
		}
		for range n {
			_, sent := c.WriteTo(slices.Concat(header, udp), &net.IPAddr{IP: to.AsSlice()})
			err = errors.Join(err, sent)
		}
		return errors.Join(err, c.Close())
	})
}

// What lies between the header and the transport does not hide it.
func TestForwardedExtensionHeaders(t *testing.T) {
	const n, size = 4, 100
	net3 := newRouted(t)
	r := startForward(t, net3.router, nil)
	var want []datagrams
	for i, test := range extensionHeaders {
		from, to, headers := client4, server4, 20
		if strings.HasPrefix(test.network, "ip6") {
			from, to, headers = client6, server6, 40
		}
		source, destination, port := netip.MustParseAddr(from), netip.MustParseAddr(to), uint16(i+1)
		sendBehind(t, net3.clients, test.network, test.header, source, destination, port, n, size)
		want = append(want, passed(datagrams{
			Source: source, Destination: destination, Port: port,
			Started: 1, Completed: 1, Sent: sizes(n, size, uint64(headers+len(test.header)+8)),
		}))
	}
	isUDP := func(flows []flow.Flow) (mine []flow.Flow) { // and not what the server has to say to it
		for _, f := range flows {
			if f.Transport == flow.TransportUDP {
				mine = append(mine, f)
			}
		}
		return mine
	}
	r.await("every end", func(flows []flow.Flow) bool { return ends(uint64(len(want)))(isUDP(flows)) }, net3.router)
	verifyDatagrams(t, isUDP(r.finish(net3.clients, net3.router, net3.servers)), want...)
}

// What a socket of this machine reports is told by it alone, in whichever namespace it
// is, and so is a connect that nobody answers.
func TestNothingIsToldTwice(t *testing.T) {
	const n = 20
	for _, engine := range []string{"tcp", "datagram"} {
		needEngine(t, engine)
	}
	net3 := newRouted(t)
	r := startForward(t, net3.router, func(c *Config) { c.Engines.TCP.Enabled, c.Engines.Datagram.Enabled = true, true })
	for _, address := range []string{server4, server6} {
		net3.ask(t, net3.serve(t, address, 300, 100_000).String(), n, 300, 100_000)
	}
	to := echo(t, net3.servers, net.JoinHostPort(server4, "0"))
	require.NoError(t, exchange(dialUDP(t, net3.clients, to), n, 9000))
	pingAll(t, net3.clients, "ip4:icmp", client4, server4, ipv4.ICMPTypeEcho, 3, 56)
	net3.clients.Do(t, func() error {
		_, err := net.Dial("tcp", net.JoinHostPort(server4, "9"))
		require.ErrorIs(t, err, unix.ECONNREFUSED)
		return nil
	})
	all := []*netns.NS{net3.clients, net3.router, net3.servers}
	r.await("both ends", ends(2*2*n+2+2+1), all...)
	time.Sleep(6 * time.Second) // what else there is to say about it would have come
	forwardedFlows(t, r.finish(all...), 0)
}

// forwardedFlows fails unless so many records are of the forward engine.
func forwardedFlows(tb testing.TB, flows []flow.Flow, want int) {
	tb.Helper()
	var forwarded []flow.Flow
	for _, f := range flows {
		if f.Reporter == flow.ReporterForward {
			forwarded = append(forwarded, f)
		}
	}
	require.Len(tb, forwarded, want, describe(forwarded))
}

// translate has the router answer for a service at 203.0.113.80:80, which the server
// gives, and hide the clients behind its own address.
func (n routed) translate(tb testing.TB, port uint16) {
	tb.Helper()
	rules := fmt.Sprintf(`table ip nat {
	chain in { type nat hook prerouting priority dstnat; ip daddr 203.0.113.80 tcp dport 80 dnat to %s:%d; }
	chain out { type nat hook postrouting priority srcnat; oifname outer masquerade; }
}`, server4, port)
	nft(tb, n.router, rules)
}

// A translated flow is one, between the ends that it really has; a socket at either
// end is known by the addresses that it sees.
func TestForwardedAndTranslated(t *testing.T) {
	for name, sockets := range map[string]bool{"alone": false, "beside the sockets": true} {
		t.Run(name, func(t *testing.T) {
			const n, up, down = 10, 200, 5000
			net3 := newRouted(t)
			l := net3.serve(t, server4, up, down)
			net3.translate(t, l.Port())
			r := startForward(t, net3.router, func(c *Config) { c.Engines.TCP.Enabled = sockets })
			net3.ask(t, "203.0.113.80:80", n, up, down)
			all := []*netns.NS{net3.clients, net3.router, net3.servers}
			if sockets {
				r.await("both ends", ends(2*n), all...)
				time.Sleep(5 * time.Second)
				forwardedFlows(t, r.finish(all...), 0)
				return
			}
			r.await("every end", ends(n), net3.router)
			flows := r.finish(all...)
			verify(t, flows, passedTCP(client4, server4, l.Port(), truth{
				Started: n, Completed: n, SourcePayload: n * up, DestinationPayload: n * down,
			}))
			for _, f := range flows {
				require.Equal(t, "203.0.113.80", f.Destination.OriginalAddress.String())
				require.Equal(t, uint16(80), f.Destination.OriginalPort)
			}
		})
	}
}

// What the router refuses did not pass.
func TestWhatIsDroppedWasNotForwarded(t *testing.T) {
	net3 := newRouted(t)
	to := echo(t, net3.servers, net.JoinHostPort(server4, "0"))
	nft(t, net3.router, fmt.Sprintf("table ip filter { chain forward { type filter hook forward priority 0; udp dport %d drop; }; }", to.Port()))
	r := startForward(t, net3.router, nil)
	c := dialUDP(t, net3.clients, to)
	for range 5 {
		_, err := c.Write([]byte("nobody hears"))
		require.NoError(t, err)
	}
	passes := echo(t, net3.servers, net.JoinHostPort(server4, "0"))
	require.NoError(t, exchange(dialUDP(t, net3.clients, passes), 1, 10))
	r.await("the end", ends(1), net3.router)
	verifyDatagrams(t, r.finish(net3.clients, net3.router, net3.servers), passed(datagrams{
		Source: netip.MustParseAddr(client4), Destination: netip.MustParseAddr(server4), Port: passes.Port(),
		Started: 1, Completed: 1, Sent: sizes(1, 10, udp4), Received: sizes(1, 10, udp4),
	}))
}

// How a connection ends: by a reset, by silence, never answered; and the next one
// between the same ports is another.
func TestEndsOfForwardedConnections(t *testing.T) {
	net3 := newRouted(t)
	nft(t, net3.servers, "table ip filter { chain input { type filter hook input priority 0; tcp dport 81 drop; }; }")
	r := startForward(t, net3.router, nil)
	to := net3.serve(t, server4, 10, 10).Port()
	address := net.JoinHostPort(server4, strconv.Itoa(int(to)))

	reset := net3.dial(t, address)
	_, err := reset.Write(make([]byte, 7))
	require.NoError(t, err)
	require.NoError(t, reset.SetLinger(0))
	require.NoError(t, reset.Close())

	silent := net3.dial(t, address)
	defer silent.Close()

	refused := net.JoinHostPort(server4, "9")
	net3.clients.Do(t, func() error { _, err := net.Dial("tcp", refused); require.Error(t, err); return nil })

	for range 3 {
		net3.clients.Do(t, func() error {
			c, err := net.DialTCP("tcp", &net.TCPAddr{IP: net.ParseIP(client4), Port: 20_000}, &net.TCPAddr{IP: net.ParseIP(server4), Port: int(to)})
			if err != nil {
				return err
			}
			return errors.Join(c.SetLinger(0), c.Close())
		})
	}

	net3.clients.Do(t, func() error {
		_, err := (&net.Dialer{Timeout: 100 * time.Millisecond}).Dial("tcp", net.JoinHostPort(server4, "81"))
		require.Error(t, err)
		return nil
	})
	r.await("every end", ends(7), net3.router)
	verify(t, r.finish(net3.clients, net3.router, net3.servers),
		passedTCP(client4, server4, to, truth{Started: 5, Completed: 5, Reset: 4, SourcePayload: 7}),
		passedTCP(client4, server4, 9, truth{Started: 1, Completed: 1, Reset: 1}),
		passedTCP(client4, server4, 81, truth{Started: 1, Completed: 1, TimedOut: 1}),
	)
}
