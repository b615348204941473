//go:build linux

package flowlogreceiver

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
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
	requireSums(tb, flows, want, fates(flows))
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

// block adds a rule of nft, or an iptables rule about TCP for every family and UDP, for the time of the test.
func block(tb testing.TB, ns *netns.NS, rule string) {
	tb.Helper()
	if strings.HasPrefix(rule, "-A ") {
		for _, command := range []string{"iptables ", "ip6tables "} {
			for _, transport := range []string{"tcp", "udp"} {
				rule := strings.Replace(rule, "tcp", transport, 1)
				runIn(tb, ns, command+rule)
				tb.Cleanup(func() { runIn(tb, ns, command+strings.Replace(rule, "-A", "-D", 1)) })
			}
		}
		return
	}
	table := "inet"
	if strings.Contains(rule, "hook ingress") {
		table = "netdev"
	}
	nft(tb, ns, "table "+table+" test { chain c { "+rule+"; }; }")
	tb.Cleanup(func() { runIn(tb, ns, "nft delete table "+table+" test") })
}

func nft(tb testing.TB, ns *netns.NS, rules string) {
	tb.Helper()
	cmd := ns.Command("nft", "-f", "-")
	cmd.Stdin = strings.NewReader(rules)
	out, err := cmd.CombinedOutput()
	require.NoError(tb, err, "%s: %s", rules, out)
}

// attachDrop makes a program of a few instructions drop every packet that comes to
// an interface.
func attachDrop(tb testing.TB, ns *netns.NS, name string, attach ebpf.AttachType) {
	tb.Helper()
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.SchedCLS, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2 /* TCX_DROP */), asm.Return()},
	})
	require.NoError(tb, err)
	defer program.Close()
	ns.Do(tb, func() error {
		device, err := net.InterfaceByName(name)
		if err != nil {
			return err
		}
		attached, err := link.AttachTCX(link.TCXOptions{Interface: device.Index, Program: program, Attach: attach})
		if err == nil {
			tb.Cleanup(func() { attached.Close() })
		}
		return err
	})
}

// ping sends one request, and waits for no answer.
func ping(tb testing.TB, ns *netns.NS, to netip.Addr) {
	tb.Helper()
	ns.Do(tb, func() error {
		network, kind := "ip4:icmp", icmp.Type(ipv4.ICMPTypeEcho)
		if to.Is6() {
			network, kind = "ip6:ipv6-icmp", ipv6.ICMPTypeEchoRequest
		}
		c, err := icmp.ListenPacket(network, "")
		if err != nil {
			return err
		}
		defer c.Close()
		message, err := (&icmp.Message{Type: kind, Body: &icmp.Echo{ID: 7, Seq: 1, Data: []byte("x")}}).Marshal(nil)
		if err != nil {
			return err
		}
		_, err = c.WriteTo(message, &net.IPAddr{IP: to.AsSlice()})
		return err
	})
}
