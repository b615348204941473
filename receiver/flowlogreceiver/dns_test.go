//go:build linux

package flowlogreceiver

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/netns"
)

// reply is how a name server answers to a name.
type reply struct {
	code  dnsmessage.RCode
	ttl   uint32
	to    []string // addresses, or a name that it stands for
	delay time.Duration
	// silent says that there is no answer.
	silent bool
	// before are bytes that come first.
	before []byte
}

// zone is what a name server knows; a test may add to it.
type zone struct {
	mu      sync.Mutex
	replies map[string]reply
}

func (z *zone) set(name string, r reply) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.replies[name] = r
}

func (z *zone) get(name string) reply {
	z.mu.Lock()
	defer z.mu.Unlock()
	if r, ok := z.replies[name]; ok {
		return r
	}
	return reply{code: dnsmessage.RCodeNameError}
}

// answer follows aliases as a resolver does.
func (z *zone) answer(query *dnsmessage.Message) (*dnsmessage.Message, reply) {
	q := query.Questions[0]
	r := z.get(strings.ToLower(q.Name.String()))
	m := &dnsmessage.Message{Questions: query.Questions}
	m.ID, m.Response, m.RCode, m.RecursionAvailable = query.ID, true, r.code, true
	owner := q.Name
	for at := r; ; at = z.get(owner.String()) {
		var next string
		for _, to := range at.to {
			header := dnsmessage.ResourceHeader{Name: owner, Class: dnsmessage.ClassINET, TTL: at.ttl}
			addr, err := netip.ParseAddr(to)
			switch {
			case err != nil:
				next = to
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(to)}})
			case addr.Is4() && q.Type == dnsmessage.TypeA:
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: addr.As4()}})
			case addr.Is6() && q.Type == dnsmessage.TypeAAAA:
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}})
			}
		}
		if next == "" {
			return m, r
		}
		owner = dnsmessage.MustNewName(next)
	}
}

// nameServer serves in ns until the test ends.
func nameServer(tb testing.TB, ns *netns.NS, address string, replies map[string]reply) (*zone, netip.AddrPort) {
	tb.Helper()
	z := &zone{replies: replies}
	var c net.PacketConn
	ns.Do(tb, func() (err error) {
		c, err = net.ListenPacket("udp", address)
		return err
	})
	tb.Cleanup(func() { c.Close() })
	go func() {
		buffer := make([]byte, 4096)
		for {
			n, from, err := c.ReadFrom(buffer)
			if err != nil {
				return
			}
			var query dnsmessage.Message
			if query.Unpack(buffer[:n]) != nil {
				continue
			}
			m, r := z.answer(&query)
			if r.silent {
				continue
			}
			time.Sleep(r.delay)
			if r.before != nil {
				_, _ = c.WriteTo(r.before, from)
			}
			if packed, err := m.Pack(); err == nil {
				_, _ = c.WriteTo(packed, from)
			}
		}
	}()
	return z, netip.MustParseAddrPort(c.LocalAddr().String())
}

// asker is a client of a name server that asks from one socket.
type asker struct {
	tb testing.TB
	c  net.Conn
	id uint16
}

func newAsker(tb testing.TB, ns *netns.NS, server netip.AddrPort) *asker {
	return &asker{tb: tb, c: dialUDP(tb, ns, server)}
}

func (a *asker) send(name string, kind dnsmessage.Type) {
	a.tb.Helper()
	a.id++
	m := dnsmessage.Message{Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}}}
	m.ID, m.RecursionDesired = a.id, true
	packed, err := m.Pack()
	require.NoError(a.tb, err)
	_, err = a.c.Write(packed)
	require.NoError(a.tb, err)
}

// ask waits for the answer, whatever else comes.
func (a *asker) ask(name string, kind dnsmessage.Type) {
	a.tb.Helper()
	a.send(name, kind)
	require.NoError(a.tb, a.c.SetReadDeadline(time.Now().Add(20*time.Second)))
	buffer := make([]byte, 4096)
	for {
		n, err := a.c.Read(buffer)
		require.NoError(a.tb, err)
		var m dnsmessage.Message
		if m.Unpack(buffer[:n]) == nil && m.ID == a.id {
			return
		}
	}
}

// startDNS runs a receiver with all that names are for.
func startDNS(tb testing.TB, configure func(*Config)) *rig {
	tb.Helper()
	needEngine(tb, "dns")
	return startDatagram(tb, func(c *Config) {
		c.Engines.TCP.Enabled, c.Engines.DNS.Enabled = true, true
		if configure != nil {
			configure(c)
		}
	})
}

// named is what the records of a test say of one destination as one end and one
// namespace reports it.
type named struct {
	NetNS       uint32
	Reporter    flow.Reporter
	Transport   flow.Transport
	Destination netip.AddrPort
	Domains     string
}

// verifyDomains fails unless flows are exactly of these destinations with these
// domains.
func verifyDomains(tb testing.TB, flows []flow.Flow, want ...named) {
	tb.Helper()
	got, expected := make(map[named]bool), make(map[named]bool)
	for i := range flows {
		f := &flows[i]
		got[named{f.NetworkNamespace, f.Reporter, f.Transport, addrPortOf(&f.Destination), strings.Join(f.Destination.Domains.Strings(), " ")}] = true
		require.True(tb, f.Source.Domains.Empty())
	}
	for _, w := range want {
		expected[w] = true
	}
	if diff := gocmp.Diff(expected, got, cmpopts.EquateComparable(netip.AddrPort{})); diff != "" {
		tb.Errorf("domains (-want +got):\n%s\n%s", diff, describe(flows))
	}
}

func addrPortOf(e *flow.Endpoint) netip.AddrPort { return netip.AddrPortFrom(e.Address, e.Port) }

// requireAllHeard fails if DNS messages were lost. Losses are the machine's, and
// others may lose packets of their own.
func requireAllHeard(tb testing.TB, r *rig) {
	tb.Helper()
	for _, l := range r.received().Losses {
		require.NotEqual(tb, flow.StageDNS, l.Stage, l)
	}
}

// reports returns what both ends in ns say of a destination that its source knows
// by these domains.
func reports(ns *netns.NS, transport flow.Transport, to netip.AddrPort, domains string) []named {
	return []named{
		{ns.Inode(), flow.ReporterSource, transport, to, domains},
		{ns.Inode(), flow.ReporterDestination, transport, to, ""},
	}
}

// visit makes a connection to an address where servers listen, and ends it.
func visit(tb testing.TB, ns *netns.NS, address string) netip.AddrPort {
	tb.Helper()
	client, server, to := connect(tb, ns, "tcp", net.JoinHostPort(address, "8080"))
	client.Close()
	server.Close()
	return to
}

func TestDomainsOfDestinations(t *testing.T) {
	for name, test := range map[string]struct {
		server, address string
		kind            dnsmessage.Type
	}{
		"ipv4": {"127.0.0.53:53", "127.0.0.1", dnsmessage.TypeA},
		"ipv6": {"[::1]:53", "::1", dnsmessage.TypeAAAA},
	} {
		t.Run(name, func(t *testing.T) {
			knows, knowsNot := netns.New(t), netns.New(t)
			_, server := nameServer(t, knows, test.server, map[string]reply{
				"www.example.com.":  {ttl: 300, to: []string{"cdn.example.net."}},
				"cdn.example.net.":  {ttl: 20, to: []string{test.address}},
				"shop.example.com.": {ttl: 60, to: []string{test.address}},
			})
			r := startDNS(t, nil)
			a := newAsker(t, knows, server)
			a.ask("WWW.example.com.", test.kind)
			tcp := visit(t, knows, test.address)
			a.ask("shop.example.com.", test.kind)
			udp := echo(t, knows, net.JoinHostPort(test.address, "9000"))
			require.NoError(t, exchange(dialUDP(t, knows, udp), 1, 10))
			visit(t, knowsNot, test.address)

			r.await("all ends", ends(8), knows, knowsNot)
			want := reports(knows, flow.TransportTCP, tcp, "www.example.com")
			want = append(want, reports(knows, flow.TransportUDP, udp, "shop.example.com www.example.com")...)
			want = append(want, reports(knowsNot, flow.TransportTCP, tcp, "")...)
			// The flow to the server began before its address, in one case, had a name.
			want = append(want, reports(knows, flow.TransportUDP, server, "")...)
			verifyDomains(t, r.finish(knows, knowsNot), want...)
			requireAllHeard(t, r)
		})
	}
}

// Each of many connections follows at once on the lookup of its address, and is
// named all the same; an address that nobody looked up is not.
func TestDomainsAreThereBeforeTheConnection(t *testing.T) {
	const n = 400
	ns := netns.New(t)
	z, server := nameServer(t, ns, "127.0.0.53:53", map[string]reply{})
	r := startDNS(t, nil)
	a := newAsker(t, ns, server)
	var want []named
	for i := range n {
		address, name := fmt.Sprintf("127.1.%d.%d", i/200, i%200+1), fmt.Sprintf("host-%d.example.", i)
		z.set(name, reply{ttl: 60, to: []string{address}})
		a.ask(name, dnsmessage.TypeA)
		want = append(want, reports(ns, flow.TransportTCP, visit(t, ns, address), strings.TrimSuffix(name, "."))...)
	}
	want = append(want, reports(ns, flow.TransportTCP, visit(t, ns, "127.2.0.1"), "")...)
	want = append(want, reports(ns, flow.TransportUDP, server, "")...)
	r.await("all ends", ends(2*n+4), ns)
	verifyDomains(t, r.finish(ns), want...)
}

// What the names were when a connection began stays with it: they outlast their
// time, and those that come later are not its own.
func TestDomainsStayWithAConnection(t *testing.T) {
	ns := netns.New(t)
	_, server := nameServer(t, ns, "127.0.0.53:53", map[string]reply{
		"first.example.": {to: []string{"127.0.0.1"}},
		"later.example.": {ttl: 60, to: []string{"127.0.0.1"}},
	})
	r := startDNS(t, func(c *Config) { c.Engines.DNS.MinTTL = time.Second })
	a := newAsker(t, ns, server)
	a.ask("first.example.", dnsmessage.TypeA)
	client, peer, to := connect(t, ns, "tcp", "127.0.0.1:0")
	send(t, client, peer, 10)
	r.await("the beginning", payloads(20), ns)
	time.Sleep(1200 * time.Millisecond)
	afterwards := visit(t, ns, "127.0.0.1")
	a.ask("later.example.", dnsmessage.TypeA)
	send(t, client, peer, 20)
	r.await("the middle", payloads(60), ns)
	client.Close()
	peer.Close()
	r.await("all ends", ends(4), ns)
	want := reports(ns, flow.TransportTCP, to, "first.example")
	want = append(want, reports(ns, flow.TransportTCP, afterwards, "")...) // the name has expired
	want = append(want, reports(ns, flow.TransportUDP, server, "")...)
	verifyDomains(t, r.finish(ns), want...)
}

// Where there is no room, the address goes that was looked up longest ago.
func TestDomainsOfTooManyAddresses(t *testing.T) {
	ns := netns.New(t)
	z, server := nameServer(t, ns, "127.0.0.53:53", map[string]reply{})
	r := startDNS(t, func(c *Config) { c.Engines.DNS.MaxNames = 2 })
	a := newAsker(t, ns, server)
	for i := range 3 {
		name := fmt.Sprintf("host-%d.example.", i)
		z.set(name, reply{ttl: 60, to: []string{fmt.Sprintf("127.1.0.%d", i+1)}})
		a.ask(name, dnsmessage.TypeA)
	}
	want := reports(ns, flow.TransportUDP, server, "")
	for i, domains := range []string{"", "host-1.example", "host-2.example"} {
		want = append(want, reports(ns, flow.TransportTCP, visit(t, ns, fmt.Sprintf("127.1.0.%d", i+1)), domains)...)
	}
	r.await("all ends", ends(8), ns)
	verifyDomains(t, r.finish(ns), want...)
}

// An answer to nothing that was asked, one to something else, and noise name
// nothing and harm nothing.
func TestHostileAnswers(t *testing.T) {
	ns := netns.New(t)
	forged := dnsmessage.Message{
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName("forged.example."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
		Answers: []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName("forged.example."), Class: dnsmessage.ClassINET, TTL: 3600},
			Body:   &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
		}},
	}
	forged.ID, forged.Response = 0xdead, true
	packed, err := forged.Pack()
	require.NoError(t, err)
	looping := append([]byte{0, 2, 0x80, 0, 0, 1, 0xff, 0xff, 0, 0, 0, 0}, 0xc0, 12, 0, 1, 0, 1)
	_, server := nameServer(t, ns, "127.0.0.53:53", map[string]reply{
		"one.example.":   {ttl: 60, to: []string{"127.0.0.2"}, before: packed},
		"two.example.":   {ttl: 60, to: []string{"127.0.0.3"}, before: looping},
		"three.example.": {ttl: 60, to: []string{"127.0.0.4"}, before: make([]byte, 3000)},
	})
	r := startDNS(t, nil)
	a := newAsker(t, ns, server)
	for _, name := range []string{"one.example.", "two.example.", "three.example."} {
		a.ask(name, dnsmessage.TypeA)
	}
	want := reports(ns, flow.TransportUDP, server, "")
	want = append(want, reports(ns, flow.TransportTCP, visit(t, ns, "127.0.0.1"), "")...)
	want = append(want, reports(ns, flow.TransportTCP, visit(t, ns, "127.0.0.2"), "one.example")...)
	want = append(want, reports(ns, flow.TransportTCP, visit(t, ns, "127.0.0.3"), "")...) // its query was answered by the noise
	want = append(want, reports(ns, flow.TransportTCP, visit(t, ns, "127.0.0.4"), "three.example")...)
	r.await("all ends", ends(10), ns)
	verifyDomains(t, r.finish(ns), want...)
}

// A resolver as programs use it asks for both kinds of address at once.
func TestDomainsByAResolver(t *testing.T) {
	ns := netns.New(t)
	_, server := nameServer(t, ns, "127.0.0.53:5353", map[string]reply{"www.example.com.": {ttl: 60, to: []string{"127.0.0.1", "::1"}}})
	r := startDNS(t, func(c *Config) {
		c.Engines.DNS.Ports = []uint16{53, 5353}
		c.Include.Ports = []uint16{8080} // lookups are read whether recorded or not
	})
	resolver := net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (c net.Conn, err error) {
		err = ns.Try(func() (err error) { c, err = net.Dial("udp", server.String()); return err })
		return c, err
	}}
	found, err := resolver.LookupNetIP(t.Context(), "ip", "www.example.com.")
	require.NoError(t, err)
	require.Len(t, found, 2)
	want := reports(ns, flow.TransportTCP, visit(t, ns, "127.0.0.1"), "www.example.com")
	want = append(want, reports(ns, flow.TransportTCP, visit(t, ns, "::1"), "www.example.com")...)
	r.await("all ends", ends(4), ns)
	verifyDomains(t, r.finish(ns), want...)
}

// What is denied is named too, by the socket's failure or by the kernel's drop.
func TestDomainsOfDenials(t *testing.T) {
	for name, drops := range map[string]bool{"by the socket": false, "by the drop": true} {
		t.Run(name, func(t *testing.T) {
			ns := netns.New(t)
			_, server := nameServer(t, ns, "127.0.0.53:53", map[string]reply{"closed.example.": {ttl: 60, to: []string{"127.0.0.9"}}})
			r := startDNS(t, func(c *Config) { c.Engines.Drops.Enabled = drops })
			newAsker(t, ns, server).ask("closed.example.", dnsmessage.TypeA)
			require.Error(t, ns.Try(func() error {
				_, err := net.Dial("tcp", "127.0.0.9:8080")
				return err
			}))
			denied := func(flows []flow.Flow) bool {
				return slices.ContainsFunc(flows, func(f flow.Flow) bool { return f.Action == flow.Deny })
			}
			r.await("the denial", denied, ns)
			flows := slices.DeleteFunc(r.finish(ns), func(f flow.Flow) bool { return f.Transport == flow.TransportUDP })
			verifyDomains(t, flows, named{ns.Inode(), flow.ReporterSource, flow.TransportTCP, netip.MustParseAddrPort("127.0.0.9:8080"), "closed.example"})
		})
	}
}

func TestNoDomainsUnlessTheyAreAskedFor(t *testing.T) {
	ns := netns.New(t)
	_, server := nameServer(t, ns, "127.0.0.53:53", map[string]reply{"example.com.": {ttl: 60, to: []string{"127.0.0.1"}}})
	r := startDatagram(t, func(c *Config) { c.Engines.TCP.Enabled = true })
	newAsker(t, ns, server).ask("example.com.", dnsmessage.TypeA)
	want := reports(ns, flow.TransportTCP, visit(t, ns, "127.0.0.1"), "")
	want = append(want, reports(ns, flow.TransportUDP, server, "")...)
	r.await("all ends", ends(4), ns)
	flows := r.finish(ns)
	verifyDomains(t, flows, want...)
	for i := range flows {
		require.Zero(t, flows[i].DNS)
	}
	agents := r.received().Agents
	require.Contains(t, agents[len(agents)-1].Engines, flow.Engine{Name: "dns", Detail: "turned off in the configuration"})
}

func TestLookupsAreCountedOnTheirFlow(t *testing.T) {
	const delay = 60 * time.Millisecond
	ns := netns.New(t)
	_, server := nameServer(t, ns, "127.0.0.53:53", map[string]reply{
		"slow.example.":    {ttl: 60, to: []string{"192.0.2.1"}, delay: delay},
		"fails.example.":   {code: dnsmessage.RCodeServerFailure},
		"refuses.example.": {code: dnsmessage.RCodeRefused},
		"odd.example.":     {code: dnsmessage.RCodeNotImplemented},
		"silent.example.":  {silent: true},
	})
	r := startDNS(t, nil)
	a, began := newAsker(t, ns, server), time.Now()
	for _, name := range []string{"slow.example.", "no.example.", "none.example.", "fails.example.", "refuses.example.", "odd.example."} {
		a.ask(name, dnsmessage.TypeA)
	}
	took := time.Since(began)
	b := newAsker(t, ns, server) // another flow in the same record
	b.send("silent.example.", dnsmessage.TypeA)
	b.send("silent.example.", dnsmessage.TypeAAAA)
	b.ask("slow.example.", dnsmessage.TypeA)
	r.await("the ends of both flows", ends(4), ns)
	var sum flow.DNS
	for _, f := range r.finish(ns) {
		if f.Reporter == flow.ReporterSource {
			sum.Merge(&f.DNS)
			continue
		}
		require.Zero(t, f.DNS, "the server's end counts nothing")
	}
	require.GreaterOrEqual(t, sum.LatencyMax, uint32(delay.Microseconds()))
	require.LessOrEqual(t, sum.LatencyMax, uint32((delay + time.Second).Microseconds()))
	require.GreaterOrEqual(t, sum.LatencySum, uint64(2*delay.Microseconds()))
	require.LessOrEqual(t, sum.LatencySum, uint64((took + delay + time.Second).Microseconds()))
	sum.LatencySum, sum.LatencyMax = 0, 0
	require.Equal(t, flow.DNS{
		Queries: 9, Responses: 7, Timeouts: 2, NXDomain: 2, ServFail: 1, Refused: 1, OtherErrors: 1,
	}, sum)
	requireAllHeard(t, r)
}

// lookups adds up what the records of clients count.
func lookups(flows []flow.Flow) (sum flow.DNS) {
	for i := range flows {
		sum.Merge(&flows[i].DNS)
	}
	return sum
}

// Where the address of a server is translated on the way out of its own machine,
// a query is seen behind the translation and its answer before it.
func TestLookupsThroughAddressTranslation(t *testing.T) {
	ns := netns.New(t)
	nft(t, ns, "add table ip nat; add chain ip nat out { type nat hook output priority -100; }; "+
		"add rule ip nat out ip daddr 127.0.0.100 udp dport 53 dnat to 127.0.0.53:5353")
	nameServer(t, ns, "127.0.0.53:5353", map[string]reply{"example.com.": {ttl: 60, to: []string{"127.0.0.1"}}})
	asked := netip.MustParseAddrPort("127.0.0.100:53")
	r := startDNS(t, nil)
	newAsker(t, ns, asked).ask("example.com.", dnsmessage.TypeA)
	to := visit(t, ns, "127.0.0.1")
	r.await("all ends", ends(2), ns)
	r.await("the lookup", func(flows []flow.Flow) bool { return lookups(flows).Queries == 1 }, ns)
	flows := r.finish(ns)
	sum := lookups(flows)
	require.Equal(t, [3]uint64{1, 1, 0}, [3]uint64{sum.Queries, sum.Responses, sum.Timeouts})
	flows = slices.DeleteFunc(flows, func(f flow.Flow) bool {
		if f.DNS.Queries > 0 {
			require.Equal(t, asked, addrPortOf(&f.Destination))
		}
		return f.Transport == flow.TransportUDP
	})
	verifyDomains(t, flows, reports(ns, flow.TransportTCP, to, "example.com")...)
}

// A forwarder asks several servers from one socket, and under one number.
func TestLookupsOfOneSocketAtSeveralServers(t *testing.T) {
	ns := netns.New(t)
	_, first := nameServer(t, ns, "127.0.0.53:53", map[string]reply{"example.com.": {ttl: 60, to: []string{"127.0.0.1"}}})
	_, second := nameServer(t, ns, "127.0.0.54:53", map[string]reply{})
	r := startDNS(t, nil)
	var c net.PacketConn
	ns.Do(t, func() (err error) {
		c, err = net.ListenPacket("udp", "127.0.0.1:0")
		return err
	})
	defer c.Close()
	m := dnsmessage.Message{Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName("example.com."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}}
	m.ID = 7
	packed, err := m.Pack()
	require.NoError(t, err)
	for _, server := range []netip.AddrPort{first, second} {
		_, err = c.WriteTo(packed, net.UDPAddrFromAddrPort(server))
		require.NoError(t, err)
	}
	for range 2 {
		require.NoError(t, c.SetReadDeadline(time.Now().Add(20*time.Second)))
		_, _, err = c.ReadFrom(make([]byte, 512))
		require.NoError(t, err)
	}
	to := visit(t, ns, "127.0.0.1")
	r.await("all ends", ends(6), ns)
	flows := r.finish(ns)
	want := reports(ns, flow.TransportTCP, to, "example.com")
	want = append(want, reports(ns, flow.TransportUDP, first, "")...)
	want = append(want, reports(ns, flow.TransportUDP, second, "")...)
	verifyDomains(t, flows, want...)
	for i := range flows {
		f := &flows[i]
		if f.Reporter != flow.ReporterSource || f.Transport != flow.TransportUDP {
			continue
		}
		nxdomain := uint64(0)
		if f.Destination.Address == second.Addr() {
			nxdomain = 1
		}
		if f.DNS != (flow.DNS{}) {
			require.Equal(t, [4]uint64{1, 1, 0, nxdomain}, [4]uint64{f.DNS.Queries, f.DNS.Responses, f.DNS.Timeouts, f.DNS.NXDomain})
		}
	}
	sum := lookups(flows)
	require.Equal(t, [4]uint64{2, 2, 0, 1}, [4]uint64{sum.Queries, sum.Responses, sum.Timeouts, sum.NXDomain})
}
