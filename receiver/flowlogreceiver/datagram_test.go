//go:build linux

package flowlogreceiver

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/netns"
)

// datagrams is what all records of a test must add up to for one pair of ends as
// one of them reports it. Tests declare all; any other record fails them.
type datagrams struct {
	Reporter            flow.Reporter
	Transport           flow.Transport
	ICMP                flow.ICMP
	Source, Destination netip.Addr
	Port                uint16
	PeerUnseen          bool

	Started, Completed uint64
	// Sent and Received are the source's and the destination's.
	Sent, Received side

	SourceProcess, DestinationProcess string
}

type side struct{ Packets, Bytes, Payload uint64 }

// sizes is what n datagrams of that payload come to, with headers of that size.
func sizes(n, payload, headers uint64) side {
	return side{Packets: n, Bytes: n * (payload + headers), Payload: n * payload}
}

const (
	udp4 = 20 + 8 // headers
	udp6 = 40 + 8
)

// bothDatagrams returns the two reports of flows on this machine.
func bothDatagrams(d datagrams) []datagrams {
	d.Transport = cmp.Or(d.Transport, flow.TransportUDP)
	d.SourceProcess, d.DestinationProcess = cmp.Or(d.SourceProcess, me), cmp.Or(d.DestinationProcess, me)
	d.Reporter = flow.ReporterSource
	other := d
	other.Reporter = flow.ReporterDestination
	return []datagrams{d, other}
}

// verifyDatagrams fails unless flows add up to exactly want.
func verifyDatagrams(tb testing.TB, flows []flow.Flow, want ...datagrams) {
	tb.Helper()
	sums := make(map[datagrams]datagrams)
	for i := range flows {
		f := &flows[i]
		if f.Connections.Seen != f.Connections.Completed+f.Connections.Open {
			tb.Errorf("seen is not completed and open: %s", describe(flows[i:i+1]))
		}
		key := datagrams{
			Reporter: f.Reporter, Transport: f.Transport, ICMP: f.ICMP, Source: f.Source.Address, Destination: f.Destination.Address,
			Port: f.Destination.Port, SourceProcess: f.Source.Process.String(),
		}
		// Nobody sees a datagram server come, so the source's first record may be
		// older than what is known of it.
		early := f.Reporter == flow.ReporterSource && !f.PeerObserved
		if f.Reporter == flow.ReporterDestination {
			key.PeerUnseen, key.DestinationProcess = !f.PeerObserved, f.Destination.Process.String()
		}
		sum, ok := sums[key]
		if !ok {
			sum = key
			sum.PeerUnseen = !f.PeerObserved
		}
		if !early {
			sum.PeerUnseen, sum.DestinationProcess = !f.PeerObserved, f.Destination.Process.String()
		}
		sum.Started += f.Connections.Started
		sum.Completed += f.Connections.Completed
		for _, add := range []struct {
			to   *side
			from *flow.Endpoint
		}{{&sum.Sent, &f.Source}, {&sum.Received, &f.Destination}} {
			add.to.Packets += add.from.Packets
			add.to.Bytes += add.from.Bytes
			add.to.Payload += add.from.PayloadBytes
		}
		sums[key] = sum
	}
	var got []datagrams
	for _, sum := range sums {
		got = append(got, sum)
	}
	requireSums(tb, flows, want, got)
}

// shortSilences let a test see the end of a flow.
var shortSilences = IdleTimeoutConfig{UDP: 2 * time.Second, ICMP: 2 * time.Second, Other: 2 * time.Second}

func datagramOnly(c *Config) {
	c.Engines.TCP.Enabled, c.Engines.Datagram.Enabled = false, true
	c.Engines.Datagram.IdleTimeout = shortSilences
}

// startDatagram runs a receiver with the datagram engine alone, whose flows end
// soon.
func startDatagram(tb testing.TB, configure func(*Config)) *rig {
	tb.Helper()
	needEngine(tb, "datagram")
	return start(tb, func(c *Config) {
		datagramOnly(c)
		if configure != nil {
			configure(c)
		}
	})
}

// echo answers each datagram to an unconnected socket in ns with the same bytes.
func echo(tb testing.TB, ns *netns.NS, address string) netip.AddrPort {
	tb.Helper()
	var c net.PacketConn
	ns.Do(tb, func() (err error) {
		c, err = net.ListenPacket("udp", address)
		return err
	})
	tb.Cleanup(func() { c.Close() })
	go echoAll(c)
	return netip.MustParseAddrPort(c.LocalAddr().String())
}

// echoAll sends back what comes until c is closed.
func echoAll(c net.PacketConn) {
	buffer := make([]byte, 65536)
	for {
		n, from, err := c.ReadFrom(buffer)
		if err != nil {
			return
		}
		_, _ = c.WriteTo(buffer[:n], from)
	}
}

func dialUDP(tb testing.TB, ns *netns.NS, to netip.AddrPort) net.Conn {
	tb.Helper()
	var c net.Conn
	ns.Do(tb, func() (err error) {
		c, err = net.Dial("udp", to.String())
		return err
	})
	tb.Cleanup(func() { c.Close() })
	return c
}

// exchange sends n datagrams one after the other and waits for each to come back.
func exchange(c net.Conn, n, size int) error {
	buffer := make([]byte, size+1)
	for range n {
		if _, err := c.Write(buffer[:size]); err != nil {
			return err
		}
		if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			return err
		}
		if got, err := c.Read(buffer); err != nil || got != size {
			return fmt.Errorf("answer of %d bytes, want %d: %w", got, size, err)
		}
	}
	return nil
}

// meet makes neighbours of two namespaces, so that the first packet of a test is
// not held back until they are.
func meet(tb testing.TB, clients, servers *netns.NS, address string) {
	tb.Helper()
	require.NoError(tb, exchange(dialUDP(tb, clients, echo(tb, servers, net.JoinHostPort(address, "0"))), 1, 1))
}

func TestDatagrams(t *testing.T) {
	for name, test := range map[string]struct {
		client, server, bits string
		headers              uint64
	}{
		"ipv4": {"192.0.2.1", "192.0.2.2", "/24", udp4},
		"ipv6": {"2001:db8::1", "2001:db8::2", "/64", udp6},
	} {
		t.Run(name, func(t *testing.T) {
			const n, size = 300, 700
			clients, servers := netns.New(t), netns.New(t)
			netns.Connect(t, clients, []string{test.client + test.bits}, servers, []string{test.server + test.bits})
			meet(t, clients, servers, test.server)
			r := startDatagram(t, nil)
			to := echo(t, servers, net.JoinHostPort(test.server, "0"))
			require.NoError(t, exchange(dialUDP(t, clients, to), n, size))
			r.await("both ends", ends(2), clients, servers)
			flows := r.finish(clients, servers)
			verifyDatagrams(t, flows, bothDatagrams(datagrams{
				Source: netip.MustParseAddr(test.client), Destination: netip.MustParseAddr(test.server), Port: to.Port(),
				Started: 1, Completed: 1, Sent: sizes(n, size, test.headers), Received: sizes(n, size, test.headers),
			})...)
			require.Empty(t, r.received().Losses)
			for _, f := range flows {
				require.Equal(t, uint32(os.Getpid()), f.Process.PID)
				require.Equal(t, flow.EndpointHost, f.Source.Type)
				require.LessOrEqual(t, f.Start, f.End)
				require.WithinDuration(t, time.Now(), time.Unix(0, f.End), time.Minute)
			}
		})
	}
}

// exchangeMany asks to from n ports, 10000 and up.
func exchangeMany(tb testing.TB, ns *netns.NS, to netip.AddrPort, n, size int) {
	tb.Helper()
	err := ns.Try(func() error {
		for i := range n {
			c, err := net.DialUDP("udp", &net.UDPAddr{Port: 10_000 + i}, net.UDPAddrFromAddrPort(to))
			if err != nil {
				return err
			}
			if err := errors.Join(exchange(c, 1, size), c.Close()); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(tb, err)
}

// One unconnected socket talks to many peers, each of which is a flow.
func TestDatagramsWithManyPeers(t *testing.T) {
	for name, merge := range map[string]bool{"merged": true, "a record each": false} {
		t.Run(name, func(t *testing.T) {
			const n, size = 2000, 100
			ns := netns.New(t)
			r := startDatagram(t, func(c *Config) { c.MergeSourcePorts = merge })
			to := echo(t, ns, "127.0.0.1:5300")
			exchangeMany(t, ns, to, n, size)
			r.await("both ends of all", ends(2*n), ns)
			verifyDatagrams(t, r.finish(ns), bothDatagrams(datagrams{
				Source: loopback4, Destination: loopback4, Port: to.Port(),
				Started: n, Completed: n, Sent: sizes(n, size, udp4), Received: sizes(n, size, udp4),
			})...)
			require.Empty(t, r.received().Losses)
		})
	}
}

func packetsOf(flows []flow.Flow) (sum uint64) {
	for i := range flows {
		sum += flows[i].Source.Packets + flows[i].Destination.Packets
	}
	return sum
}

// lostPackets is what the receiver has counted as lost. Losses are the machine's, so
// that of others may be among them.
func (r *rig) lostPackets() (sum uint64) {
	r.tb.Helper()
	for _, l := range r.received().Losses {
		require.Equal(r.tb, flow.UnitPackets, l.Unit)
		sum += l.Count
	}
	return sum
}

// The kernel has room for 1000 flows, and as many again are counted on the way
// around. What finds no room there is counted without an end: no packet is missing.
func TestDatagramsWithoutRoom(t *testing.T) {
	const room, size = 1000, 100
	for name, n := range map[string]uint64{"on the way around": 900, "without an end": 2000} {
		t.Run(name, func(t *testing.T) {
			ns := netns.New(t)
			r := startDatagram(t, func(c *Config) { c.Engines.Datagram.MaxFlows = room })
			to := echo(t, ns, "127.0.0.1:5300")
			exchangeMany(t, ns, to, int(n), size)
			// Each datagram leaves one end and arrives at the other.
			r.await("every packet", func(flows []flow.Flow) bool { return packetsOf(flows)+r.lostPackets() >= 4*n }, ns)
			told := packetsOf(r.finish(ns))
			t.Logf("%d of %d packets told, %d lost", told, 4*n, r.lostPackets())
			require.Equal(t, 4*n, told+r.lostPackets())
			require.Zero(t, r.lostPackets())
		})
	}
}

// A flow is its ends until it is idle; what comes after is another.
func TestAnIdleFlowEnds(t *testing.T) {
	ns := netns.New(t)
	r := startDatagram(t, nil)
	to := echo(t, ns, "127.0.0.1:0")
	c := dialUDP(t, ns, to)
	require.NoError(t, exchange(c, 3, 10))
	r.await("the end", ends(2), ns)
	require.NoError(t, exchange(c, 4, 10))
	r.await("the end of the second", ends(4), ns)
	verifyDatagrams(t, r.finish(ns), bothDatagrams(datagrams{
		Source: loopback4, Destination: loopback4, Port: to.Port(),
		Started: 2, Completed: 2, Sent: sizes(7, 10, udp4), Received: sizes(7, 10, udp4),
	})...)
}

// A flow that goes on for many intervals is told in each, and open until it ends.
func TestALongFlow(t *testing.T) {
	const n = 40
	ns := netns.New(t)
	r := startDatagram(t, nil)
	to := echo(t, ns, "[::1]:0")
	c := dialUDP(t, ns, to)
	for range n {
		require.NoError(t, exchange(c, 1, 500))
		time.Sleep(50 * time.Millisecond)
	}
	flows := r.finish(ns)
	require.Greater(t, len(flows), 8)
	verifyDatagrams(t, flows, bothDatagrams(datagrams{
		Source: loopback6, Destination: loopback6, Port: to.Port(),
		Started: 1, Sent: sizes(n, 500, udp6), Received: sizes(n, 500, udp6),
	})...)
}

// Traffic as fast as it goes, without answers: nothing is lost, and what the
// receiving socket has no room for has arrived at its door all the same.
func TestDatagramsAtFullRate(t *testing.T) {
	const n, size = 200_000, 64
	ns := netns.New(t)
	var sink net.PacketConn
	r := startDatagram(t, nil)
	ns.Do(t, func() (err error) { sink, err = net.ListenPacket("udp", "127.0.0.1:0"); return err })
	defer sink.Close()
	to := netip.MustParseAddrPort(sink.LocalAddr().String())
	c := dialUDP(t, ns, to)
	payload := make([]byte, size)
	for range n {
		_, err := c.Write(payload)
		require.NoError(t, err)
	}
	r.await("both ends", ends(2), ns)
	verifyDatagrams(t, r.finish(ns), bothDatagrams(datagrams{
		Source: loopback4, Destination: loopback4, Port: to.Port(),
		Started: 1, Completed: 1, Sent: sizes(n, size, udp4),
	})...)
}

// A batch that the kernel cuts counts as the datagrams that it becomes, and a
// datagram that is cut into fragments as the one that it was.
func TestBatchesAndFragments(t *testing.T) {
	const segments, segment, large = 10, 1000, 9000
	clients, servers := netns.New(t), netns.New(t)
	netns.Connect(t, clients, []string{"192.0.2.1/24"}, servers, []string{"192.0.2.2/24"})
	r := startDatagram(t, nil)
	var sink net.PacketConn
	servers.Do(t, func() (err error) { sink, err = net.ListenPacket("udp", "192.0.2.2:0"); return err })
	defer sink.Close()
	to := netip.MustParseAddrPort(sink.LocalAddr().String())
	c := dialUDP(t, clients, to).(*net.UDPConn)
	_, err := c.Write(make([]byte, large))
	require.NoError(t, err)
	raw, err := c.SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_UDP, unix.UDP_SEGMENT, segment)
	}))
	if err != nil {
		t.Skipf("the kernel does not cut batches: %v", err)
	}
	_, err = c.Write(make([]byte, segments*segment))
	require.NoError(t, err)
	r.await("both ends", ends(2), clients, servers)
	sent := sizes(segments, segment, udp4)
	sent.Packets++
	sent.Bytes += large + udp4
	sent.Payload += large
	verifyDatagrams(t, r.finish(clients, servers), bothDatagrams(datagrams{
		Source: netip.MustParseAddr("192.0.2.1"), Destination: netip.MustParseAddr("192.0.2.2"), Port: to.Port(),
		Started: 1, Completed: 1, Sent: sent,
	})...)
}

// pingAll sends n echo requests one after the other and waits for each answer.
func pingAll(tb testing.TB, ns *netns.NS, network, from, to string, request icmp.Type, n, size int) {
	tb.Helper()
	var c *icmp.PacketConn
	ns.Do(tb, func() (err error) { c, err = icmp.ListenPacket(network, from); return err })
	defer c.Close()
	message, err := (&icmp.Message{Type: request, Body: &icmp.Echo{ID: 1, Data: make([]byte, size)}}).Marshal(nil)
	require.NoError(tb, err)
	buffer := make([]byte, 1500)
	for range n {
		_, err = c.WriteTo(message, &net.IPAddr{IP: net.ParseIP(to)})
		require.NoError(tb, err)
		require.NoError(tb, c.SetReadDeadline(time.Now().Add(20*time.Second)))
		for answered := false; !answered; {
			got, _, err := c.ReadFrom(buffer)
			require.NoError(tb, err)
			parsed, err := icmp.ParseMessage(request.Protocol(), buffer[:got])
			require.NoError(tb, err)
			_, answered = parsed.Body.(*icmp.Echo)
		}
	}
}

// The kernel answers pings itself: no socket gets the request, and the answer
// goes out by a socket that no process holds.
func TestPing(t *testing.T) {
	for name, test := range map[string]struct {
		network, listen, to string
		request             icmp.Type
		want                datagrams
	}{
		"ipv4": {"ip4:icmp", "192.0.2.1", "192.0.2.2", ipv4.ICMPTypeEcho, datagrams{Transport: flow.TransportICMP, ICMP: flow.ICMP{Type: 8}}},
		"ipv6": {"ip6:ipv6-icmp", "2001:db8::1", "2001:db8::2", ipv6.ICMPTypeEchoRequest, datagrams{Transport: flow.TransportICMPv6, ICMP: flow.ICMP{Type: 128}}},
	} {
		t.Run(name, func(t *testing.T) {
			const n, size = 5, 56
			clients, servers := netns.New(t), netns.New(t)
			netns.Connect(t, clients, []string{"192.0.2.1/24", "2001:db8::1/64"}, servers, []string{"192.0.2.2/24", "2001:db8::2/64"})
			meet(t, clients, servers, test.to)
			r := startDatagram(t, nil)
			pingAll(t, clients, test.network, test.listen, test.to, test.request, n, size)
			r.await("both ends", ends(2), clients, servers)
			headers := uint64(20 + 8)
			if test.want.Transport == flow.TransportICMPv6 {
				headers = 40 + 8
			}
			client := test.want
			client.Reporter = flow.ReporterSource
			client.Source, client.Destination = netip.MustParseAddr(test.listen), netip.MustParseAddr(test.to)
			client.Started, client.Completed = 1, 1
			server := client
			server.Reporter = flow.ReporterDestination
			client.SourceProcess, server.SourceProcess = me, me
			client.Sent = sizes(n, size, headers)
			client.Received, server.Received = client.Sent, client.Sent
			verifyDatagrams(t, r.finish(clients, servers), client, server)
		})
	}
}

// A protocol that has no ports and no name is its number.
func TestOtherProtocols(t *testing.T) {
	const n, size, experimental = 7, 40, 253
	ns := netns.New(t)
	r := startDatagram(t, nil)
	var sink net.PacketConn
	var c net.Conn
	ns.Do(t, func() (err error) {
		if sink, err = net.ListenPacket("ip4:253", "127.0.0.3"); err != nil {
			return err
		}
		c, err = net.Dial("ip4:253", "127.0.0.3")
		return err
	})
	defer sink.Close()
	defer c.Close()
	for range n {
		_, err := c.Write(make([]byte, size))
		require.NoError(t, err)
	}
	r.await("both ends", ends(2), ns)
	verifyDatagrams(t, r.finish(ns), bothDatagrams(datagrams{
		Transport: experimental, Source: loopback4, Destination: netip.MustParseAddr("127.0.0.3"),
		Started: 1, Completed: 1, Sent: sizes(n, size, 20),
	})...)
}

// What only keeps the link up is not traffic.
func TestLinkUpkeepIsLeftOut(t *testing.T) {
	clients, servers := netns.New(t), netns.New(t)
	// Longer than neighbours may take to find each other on a new link.
	r := startDatagram(t, func(c *Config) { c.Engines.Datagram.IdleTimeout.UDP = 5 * time.Second })
	// Joining brings reports of groups, meeting brings neighbour discovery.
	netns.Connect(t, clients, []string{"192.0.2.1/24", "2001:db8::1/64"}, servers, []string{"192.0.2.2/24", "2001:db8::2/64"})
	to := echo(t, servers, "[2001:db8::2]:5300")
	require.NoError(t, exchange(dialUDP(t, clients, to), 1, 10))
	clients.Do(t, func() error {
		c, err := net.Dial("ip4:igmp", "192.0.2.2")
		if err != nil {
			return err
		}
		_, err = c.Write(make([]byte, 8))
		return errors.Join(err, c.Close())
	})
	r.await("both ends", ends(2), clients, servers)
	verifyDatagrams(t, r.finish(clients, servers), bothDatagrams(datagrams{
		Source: netip.MustParseAddr("2001:db8::1"), Destination: netip.MustParseAddr("2001:db8::2"), Port: to.Port(),
		Started: 1, Completed: 1, Sent: sizes(1, 10, udp6), Received: sizes(1, 10, udp6),
	})...)
}

// Flows that are older than the receiver were not started, and keep their
// direction.
func TestDatagramsOlderThanTheReceiver(t *testing.T) {
	ns := netns.New(t)
	to := echo(t, ns, "127.0.0.1:5300")
	c := dialUDP(t, ns, to)
	require.NoError(t, exchange(c, 9, 20))
	r := startDatagram(t, nil)
	// The first that is seen of it is an answer to nothing.
	require.NoError(t, exchange(c, 2, 20))
	r.await("both ends", ends(2), ns)
	verifyDatagrams(t, r.finish(ns), bothDatagrams(datagrams{
		Source: loopback4, Destination: loopback4, Port: to.Port(),
		Completed: 1, Sent: sizes(2, 20, udp4), Received: sizes(2, 20, udp4),
	})...)
}

func TestDatagramsLeftOut(t *testing.T) {
	ns := netns.New(t)
	wanted, unwanted := echo(t, ns, "127.0.0.1:5301"), echo(t, ns, "127.0.0.1:5302")
	far := echo(t, ns, "[::1]:5301")
	r := startDatagram(t, func(c *Config) {
		c.Include.Ports = []uint16{wanted.Port()}
		c.Exclude.Addresses = []string{"::1"}
	})
	for _, to := range []netip.AddrPort{wanted, unwanted, far} {
		require.NoError(t, exchange(dialUDP(t, ns, to), 3, 30))
	}
	r.await("both ends", ends(2), ns)
	flows := r.finish(ns)
	for i := range flows {
		require.Equal(t, wanted.Port(), flows[i].Destination.Port)
	}

	// The receiver's own process is left out by default.
	r = startDatagram(t, func(c *Config) { c.ExcludeSelf = true })
	require.NoError(t, exchange(dialUDP(t, ns, wanted), 3, 30))
	time.Sleep(time.Second)
	require.Empty(t, r.finish(ns))
}
