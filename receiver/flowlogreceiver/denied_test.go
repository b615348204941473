//go:build linux

package flowlogreceiver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/netns"
)

// fate is what all records of a test must add up to for one pair of ends as one of
// them reports it, with what became of it. Tests declare all fates; any other record
// fails them.
type fate struct {
	Reporter            flow.Reporter
	Transport           flow.Transport
	ICMP                flow.ICMP
	Source, Destination netip.Addr
	Port                uint16
	Action              flow.Action
	Reason              string
	Class               flow.DenyClass
	At                  uint32 // the namespace in which it was dropped
	Interface           string
	Process             string // the reporter's

	Started, Completed uint64
	// Sent and Received are packets of the source and of the destination.
	Sent, Received uint64
}

// fates adds up the records.
func fates(flows []flow.Flow) []fate {
	sums := make(map[fate]fate)
	for i := range flows {
		f := &flows[i]
		key := fate{
			Reporter: f.Reporter, Transport: f.Transport, ICMP: f.ICMP, Source: f.Source.Address, Destination: f.Destination.Address,
			Port: f.Destination.Port, Action: f.Action, Reason: f.Denial.Reason.String(), Class: f.Denial.Class,
			At: f.Denial.Namespace, Interface: f.Denial.Interface.String(), Process: f.Process.Executable.String(),
		}
		sum, ok := sums[key]
		if !ok {
			sum = key
		}
		sum.Started += f.Connections.Started
		sum.Completed += f.Connections.Completed
		sum.Sent += f.Source.Packets
		sum.Received += f.Destination.Packets
		sums[key] = sum
	}
	all := make([]fate, 0, len(sums))
	for _, sum := range sums {
		all = append(all, sum)
	}
	return all
}

func verifyFates(tb testing.TB, flows []flow.Flow, want ...fate) {
	tb.Helper()
	got := fates(flows)
	order := func(a, b fate) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) }
	slices.SortFunc(got, order)
	slices.SortFunc(want, order)
	if diff := gocmp.Diff(want, got, gocmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		tb.Errorf("records (-want +got):\n%s\n%s", diff, describe(flows))
	}
}

// startAll runs a receiver with every engine that is on by default, whose datagram
// flows end soon.
func startAll(tb testing.TB, configure func(*Config)) *rig {
	tb.Helper()
	needEngine(tb, "drops")
	return startDatagram(tb, func(c *Config) {
		c.Engines.TCP.Enabled, c.Engines.Drops.Enabled = true, true
		if configure != nil {
			configure(c)
		}
	})
}

// cluster is a client and a server with a router between them, which tests give rules.
type cluster struct {
	client, router, server *netns.NS
	// Addresses of the client, of the router towards it, and of the server, IPv4 and
	// IPv6.
	from, gateway, to [2]netip.Addr
}

func (c *cluster) all() []*netns.NS { return []*netns.NS{c.client, c.router, c.server} }

func newCluster(tb testing.TB) *cluster {
	tb.Helper()
	c := &cluster{
		client: netns.New(tb), router: netns.New(tb), server: netns.New(tb),
		from:    [2]netip.Addr{netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("2001:db8:1::2")},
		gateway: [2]netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8:1::1")},
		to:      [2]netip.Addr{netip.MustParseAddr("198.51.100.2"), netip.MustParseAddr("2001:db8:2::2")},
	}
	netns.Connect(tb, c.client, []string{"192.0.2.2/24", "2001:db8:1::2/64"}, c.router, []string{"192.0.2.1/24", "2001:db8:1::1/64"})
	netns.Connect(tb, c.router, []string{"198.51.100.1/24", "2001:db8:2::1/64"}, c.server, []string{"198.51.100.2/24", "2001:db8:2::2/64"})
	c.router.Sysctl(tb, "net/ipv4/ip_forward", "1")
	c.router.Sysctl(tb, "net/ipv6/conf/all/forwarding", "1")
	for _, gateway := range c.gateway {
		c.client.AddDefaultRoute(tb, gateway.String())
	}
	for _, ns := range c.all() { // of errors
		ns.Sysctl(tb, "net/ipv4/icmp_ratelimit", "0")
		ns.Sysctl(tb, "net/ipv6/icmp/ratelimit", "0")
	}
	for _, gateway := range []string{"198.51.100.1", "2001:db8:2::1"} {
		c.server.AddDefaultRoute(tb, gateway)
	}
	// The links are up and neighbours known before anything is counted.
	for _, to := range c.to {
		require.Eventually(tb, func() bool {
			return errors.Is(dial(tb, c.client, netip.AddrPortFrom(to, 9), time.Second), syscall.ECONNREFUSED)
		}, 10*time.Second, 10*time.Millisecond)
	}
	return c
}

// runIn runs a command in ns.
func runIn(tb testing.TB, ns *netns.NS, command string) {
	tb.Helper()
	args := strings.Fields(command)
	out, err := ns.Command(args[0], args[1:]...).CombinedOutput()
	require.NoError(tb, err, "%s: %s", command, out)
}

// dial tries to connect from ns and returns why that failed. It gives up in the end.
func dial(tb testing.TB, ns *netns.NS, to netip.AddrPort, patience time.Duration) (failure error) {
	tb.Helper()
	ns.Do(tb, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		c, err := new(net.Dialer).DialContext(ctx, "tcp", to.String())
		if err == nil {
			c.Close()
			return errors.New("connected")
		}
		failure = err
		return nil
	})
	return failure
}

// sendUDP sends n datagrams of one byte from one socket, whatever comes of them.
func sendUDP(tb testing.TB, ns *netns.NS, to netip.AddrPort, n int) {
	tb.Helper()
	ns.Do(tb, func() error {
		c, err := net.ListenUDP("udp", nil)
		if err != nil {
			return err
		}
		defer c.Close()
		for range n {
			if _, err := c.WriteToUDPAddrPort([]byte{1}, to); err != nil && !errors.Is(err, syscall.EPERM) && !errors.Is(err, unix.ENETUNREACH) {
				return err
			}
		}
		return nil
	})
}

// errors are the ICMP errors that the kernel sends to the source of what it rejects.
func (c *cluster) errors(from netip.Addr, i int, kind flow.ICMP, n uint64) fate {
	f := fate{Reporter: flow.ReporterSource, Transport: flow.TransportICMP, ICMP: kind, Source: from, Destination: c.from[i], Action: flow.Allow, Started: 1, Sent: n}
	if from.Is6() {
		f.Transport = flow.TransportICMPv6
	}
	return f
}

// denies is what is expected of n packets that the client sends.
func (c *cluster) denies(i int, d fate, n uint64) fate {
	d.Reporter, d.Source, d.Destination, d.Action, d.Sent = flow.ReporterSource, c.from[i], c.to[i], flow.Deny, n
	d.Transport, d.Process = cmp.Or(d.Transport, flow.TransportTCP), me
	d.Started, d.Completed = 1, 1
	return d
}

var (
	families    = [2]string{"ipv4", "ipv6"}
	unreachable = [2]flow.ICMP{{Type: 3, Code: 3}, {Type: 1, Code: 4}}
	prohibited  = [2]flow.ICMP{{Type: 3, Code: 13}, {Type: 1, Code: 1}}
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
		"nft forward drop":        {at: c.router, rule: "type filter hook forward priority 0; %s dport 80 drop", iface: "veth0"},
		"nft forward reject":      {at: c.router, rule: "type filter hook forward priority 0; %s dport 80 reject", iface: "veth0", reject: true, sends: unreachable, from: c.gateway},
		"nft forward prohibited":  {at: c.router, rule: "type filter hook forward priority 0; %s dport 80 reject with icmpx admin-prohibited", iface: "veth0", reject: true, sends: prohibited, from: c.gateway},
		"nft prerouting drop":     {at: c.router, rule: "type filter hook prerouting priority -300; %s dport 80 drop", iface: "veth0"},
		"nft input drop":          {at: c.server, rule: "type filter hook input priority 0; %s dport 80 drop", iface: "veth1"},
		"nft input reject":        {at: c.server, rule: "type filter hook input priority 0; %s dport 80 reject", iface: "veth1", reject: true, sends: unreachable, from: c.to},
		"nft output drop":         {at: c.client, rule: "type filter hook output priority 0; %s dport 80 drop"},
		"nft netdev drop":         {at: c.router, rule: "type filter hook ingress device veth0 priority 0; %s dport 80 drop", iface: "veth0"},
		"iptables forward drop":   {at: c.router, rule: "-A FORWARD -p %s --dport 80 -j DROP", iface: "veth0"},
		"iptables forward reject": {at: c.router, rule: "-A FORWARD -p %s --dport 80 -j REJECT", iface: "veth0", reject: true, sends: unreachable, from: c.gateway},
		"iptables input drop":     {at: c.server, rule: "-A INPUT -p %s --dport 80 -j DROP", iface: "veth1"},
		"iptables output drop":    {at: c.client, rule: "-A OUTPUT -p %s --dport 80 -j DROP"},
	} {
		for i, family := range families {
			for _, transport := range []flow.Transport{flow.TransportTCP, flow.TransportUDP} {
				t.Run(name+"/"+family+"/"+transport.String(), func(t *testing.T) {
					block(t, test.at, family, fmt.Sprintf(test.rule, transport))
					to := netip.AddrPortFrom(c.to[i], 80)
					r := startAll(t, nil)
					if transport == flow.TransportTCP {
						require.Error(t, dial(t, c.client, to, 300*time.Millisecond))
					} else {
						sendUDP(t, c.client, to, 1)
					}
					r.await("the denial", ends(1), c.all()...)
					d := fate{Transport: transport, Port: 80, Reason: "netfilter_drop", Class: flow.PolicyDrop, At: test.at.Inode(), Interface: test.iface}
					var want []fate
					if test.reject {
						d.Class = flow.Reject
						want = append(want, c.errors(test.from[i], i, test.sends[i], 1))
					}
					verifyFates(t, r.finish(c.all()...), append(want, c.denies(i, d, 1))...)
				})
			}
		}
	}
}

// A firewall that resets connections sends no error of ICMP; the client knows.
func TestFirewallResets(t *testing.T) {
	c := newCluster(t)
	for i, family := range families {
		t.Run(family, func(t *testing.T) {
			block(t, c.router, family, "type filter hook forward priority 0; tcp dport 80 reject with tcp reset")
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

// block adds a rule for the time of the test.
func block(tb testing.TB, ns *netns.NS, family, rule string) {
	tb.Helper()
	if strings.HasPrefix(rule, "-A ") {
		command := map[string]string{"ipv4": "iptables ", "ipv6": "ip6tables "}[family]
		runIn(tb, ns, command+rule)
		tb.Cleanup(func() { runIn(tb, ns, command+strings.Replace(rule, "-A", "-D", 1)) })
		return
	}
	table := "inet"
	if strings.Contains(rule, "hook ingress") {
		table = "netdev"
	}
	cmd := ns.Command("nft", "-f", "-")
	cmd.Stdin = strings.NewReader("table " + table + " test { chain c { " + rule + "; }; }")
	out, err := cmd.CombinedOutput()
	require.NoError(tb, err, "%s: %s", rule, out)
	tb.Cleanup(func() { runIn(tb, ns, "nft delete table "+table+" test") })
}
