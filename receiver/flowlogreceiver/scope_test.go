//go:build linux

package flowlogreceiver

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/netns"
)

// shared is a kernel that two nodes share: a tenant of each, a receiver for each, and
// one for all.
type shared struct {
	a, b       *tenant
	ofA, ofB   *rig
	all        *rig
	namespaces []*netns.NS
	groups     [2]string
}

func newShared(t *testing.T) *shared {
	t.Helper()
	s := &shared{groups: makeGroups(t), namespaces: []*netns.NS{netns.New(t), netns.New(t)}}
	netns.Connect(t, s.namespaces[0], []string{"192.0.2.1/24"}, s.namespaces[1], []string{"192.0.2.2/24"})
	s.a = startTenant(t, s.namespaces[0], "192.0.2.1", s.groups[0])
	s.b = startTenant(t, s.namespaces[1], "192.0.2.2", s.groups[1])
	return s
}

// start starts the receivers.
func (s *shared) start(t *testing.T, configure func(*Config)) {
	t.Helper()
	in := func(root string) *rig {
		return start(t, func(c *Config) {
			c.CgroupRoot = root
			configure(c)
		})
	}
	s.ofA, s.ofB, s.all = in(cgroupRoot(s.groups[0])), in(cgroupRoot(s.groups[1])), in("")
}

// await waits for what each receiver is to report.
func (s *shared) await(what string, a, b, all func([]flow.Flow) bool) {
	s.ofA.await(what, a, s.namespaces...)
	s.ofB.await(what, b, s.namespaces...)
	s.all.await(what, all, s.namespaces...)
}

// finish returns what each receiver reported, those of one node from wherever it is.
func (s *shared) finish(t *testing.T) (a, b, all []flow.Flow) {
	t.Helper()
	s.all.stop()
	for _, r := range []*rig{s.ofA, s.ofB} {
		r.stop()
		require.Empty(t, r.received().Losses, "what is others' is not lost")
	}
	return s.ofA.received().Flows, s.ofB.received().Flows, s.all.finish(s.namespaces...)
}

// total is what all reports of the same ends by the same one of them add up to.
type total struct {
	flow.Connections
	SourcePackets, SourceBytes, SourcePayload                uint64
	DestinationPackets, DestinationBytes, DestinationPayload uint64
}

type reportedEnds struct {
	Reporter            flow.Reporter
	Transport           flow.Transport
	Source, Destination netip.Addr
	Port                uint16
	Namespace           uint32
	Process             flow.Process
}

func totals(flows ...flow.Flow) map[reportedEnds]total {
	sums := make(map[reportedEnds]total)
	for i := range flows {
		f := &flows[i]
		key := reportedEnds{f.Reporter, f.Transport, f.Source.Address, f.Destination.Address, f.Destination.Port, f.NetworkNamespace, f.Process}
		sum := sums[key]
		sum.Started += f.Connections.Started
		sum.Completed += f.Connections.Completed
		sum.SourcePackets += f.Source.Packets
		sum.SourceBytes += f.Source.Bytes
		sum.SourcePayload += f.Source.PayloadBytes
		sum.DestinationPackets += f.Destination.Packets
		sum.DestinationBytes += f.Destination.Bytes
		sum.DestinationPayload += f.Destination.PayloadBytes
		sums[key] = sum
	}
	return sums
}

// requireParts fails unless the parts add up to what all are.
func requireParts(t *testing.T, all []flow.Flow, parts ...[]flow.Flow) {
	t.Helper()
	var together []flow.Flow
	for _, part := range parts {
		together = append(together, part...)
	}
	diff := gocmp.Diff(totals(all...), totals(together...), cmpopts.EquateComparable(netip.Addr{}, flow.Process{}))
	require.Empty(t, diff, "one receiver of all, and those of the nodes together (-all +together)")
}

// alone returns the report of a connection whose other end is another node's.
func alone(reporter flow.Reporter, t truth) truth {
	t.Reporter, t.Action, t.PeerUnseen = reporter, flow.Allow, true
	if reporter == flow.ReporterSource {
		t.SourceProcess = me
	} else {
		t.DestinationProcess = me
	}
	return t
}

// Of nodes that share a kernel each reports its own connections and no other, those
// older than the receiver included; together they report what one receiver of all does.
func TestNodesOnOneKernel(t *testing.T) {
	s := newShared(t)
	toA, toB := s.a.serve("serve"), s.b.serve("serve")
	s.a.do("hold", toB)
	s.start(t, func(*Config) {})
	laterB := s.b.serve("serve")
	for _, from := range []*tenant{s.a, s.b} {
		for _, to := range []netip.AddrPort{toA, toB, laterB} {
			from.do("ask", to)
		}
	}
	s.a.do("release", toB)
	s.await("all ends", ends(6), ends(8), ends(14))
	a, b, all := s.finish(t)

	asked := func(from *tenant, to netip.AddrPort, completed uint64) truth {
		return truth{
			Source: from.address, Destination: to.Addr(), Port: to.Port(), Started: 1, Completed: completed,
			SourcePayload: requestBytes, DestinationPayload: responseBytes,
		}
	}
	const source, destination = flow.ReporterSource, flow.ReporterDestination
	verify(t, a, append(both(asked(s.a, toA, 1)),
		alone(source, asked(s.a, toB, 2)), alone(source, asked(s.a, laterB, 1)), alone(destination, asked(s.b, toA, 1)),
	)...)
	verify(t, b, append(append(both(asked(s.b, toB, 1)), both(asked(s.b, laterB, 1))...),
		alone(source, asked(s.b, toA, 1)), alone(destination, asked(s.a, toB, 2)), alone(destination, asked(s.a, laterB, 1)),
	)...)
	requireParts(t, all, a, b)
}

// The same for what has no connections.
func TestNodesOnOneKernelDatagrams(t *testing.T) {
	needEngine(t, "datagram")
	s := newShared(t)
	const port = 53
	older := netip.MustParseAddrPort(s.b.do("echo", netip.AddrPortFrom(s.b.address, port)))
	s.start(t, func(c *Config) {
		datagramOnly(c)
		c.Engines.Datagram.IdleTimeout.Other = time.Minute // for so long older is known to be older
	})
	toA, toB := s.a.serve("echo"), s.b.serve("echo")
	for _, from := range []*tenant{s.a, s.b} {
		for _, to := range []netip.AddrPort{toA, toB} {
			from.do("exchange", to)
		}
	}
	s.a.do("exchange", older)
	s.await("the ends of all flows", ends(5), ends(5), ends(10))
	a, b, all := s.finish(t)

	exchange := func(from *tenant, to netip.AddrPort, started uint64) datagrams {
		size := sizes(exchanged, datagramBytes, udp4)
		return datagrams{Source: from.address, Destination: to.Addr(), Port: to.Port(), Started: started, Completed: 1, Sent: size, Received: size}
	}
	alone := func(reporter flow.Reporter, d datagrams) datagrams {
		d.Reporter, d.Transport, d.PeerUnseen = reporter, flow.TransportUDP, true
		if reporter == flow.ReporterSource {
			d.SourceProcess = me
		} else {
			d.DestinationProcess = me
		}
		return d
	}
	const source, destination = flow.ReporterSource, flow.ReporterDestination
	verifyDatagrams(t, a, append(bothDatagrams(exchange(s.a, toA, 1)),
		alone(source, exchange(s.a, toB, 1)), alone(source, exchange(s.a, older, 1)), alone(destination, exchange(s.b, toA, 1)),
	)...)
	verifyDatagrams(t, b, append(bothDatagrams(exchange(s.b, toB, 1)),
		alone(source, exchange(s.b, toA, 1)), alone(destination, exchange(s.a, toB, 1)), alone(destination, exchange(s.a, older, 0)),
	)...)
	requireParts(t, all, a, b)
}

// A drop belongs to the node of the packet's socket, or else to that in whose network
// namespace it was: a node's are those of its processes, and the collector's own. What
// the kernel sends by itself has no node's socket.
func TestNodesOnOneKernelDrops(t *testing.T) {
	needEngine(t, "drops")
	s := newShared(t)
	nobodys := netns.New(t) // no process is in it
	netns.Connect(t, s.a.ns, []string{"198.51.100.1/24"}, nobodys, []string{"198.51.100.2/24"})
	s.namespaces = append(s.namespaces, nobodys)
	const blockedOut, blockedIn, closed = 81, 82, 83
	block(t, s.a.ns, "type filter hook output priority 0; tcp dport 81 drop")
	block(t, nobodys, "type filter hook input priority 0; tcp dport 82 drop")
	nft(t, s.b.ns, "table ip test {"+
		" chain in { type filter hook input priority 0; tcp dport 82 drop; };"+
		" chain out { type filter hook output priority 0; icmp type destination-unreachable drop; }; }")
	s.start(t, func(c *Config) {
		c.Engines.Drops.Enabled = true
		c.Interval = time.Minute // so that nothing is learnt of namespaces before all has happened
	})
	later := s.startLater(t, blockedIn)
	at := func(address string, port uint16) netip.AddrPort {
		return netip.AddrPortFrom(netip.MustParseAddr(address), port)
	}
	s.a.do("dial", netip.AddrPortFrom(s.b.address, blockedOut))
	s.a.do("dial", netip.AddrPortFrom(s.b.address, blockedIn))
	s.a.do("send", netip.AddrPortFrom(s.b.address, closed))
	s.a.do("dial", at("198.51.100.2", blockedIn))
	s.b.do("dial", at("203.0.113.2", blockedIn))
	own, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, own.Close())
	_, err = net.Dial("tcp", own.Addr().String())
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	a, b, _ := s.finish(t)

	dialed := func(from netip.Addr, to netip.AddrPort, f fate) fate {
		f.Transport, f.Source, f.Destination, f.Port = cmp.Or(f.Transport, flow.TransportTCP), from, to.Addr(), to.Port()
		f.Started, f.Completed, f.Sent = 1, 1, 1
		return f
	}
	unanswered := fate{Reporter: flow.ReporterSource, Action: flow.Allow, Process: me}
	dropped := func(at *netns.NS, by string) fate {
		return fate{
			Reporter: flow.ReporterDestination, Action: flow.Deny, Reason: "netfilter_drop", Class: flow.PolicyDrop,
			At: at.Inode(), Interface: by,
		}
	}
	bySocket := dropped(s.a.ns, "")
	bySocket.Reporter, bySocket.Process = flow.ReporterSource, me
	noListener := dropped(s.b.ns, "veth0")
	noListener.Transport, noListener.Reason, noListener.Class = flow.TransportUDP, "no_socket", flow.NoListener
	answer := dropped(s.b.ns, "")
	answer.Reporter, answer.Transport, answer.ICMP = flow.ReporterSource, flow.TransportICMP, unreachable[0]

	verifyFates(t, in(a, s.namespaces),
		dialed(s.a.address, netip.AddrPortFrom(s.b.address, blockedOut), bySocket),
		dialed(s.a.address, netip.AddrPortFrom(s.b.address, blockedIn), unanswered),
		dialed(netip.MustParseAddr("198.51.100.1"), at("198.51.100.2", blockedIn), unanswered),
		dialed(netip.MustParseAddr("203.0.113.1"), at("203.0.113.2", blockedIn), dropped(later, "veth1")),
	)
	verifyFates(t, in(b, s.namespaces),
		dialed(s.a.address, netip.AddrPortFrom(s.b.address, blockedIn), dropped(s.b.ns, "veth0")),
		dialed(s.a.address, netip.AddrPortFrom(s.b.address, closed), noListener),
		dialed(s.b.address, netip.AddrPortFrom(s.a.address, 0), answer),
		dialed(netip.MustParseAddr("203.0.113.1"), at("203.0.113.2", blockedIn), unanswered),
	)
	for _, flows := range [][]flow.Flow{a, b} {
		require.True(t, slices.ContainsFunc(flows, func(f flow.Flow) bool {
			return f.Denial.Reason.String() == "no_socket" && netip.AddrPortFrom(f.Destination.Address, f.Destination.Port).String() == own.Addr().String()
		}), "drops in the collector's own network namespace\n%s", describe(flows))
	}
}

// startLater starts another process of node A, in a network namespace that drops what
// comes to a port.
func (s *shared) startLater(t *testing.T, blocked uint16) *netns.NS {
	t.Helper()
	ns := netns.New(t)
	netns.Connect(t, s.b.ns, []string{"203.0.113.1/24"}, ns, []string{"203.0.113.2/24"})
	block(t, ns, fmt.Sprintf("type filter hook input priority 0; tcp dport %d drop", blocked))
	s.namespaces = append(s.namespaces, ns)
	startTenant(t, ns, "203.0.113.2", s.groups[0])
	return ns
}

// in returns the flows that were reported from the namespaces.
func in(flows []flow.Flow, namespaces []*netns.NS) []flow.Flow {
	return slices.DeleteFunc(slices.Clone(flows), func(f flow.Flow) bool {
		return !slices.ContainsFunc(namespaces, func(ns *netns.NS) bool { return ns.Inode() == f.NetworkNamespace })
	})
}
