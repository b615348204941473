//go:build linux

package flowlogreceiver

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/netns"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
)

// Every place at which a firewall can refuse, by dropping and by rejecting, in both
// notations. One record tells of the packet that was dropped and of the attempt that
// failed: the source's, with the place and the process.
func TestFirewalls(t *testing.T) {
	c := newCluster(t)
	for name, test := range map[string]struct {
		at     *netns.NS
		rule   string // of nft, or arguments of iptables
		iface  string
		reject bool
		sends  [2]flow.ICMP // the error, from
		from   [2]netip.Addr
	}{
		"nft forward drop":        {at: c.router, rule: "type filter hook forward priority 0; meta l4proto { tcp, udp } th dport 80 drop", iface: "veth0"},
		"nft forward reject":      {at: c.router, rule: "type filter hook forward priority 0; meta l4proto { tcp, udp } th dport 80 reject", iface: "veth0", reject: true, sends: unreachable, from: c.gateway},
		"nft forward prohibited":  {at: c.router, rule: "type filter hook forward priority 0; meta l4proto { tcp, udp } th dport 80 reject with icmpx admin-prohibited", iface: "veth0", reject: true, sends: prohibited, from: c.gateway},
		"nft prerouting drop":     {at: c.router, rule: "type filter hook prerouting priority -300; meta l4proto { tcp, udp } th dport 80 drop", iface: "veth0"},
		"nft input drop":          {at: c.server, rule: "type filter hook input priority 0; meta l4proto { tcp, udp } th dport 80 drop", iface: "veth1"},
		"nft input reject":        {at: c.server, rule: "type filter hook input priority 0; meta l4proto { tcp, udp } th dport 80 reject", iface: "veth1", reject: true, sends: unreachable, from: c.to},
		"nft output drop":         {at: c.client, rule: "type filter hook output priority 0; meta l4proto { tcp, udp } th dport 80 drop"},
		"nft netdev drop":         {at: c.router, rule: "type filter hook ingress device veth0 priority 0; meta l4proto { tcp, udp } th dport 80 drop", iface: "veth0"},
		"iptables forward drop":   {at: c.router, rule: "-A FORWARD -p tcp --dport 80 -j DROP", iface: "veth0"},
		"iptables forward reject": {at: c.router, rule: "-A FORWARD -p tcp --dport 80 -j REJECT", iface: "veth0", reject: true, sends: unreachable, from: c.gateway},
		"iptables input drop":     {at: c.server, rule: "-A INPUT -p tcp --dport 80 -j DROP", iface: "veth1"},
		"iptables output drop":    {at: c.client, rule: "-A OUTPUT -p tcp --dport 80 -j DROP"},
	} {
		t.Run(name, func(t *testing.T) {
			block(t, test.at, test.rule)
			r := startAll(t, nil)
			var want []fate
			for i := range c.to {
				to := netip.AddrPortFrom(c.to[i], 80)
				require.Error(t, dial(t, c.client, to, 300*time.Millisecond))
				sendUDP(t, c.client, to, 1)
				d := fate{Port: 80, Reason: "netfilter_drop", Class: flow.PolicyDrop, At: test.at.Inode(), Interface: test.iface}
				if test.reject {
					d.Class = flow.Reject
					want = append(want, c.errors(test.from[i], i, test.sends[i], 2))
				}
				want = append(want, c.denies(i, d, 1))
				d.Transport = flow.TransportUDP
				want = append(want, c.denies(i, d, 1))
			}
			r.await("the denials", ends(4), c.all()...)
			verifyFates(t, r.finish(c.all()...), want...)
		})
	}
}

// What lies between the header and the transport does not hide what was dropped.
func TestDeniedExtensionHeaders(t *testing.T) {
	const n = 3
	c := newCluster(t)
	block(t, c.router, "type filter hook forward priority 0; drop")
	r := startAll(t, nil)
	var want []fate
	for k, test := range extensionHeaders {
		i, port := 0, uint16(k+1)
		if strings.HasPrefix(test.network, "ip6") {
			i = 1
		}
		sendBehind(t, c.client, test.network, test.header, c.from[i], c.to[i], port, n, 100)
		want = append(want, c.denies(i, fate{
			Transport: flow.TransportUDP, Port: port, Reason: "netfilter_drop", Class: flow.PolicyDrop, At: c.router.Inode(), Interface: "veth0",
		}, n))
	}
	r.await("the denials", ends(uint64(len(want))), c.all()...)
	verifyFates(t, r.finish(c.all()...), want...)
}

// A firewall that resets connections sends no error of ICMP; the client knows.
func TestFirewallResets(t *testing.T) {
	c := newCluster(t)
	for i, family := range families {
		t.Run(family, func(t *testing.T) {
			block(t, c.router, "type filter hook forward priority 0; tcp dport 80 reject with tcp reset")
			r := startAll(t, func(c *Config) { c.Interval = time.Minute })
			require.ErrorIs(t, dial(t, c.client, netip.AddrPortFrom(c.to[i], 80), time.Second), syscall.ECONNREFUSED)
			verifyFates(t, r.finish(c.all()...), c.denies(i, fate{
				Port: 80, Reason: "netfilter_drop", Class: flow.Reject, At: c.router.Inode(), Interface: "veth0",
			}, 1))
		})
	}
}

// Where nobody listens, a connect is refused by the server's kernel and a datagram is
// answered by an error.
func TestNoListener(t *testing.T) {
	c := newCluster(t)
	for i, family := range families {
		t.Run(family, func(t *testing.T) {
			to := netip.AddrPortFrom(c.to[i], 9)
			r := startAll(t, nil)
			require.ErrorIs(t, dial(t, c.client, to, time.Second), syscall.ECONNREFUSED)
			sendUDP(t, c.client, to, 3)
			r.await("the denials", ends(2), c.all()...)
			d := fate{Port: 9, Reason: "no_socket", Class: flow.NoListener, At: c.server.Inode(), Interface: "veth1"}
			udp := d
			udp.Transport = flow.TransportUDP
			verifyFates(t, r.finish(c.all()...), c.denies(i, d, 1), c.denies(i, udp, 3), c.errors(c.to[i], i, unreachable[i], 3))
		})
	}
}

// Routes that lead nowhere, at the router: the errors of the client's connect are
// explained by them.
func TestRoutesToNowhere(t *testing.T) {
	c := newCluster(t)
	for name, test := range map[string]struct {
		class  flow.DenyClass
		reason string
		sends  [2]flow.ICMP
	}{
		"blackhole":   {class: flow.Unreachable, reason: "blackhole"},
		"unreachable": {class: flow.Unreachable, reason: "host_unreachable", sends: [2]flow.ICMP{{Type: 3, Code: 1}, {Type: 1, Code: 0}}},
		"prohibit":    {class: flow.Reject, reason: "permission_denied", sends: prohibited},
	} {
		t.Run(name, func(t *testing.T) {
			r := startAll(t, nil)
			for i, command := range []string{"ip route", "ip -6 route"} {
				runIn(t, c.router, command+" add "+name+" "+c.to[i].String())
				t.Cleanup(func() { runIn(t, c.router, command+" del "+name+" "+c.to[i].String()) })
				to := netip.AddrPortFrom(c.to[i], 80)
				require.Error(t, dial(t, c.client, to, 300*time.Millisecond))
				sendUDP(t, c.client, to, 1)
			}
			r.await("the denials", ends(4), c.all()...)
			var want []fate
			for i := range c.to {
				d := fate{Port: 80, Reason: test.reason, Class: test.class, At: c.router.Inode(), Interface: "veth0"}
				want = append(want, c.denies(i, d, 1))
				d.Transport = flow.TransportUDP
				want = append(want, c.denies(i, d, 1))
				if test.sends != [2]flow.ICMP{} {
					want = append(want, c.errors(c.gateway[i], i, test.sends[i], 2))
				}
			}
			verifyFates(t, r.finish(c.all()...), want...)
		})
	}
}

// A neighbour that is not there: the kernel gives up on what waits for its address.
func TestNeighbourIsAway(t *testing.T) {
	c := newCluster(t)
	to := netip.MustParseAddrPort("192.0.2.77:80")
	r := startAll(t, nil)
	require.ErrorIs(t, dial(t, c.client, to, 10*time.Second), syscall.EHOSTUNREACH)
	r.await("the denial", ends(1), c.all()...)
	d := c.denies(0, fate{Port: 80, Reason: "neigh_failed", Class: flow.Unreachable, At: c.client.Inode(), Interface: "veth0"}, 1)
	d.Destination = to.Addr()
	verifyFates(t, r.finish(c.all()...), d, c.errors(c.from[0], 0, flow.ICMP{Type: 3, Code: 1}, 1))
}

// Programs at interfaces, with which networks of eBPF enforce their policies.
func TestProgramsDrop(t *testing.T) {
	for name, test := range map[string]struct {
		attach ebpf.AttachType
		iface  string
		reason string
	}{
		"ingress": {ebpf.AttachTCXIngress, "veth0", "tc_ingress"},
		"egress":  {ebpf.AttachTCXEgress, "veth1", "tc_egress"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t)
			attachDrop(t, c.router, test.iface, test.attach)
			r := startAll(t, nil)
			var want []fate
			for i := range c.to {
				require.Error(t, dial(t, c.client, netip.AddrPortFrom(c.to[i], 80), 300*time.Millisecond))
				sendUDP(t, c.client, netip.AddrPortFrom(c.to[i], 80), 2)
				d := fate{Port: 80, Reason: test.reason, Class: flow.PolicyDrop, At: c.router.Inode(), Interface: test.iface}
				want = append(want, c.denies(i, d, 1))
				d.Transport = flow.TransportUDP
				want = append(want, c.denies(i, d, 2))
			}
			r.await("the denials", ends(4), c.all()...)
			verifyFates(t, r.finish(c.all()...), want...)
		})
	}
}

// A program at a cgroup refuses what its sockets send.
func TestCgroupDenies(t *testing.T) {
	c := newCluster(t)
	root := probe.CgroupRoot()
	if root == "" {
		t.Skip("cgroup2 is not mounted")
	}
	group := filepath.Join(root, fmt.Sprintf("flowlog-test-%d", os.Getpid()))
	require.NoError(t, os.Mkdir(group, 0o755))
	t.Cleanup(func() {
		require.Eventually(t, func() bool { return os.Remove(group) == nil }, 5*time.Second, 10*time.Millisecond)
	})
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.CGroupSKB, AttachType: ebpf.AttachCGroupInetEgress, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	})
	require.NoError(t, err)
	defer program.Close()
	attached, err := link.AttachCgroup(link.CgroupOptions{Path: group, Attach: ebpf.AttachCGroupInetEgress, Program: program})
	require.NoError(t, err)
	defer attached.Close()

	r := startAll(t, nil)
	to := netip.AddrPortFrom(c.to[0], 80)
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := c.client.Command("sh", "-c", `echo $$ >"$1/cgroup.procs"; exec "$2" ask "$3"`, "sh", group, exe, to.String())
	cmd.Env = append(os.Environ(), childEnv+"=1")
	require.NoError(t, cmd.Start())
	flows := r.await("the denial", ends(1), c.all()...)
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	require.Equal(t, "/"+filepath.Base(group), flows[0].Process.Cgroup.String())
	flows = r.finish(c.all()...)
	sent := flows[0].Source.Packets
	for _, f := range flows[1:] {
		sent += f.Source.Packets // as often as the kernel tried
	}
	verifyFates(t, flows, c.denies(0, fate{Port: 80, Reason: "bpf_cgroup_egress", Class: flow.PolicyDrop, At: c.client.Inode(), Interface: "veth0"}, sent))
}

// What is left out is left out of the denials too.
func TestDeniedFilters(t *testing.T) {
	c := newCluster(t)
	for name, test := range map[string]struct {
		configure func(*Config)
		want      int
	}{
		"nothing":     {func(*Config) {}, 4},
		"port":        {func(c *Config) { c.Exclude.Ports = []uint16{9} }, 0},
		"address":     {func(c *Config) { c.Exclude.Addresses = []string{"198.51.100.0/24"} }, 2},
		"own process": {func(c *Config) { c.ExcludeSelf = true }, 2}, // where nobody knows who sent a datagram
	} {
		t.Run(name, func(t *testing.T) {
			r := startAll(t, test.configure)
			for i := range c.to {
				require.Error(t, dial(t, c.client, netip.AddrPortFrom(c.to[i], 9), time.Second))
				sendUDP(t, c.client, netip.AddrPortFrom(c.to[i], 9), 1)
			}
			denied := 0
			for _, f := range r.finish(c.all()...) {
				if f.Action == flow.Deny {
					denied++
				}
			}
			require.Equal(t, test.want, denied)
		})
	}
}

// A server that does not read loses what its buffer has no room for: each datagram
// is counted, beside the flow that it belongs to.
func TestBufferIsFull(t *testing.T) {
	const n = 500
	c := newCluster(t)
	r := startAll(t, nil)
	var received uint64
	to := netip.AddrPortFrom(c.to[0], 7000)
	c.server.Do(t, func() error {
		s, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(to))
		if err != nil {
			return err
		}
		defer s.Close()
		if err := s.SetReadBuffer(4096); err != nil {
			return err
		}
		sendUDP(t, c.client, to, n)
		if err := s.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			return err
		}
		for {
			if _, _, err := s.ReadFromUDPAddrPort(make([]byte, 10)); err != nil {
				return nil
			}
			received++
		}
	})
	require.Less(t, received, uint64(n))
	r.await("the end", ends(3), c.all()...)
	whole := fate{
		Reporter: flow.ReporterSource, Transport: flow.TransportUDP, Source: c.from[0], Destination: c.to[0], Port: 7000, Action: flow.Allow,
		Process: me, Started: 1, Completed: 1, Sent: n,
	}
	arrived := whole
	arrived.Reporter = flow.ReporterDestination
	lost := fate{Transport: flow.TransportUDP, Port: 7000, Reason: "socket_rcvbuff", Class: flow.Buffer, At: c.server.Inode()}
	verifyFates(t, r.finish(c.all()...), whole, arrived, c.denies(0, lost, n-received))
}

// Pings that are dropped.
func TestPingIsDropped(t *testing.T) {
	c := newCluster(t)
	block(t, c.router, "type filter hook forward priority 0; meta l4proto { icmp, ipv6-icmp } drop")
	r := startAll(t, nil)
	var want []fate
	for i, request := range []flow.ICMP{{Type: 8}, {Type: 128}} {
		ping(t, c.client, c.to[i])
		d := c.denies(i, fate{Transport: flow.TransportICMP, ICMP: request, Reason: "netfilter_drop", Class: flow.PolicyDrop, At: c.router.Inode(), Interface: "veth0"}, 1)
		if c.to[i].Is6() {
			d.Transport = flow.TransportICMPv6
		}
		want = append(want, d)
	}
	r.await("the denials", ends(2), c.all()...)
	verifyFates(t, r.finish(c.all()...), want...)
}

// What the client sent to a service is dropped on its way to the server behind it:
// the record has both.
func TestTranslatedIsDropped(t *testing.T) {
	c := newCluster(t)
	services := [2]netip.Addr{netip.MustParseAddr("203.0.113.10"), netip.MustParseAddr("2001:db8:5::10")}
	nft(t, c.router, `table inet nat { chain c { type nat hook prerouting priority -100;
		ip daddr 203.0.113.10 tcp dport 443 dnat ip to 198.51.100.2:80
		ip6 daddr 2001:db8:5::10 tcp dport 443 dnat ip6 to [2001:db8:2::2]:80
	}; }`)
	block(t, c.router, "type filter hook forward priority 0; meta l4proto { tcp, udp } th dport 80 drop")
	r := startAll(t, nil)
	var want []fate
	for i, service := range services {
		require.Error(t, dial(t, c.client, netip.AddrPortFrom(service, 443), 300*time.Millisecond))
		want = append(want, c.denies(i, fate{Port: 80, Reason: "netfilter_drop", Class: flow.PolicyDrop, At: c.router.Inode(), Interface: "veth0"}, 1))
	}
	r.await("the denials", ends(2), c.all()...)
	flows := r.finish(c.all()...)
	verifyFates(t, flows, want...)
	for i := range flows {
		require.Contains(t, services, flows[i].Destination.OriginalAddress)
		require.EqualValues(t, 443, flows[i].Destination.OriginalPort)
	}
}

// The server's answers are dropped: the flow is the client's all the same, and the
// packets are the server's.
func TestAnswerIsDropped(t *testing.T) {
	c := newCluster(t)
	to := serve(t, c.server, c.to[0].String(), 1)[0]
	block(t, c.router, "type filter hook forward priority 0; meta l4proto { tcp, udp } th sport "+fmt.Sprint(to.Port())+" drop")
	r := startAll(t, nil)
	require.Error(t, dial(t, c.client, to, 300*time.Millisecond))
	r.await("the denial", ends(1), c.all()...)
	d := c.denies(0, fate{Port: to.Port(), Reason: "netfilter_drop", Class: flow.PolicyDrop, At: c.router.Inode(), Interface: "veth1", Received: 1}, 0)
	verifyFates(t, r.finish(c.all()...), d)
}

// A policy comes while a connection and a flow are under way, and goes again: both
// the traffic that passed and what was denied are told, each once.
func TestPolicyComesAndGoes(t *testing.T) {
	c := newCluster(t)
	r := startAll(t, nil)
	echoes := echo(t, c.server, netip.AddrPortFrom(c.to[0], 0).String())
	client := dialUDP(t, c.client, echoes)
	require.NoError(t, exchange(client, 3, 1))
	nft(t, c.router, "table inet test { chain c { type filter hook forward priority 0; meta l4proto { tcp, udp } th dport "+fmt.Sprint(echoes.Port())+" drop; }; }")
	for range 4 {
		_, err := client.Write([]byte{1})
		require.NoError(t, err)
	}
	runIn(t, c.router, "nft delete table inet test")
	require.NoError(t, exchange(client, 2, 1))
	r.await("both ends", ends(3), c.all()...)
	whole := fate{
		Reporter: flow.ReporterSource, Transport: flow.TransportUDP, Source: c.from[0], Destination: c.to[0], Port: echoes.Port(), Action: flow.Allow,
		Process: me, Started: 1, Completed: 1, Sent: 9, Received: 5,
	}
	arrived := whole
	arrived.Reporter, arrived.Sent = flow.ReporterDestination, 5
	verifyFates(t, r.finish(c.all()...), whole, arrived, c.denies(0, fate{
		Transport: flow.TransportUDP, Port: echoes.Port(), Reason: "netfilter_drop", Class: flow.PolicyDrop, At: c.router.Inode(), Interface: "veth0",
	}, 4))
}

// A connect whose first packet is dropped and that gets through with the next.
func TestAllowedAfterAll(t *testing.T) {
	c := newCluster(t)
	to := serve(t, c.server, c.to[0].String(), 1)[0]
	nft(t, c.router, "table inet test { chain c { type filter hook forward priority 0; tcp dport "+fmt.Sprint(to.Port())+" drop; }; }")
	r := startAll(t, nil)
	asked := make(chan error, 1)
	go func() { asked <- c.client.Try(func() error { _, err := ask(to); return err }) }()
	r.await("the denial", ends(1), c.all()...)
	runIn(t, c.router, "nft delete table inet test")
	require.NoError(t, <-asked)
	r.await("both ends", ends(3), c.all()...)
	flows := r.finish(c.all()...)
	denied := c.denies(0, fate{Port: to.Port(), Reason: "netfilter_drop", Class: flow.PolicyDrop, At: c.router.Inode(), Interface: "veth0"}, 1)
	var refused, allowed []flow.Flow
	for i := range flows {
		if flows[i].Action == flow.Deny {
			refused = append(refused, flows[i])
		} else {
			allowed = append(allowed, flows[i])
		}
	}
	verifyFates(t, refused, denied)
	verify(t, allowed, both(truth{
		Source: c.from[0], Destination: c.to[0], Port: to.Port(), Started: 1, Completed: 1, SourcePayload: requestBytes, DestinationPayload: responseBytes,
	})...)
}

// Connections and datagrams that nobody refuses leave no denial behind, whatever the
// kernel drops of them at their ends.
func TestNothingIsDenied(t *testing.T) {
	const n = 3000
	c := newCluster(t)
	var to []netip.AddrPort
	for i := range c.to {
		to = append(to, serve(t, c.server, c.to[i].String(), 1)...)
	}
	r := startAll(t, nil)
	askMany(t, c.client, to, n, 8)
	r.await("all ends", ends(2*n), c.all()...)
	for _, f := range r.finish(c.all()...) {
		require.Equal(t, flow.Allow, f.Action, describe([]flow.Flow{f}))
	}
	require.Empty(t, r.received().Losses)
}

// A flood of more flows than there is room for: every packet is counted, first by
// its flow, then without its source, then by its reason alone.
func TestFlood(t *testing.T) {
	const (
		sources = 2000
		ports   = 6000 // more than are told apart without their sources
	)
	c := newCluster(t)
	block(t, c.router, "type filter hook forward priority 0; meta l4proto { tcp, udp } th dport > 1000 drop")
	r := startAll(t, func(c *Config) {
		c.Interval = time.Minute
		c.Engines.Drops.MaxFlows = 100
		c.Engines.Datagram.Enabled = false
	})
	c.client.Do(t, func() error {
		for range sources {
			s, err := net.Dial("udp", netip.AddrPortFrom(c.to[0], 2000).String())
			if err != nil {
				return err
			}
			if _, err := s.Write([]byte{1}); err != nil {
				return err
			}
			s.Close()
		}
		s, err := net.ListenUDP("udp4", nil)
		if err != nil {
			return err
		}
		defer s.Close()
		for i := range ports {
			if _, err := s.WriteToUDPAddrPort([]byte{1}, netip.AddrPortFrom(c.to[0], uint16(3000+i))); err != nil {
				return err
			}
		}
		return nil
	})
	r.stop()
	var whole, coarse, rest, told uint64
	for _, f := range r.received().Flows {
		switch {
		case f.Denial.Reason.String() != "netfilter_drop" || (f.Denial.Namespace != c.router.Inode() && f.Denial.Namespace != 0):
		case f.Source.Address == c.from[0]:
			whole += f.Source.Packets
			told += f.Connections.Seen
		case f.Destination.Address == c.to[0]:
			coarse += f.Source.Packets
		case !f.Destination.Address.IsValid():
			rest += f.Source.Packets
		}
	}
	require.EqualValues(t, sources+ports, whole+coarse+rest)
	require.LessOrEqual(t, told, uint64(100)) // others on this machine may take room
	require.NotZero(t, told)
	require.Greater(t, coarse, uint64(sources))
	require.NotZero(t, rest)
}
