//go:build linux

package flowlogreceiver

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/netns"
)

// awaitAttached waits until the receiver watches an interface.
func awaitAttached(tb testing.TB, ns *netns.NS, name string) {
	tb.Helper()
	require.Eventually(tb, func() bool {
		attached := false
		err := ns.Try(func() error {
			l, err := netlink.LinkByName(name)
			if err != nil {
				return err
			}
			found, err := link.QueryPrograms(link.QueryOptions{Target: l.Attrs().Index, Attach: ebpf.AttachTCXEgress})
			attached = err == nil && len(found.Programs) == 1
			return err
		})
		return err == nil && attached
	}, 20*time.Second, 10*time.Millisecond, name)
}

// Interfaces are followed as they come and go, and only what enters or leaves by one
// that is chosen counts.
func TestForwardInterfacesComeAndGo(t *testing.T) {
	const n, size = 3, 100
	net3 := newRouted(t)
	r := startForward(t, net3.router, func(c *Config) {
		c.Engines.Forward.Interfaces = []string{"late*"}
		c.Engines.Forward.ExcludeInterfaces = []string{"late-not*"}
	})
	to := echo(t, net3.servers, net.JoinHostPort(server4, "0"))
	require.NoError(t, exchange(dialUDP(t, net3.clients, to), n, size))
	var want []datagrams
	for i, name := range []string{"late1", "late-not", "late2", "late1"} {
		guest, address := netns.New(t), fmt.Sprintf("10.0.%d.1", i)
		netns.ConnectAs(t, guest, "eth0", []string{address + "/24"}, net3.router, name, []string{fmt.Sprintf("10.0.%d.254/24", i)})
		guest.AddDefaultRoute(t, fmt.Sprintf("10.0.%d.254", i))
		awaitAttached(t, net3.router, name)
		require.NoError(t, exchange(dialUDP(t, guest, to), n, size))
		if name != "late-not" {
			want = append(want, passed(datagrams{
				Source: netip.MustParseAddr(address), Destination: netip.MustParseAddr(server4), Port: to.Port(),
				Started: 1, Completed: 1, Sent: sizes(n, size, udp4), Received: sizes(n, size, udp4),
			}))
		}
		net3.router.Do(t, func() error {
			l, err := netlink.LinkByName(name)
			if err != nil {
				return err
			}
			return netlink.LinkDel(l)
		})
	}
	r.await("every end", ends(uint64(len(want))), net3.router)
	verifyDatagrams(t, r.finish(net3.router), want...)
}

// Nothing stays behind of interfaces that went.
func TestForwardInterfacesLeaveNothing(t *testing.T) {
	const rounds, pairs = 5, 20
	net3 := newRouted(t)
	startForward(t, net3.router, nil)
	handles := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		require.NoError(t, err)
		return len(entries)
	}
	before := handles()
	for range rounds {
		net3.router.Do(t, func() error {
			for i := range pairs {
				name := fmt.Sprintf("churn%d", i)
				if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name}, PeerName: name + "p"}); err != nil {
					return err
				}
			}
			return nil
		})
		awaitAttached(t, net3.router, fmt.Sprintf("churn%dp", pairs-1))
		require.Greater(t, handles(), before+pairs, "a handle for each")
		net3.router.Do(t, func() error {
			for i := range pairs {
				l, err := netlink.LinkByName(fmt.Sprintf("churn%d", i))
				if err != nil {
					return err
				}
				if err := netlink.LinkDel(l); err != nil {
					return err
				}
			}
			return nil
		})
		require.Eventually(t, func() bool { return handles() <= before }, 20*time.Second, 10*time.Millisecond)
	}
}

// bridged joins the router's interfaces into a bridge, so that both ends are
// neighbours, and gives that an address when it is to route too.
func bridged(tb testing.TB, router *netns.NS, ports ...string) {
	tb.Helper()
	router.Do(tb, func() error {
		bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "bridge"}}
		if err := netlink.LinkAdd(bridge); err != nil {
			return err
		}
		for _, port := range ports {
			l, err := netlink.LinkByName(port)
			if err != nil {
				return err
			}
			if err := netlink.LinkSetMaster(l, bridge); err != nil {
				return err
			}
		}
		return netlink.LinkSetUp(bridge)
	})
}

// Frames of a virtual machine come without a socket of IP. They are read behind the
// tags of virtual networks, counted without the padding of the wire, and once.
func TestForwardedFramesWithTags(t *testing.T) {
	const n, size = 6, 4 // short enough to be padded
	tag := func(protocol, id uint16) []byte {
		return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, protocol), id)
	}
	clients, router, servers := netns.New(t), netns.New(t), netns.New(t)
	netns.ConnectAs(t, clients, "eth0", nil, router, "inner", nil)
	netns.ConnectAs(t, servers, "eth0", nil, router, "outer", nil)
	bridged(t, router, "inner", "outer")
	r := startForward(t, router, nil)
	var want []datagrams
	for i, tags := range [][]byte{nil, tag(0x8100, 5), append(tag(0x88a8, 6), tag(0x8100, 5)...)} {
		port := byte(i + 1)
		frame := slices.Concat([]byte{2, 0, 0, 0, 0, 2}, []byte{2, 0, 0, 0, 0, 1}, tags, []byte{8, 0}, shortPacket(port, size))
		clients.Do(t, func() error {
			l, err := net.InterfaceByName("eth0")
			if err != nil {
				return err
			}
			fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			for range n {
				if err := unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: l.Index}); err != nil {
					return err
				}
			}
			return nil
		})
		want = append(want, passed(datagrams{
			Source: netip.MustParseAddr(client4), Destination: netip.MustParseAddr(server4), Port: uint16(port),
			Started: 1, Completed: 1, Sent: sizes(n, size, udp4),
		}))
	}
	r.await("every end", ends(uint64(len(want))), router)
	verifyDatagrams(t, r.finish(router), want...)
}

// shortPacket is a datagram from client4 to a port of server4, with the padding of the
// shortest frame.
func shortPacket(port byte, size int) []byte {
	packet := []byte{0x45, 0, 0, byte(28 + size), 0, 1, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 198, 51, 100, 1}
	sum := uint32(0) // of the header, without which a bridge may refuse it
	for i := 0; i < len(packet); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(packet[i:]))
	}
	binary.BigEndian.PutUint16(packet[10:], ^uint16(sum+sum>>16))
	packet = append(packet, 0x9c, 0x40, 0, port, 0, byte(8+size), 0, 0)
	return append(packet, make([]byte, 46-len(packet))...)
}

// Behind a bridge a packet leaves by two interfaces and counts at one; who chose the
// port has chosen what is routed by the bridge.
func TestForwardedByABridge(t *testing.T) {
	const n, size = 5, 100
	net3 := newRouted(t)
	guests := netns.New(t)
	netns.ConnectAs(t, guests, "eth0", []string{"10.0.0.1/24"}, net3.router, "tap0", nil)
	bridged(t, net3.router, "tap0")
	net3.router.Do(t, func() error {
		bridge, err := netlink.LinkByName("bridge")
		if err != nil {
			return err
		}
		address, err := netlink.ParseAddr("10.0.0.254/24")
		if err != nil {
			return err
		}
		return netlink.AddrAdd(bridge, address)
	})
	guests.AddDefaultRoute(t, "10.0.0.254")
	r := startForward(t, net3.router, func(c *Config) { c.Engines.Forward.Interfaces = []string{"tap*"} })
	to := echo(t, net3.servers, net.JoinHostPort(server4, "0"))
	require.NoError(t, exchange(dialUDP(t, guests, to), n, size))
	require.NoError(t, exchange(dialUDP(t, net3.clients, to), n, size), "and this is not chosen")
	r.await("the end", ends(1), net3.router)
	verifyDatagrams(t, r.finish(net3.router), passed(datagrams{
		Source: netip.MustParseAddr("10.0.0.1"), Destination: netip.MustParseAddr(server4), Port: to.Port(),
		Started: 1, Completed: 1, Sent: sizes(n, size, udp4), Received: sizes(n, size, udp4),
	}))
}

// The kernel has room for 1000 flows, and as many again are counted on the way around.
// What finds no room there is counted without its source: no packet is missing.
func TestForwardedWithoutRoom(t *testing.T) {
	const room, size = 1000, 100
	for name, n := range map[string]uint64{"on the way around": 1800, "without a source": 3000} {
		t.Run(name, func(t *testing.T) {
			net3 := newRouted(t)
			r := startForward(t, net3.router, func(c *Config) { c.Engines.Forward.MaxFlows = room })
			to := echo(t, net3.servers, net.JoinHostPort(server4, "5300"))
			exchangeMany(t, net3.clients, to, int(n), size)
			r.await("every packet", func(flows []flow.Flow) bool { return packetsOf(flows)+r.lostPackets() >= 2*n }, net3.router)
			told := packetsOf(r.finish(net3.router))
			t.Logf("%d of %d packets told, %d lost", told, 2*n, r.lostPackets())
			require.Equal(t, 2*n, told+r.lostPackets())
			require.Zero(t, r.lostPackets())
		})
	}
}
