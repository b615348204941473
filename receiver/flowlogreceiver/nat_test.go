//go:build linux

package flowlogreceiver

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/netns"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
)

// node is a host that forwards between a client and backends, and translates as a
// test wants it to.
type node struct {
	host, client *netns.NS
	backends     []*netns.NS
}

// Addresses of a node: the host is .1 and ::1 in each network.
var (
	clientAddress  = netip.MustParseAddr("10.1.0.2")
	clientAddress6 = netip.MustParseAddr("fd01::2")
	hostAddress    = netip.MustParseAddr("10.1.0.1")
	service        = netip.MustParseAddrPort("10.96.0.1:80")
	service6       = netip.MustParseAddrPort("[fd96::1]:80")
)

func backendAddress(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 1, byte(i + 1), 2}) }
func backendAddress6(i int) netip.Addr {
	return netip.MustParseAddr(fmt.Sprintf("fd01:0:0:%d::2", i+1))
}

// newNode loads rules, in the language of nft, into the host.
func newNode(tb testing.TB, backends int, rules string) *node {
	tb.Helper()
	needEngine(tb, "nat")
	c := &node{host: netns.New(tb), client: netns.New(tb)}
	c.host.Sysctl(tb, "net/ipv4/ip_forward", "1")
	c.host.Sysctl(tb, "net/ipv6/conf/all/forwarding", "1")
	netns.Connect(tb, c.client, []string{"10.1.0.2/24", "fd01::2/64"}, c.host, []string{"10.1.0.1/24", "fd01::1/64"})
	gateways(tb, c.client, "10.1.0.1", "fd01::1")
	for i := range backends {
		b := netns.New(tb)
		net4, net6 := fmt.Sprintf("10.1.%d.", i+1), fmt.Sprintf("fd01:0:0:%d::", i+1)
		netns.Connect(tb, b, []string{net4 + "2/24", net6 + "2/64"}, c.host, []string{net4 + "1/24", net6 + "1/64"})
		gateways(tb, b, net4+"1", net6+"1")
		c.backends = append(c.backends, b)
	}
	nft(tb, c.host, "table inet node {\n"+rules+"\n}\n")
	return c
}

func gateways(tb testing.TB, ns *netns.NS, addresses ...string) {
	tb.Helper()
	for _, a := range addresses {
		ns.AddDefaultRoute(tb, a)
	}
}

// all are the namespaces of the node.
func (c *node) all() []*netns.NS { return append([]*netns.NS{c.host, c.client}, c.backends...) }

// counted counts what a Translator is asked, by the ends of it: others on this machine
// have connections too.
type counted struct {
	probe.Translator
	mu            sync.Mutex
	local, remote map[netip.AddrPort]int
}

func (c *counted) Translate(tuples []probe.Tuple, translations []probe.Translation) error {
	c.mu.Lock()
	for i := range tuples {
		c.local[tuples[i].Local]++
		c.remote[tuples[i].Remote]++
	}
	c.mu.Unlock()
	return c.Translator.Translate(tuples, translations)
}

// of is how often connections of a client's port were asked for, at both ends.
func (c *counted) of(client netip.AddrPort) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.local[client] + c.remote[client]
}

// start runs a receiver that asks the connection tracking of the node's host.
func (c *node) start(tb testing.TB, configure func(*Config)) (*rig, *counted) {
	tb.Helper()
	count := &counted{local: make(map[netip.AddrPort]int), remote: make(map[netip.AddrPort]int)}
	engines := probe.Engines()
	for i := range engines {
		if open := engines[i].OpenTranslator; open != nil {
			engines[i].OpenTranslator = func(o probe.Options) (probe.Translator, error) {
				o.NAT.Namespace = c.host.Path()
				translator, err := open(o)
				count.Translator = translator
				return count, err
			}
		}
	}
	return startWith(tb, engines, configure), count
}

// translated is what all records of a test must add up to for one pair of ends as
// one of them reports it.
type translated struct {
	Reporter       flow.Reporter
	Source, Client netip.Addr // Client is the source's own address, if that is another
	Destination    netip.AddrPort
	Service        netip.AddrPort // what the source asked for, if that is another
	Reason         string
	PeerUnseen     bool

	Started, Completed uint64
	Sent, Received     uint64 // payload
}

// bothTranslated returns the two reports of connections whose source is not
// translated.
func bothTranslated(t translated) []translated {
	t.Reporter = flow.ReporterSource
	d := t
	d.Reporter = flow.ReporterDestination
	return []translated{t, d}
}

// asked is n connections of ask, or exchanges of a datagram.
func asked(n uint64, t translated) translated {
	t.Started, t.Completed, t.Sent, t.Received = n, n, n*requestBytes, n*responseBytes
	return t
}

// verifyTranslated fails unless flows add up to exactly want.
func verifyTranslated(tb testing.TB, flows []flow.Flow, want ...translated) {
	tb.Helper()
	sums := make(map[translated]translated)
	for i := range flows {
		f := &flows[i]
		key := translated{
			Reporter: f.Reporter, Source: f.Source.Address, Client: f.Source.OriginalAddress,
			Destination: netip.AddrPortFrom(f.Destination.Address, f.Destination.Port),
			Service:     netip.AddrPortFrom(f.Destination.OriginalAddress, f.Destination.OriginalPort),
			Reason:      f.Denial.Reason.String(),
		}
		// Nobody sees a datagram server come, so the first record of the source may
		// be older than what is known of it.
		if f.Transport == flow.TransportTCP || f.Reporter == flow.ReporterDestination {
			key.PeerUnseen = !f.PeerObserved
		}
		sum, ok := sums[key]
		if !ok {
			sum = key
		}
		sum.Started += f.Connections.Started
		sum.Completed += f.Connections.Completed
		sum.Sent += f.Source.PayloadBytes
		sum.Received += f.Destination.PayloadBytes
		sums[key] = sum
	}
	var got []translated
	for _, sum := range sums {
		got = append(got, sum)
	}
	requireSums(tb, flows, want, got)
}

// serveAt is serve at a port that rules can name.
func serveAt(tb testing.TB, ns *netns.NS, address string) {
	tb.Helper()
	ns.Do(tb, func() error {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}
		tb.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go answer(c)
			}
		}()
		return nil
	})
}

// Every connection goes to one of two backends, in turns: each record names the
// one that it reached, beside the service.
const twoBackends = `
	chain prerouting {
		type nat hook prerouting priority dstnat;
		ip daddr 10.96.0.1 meta l4proto { tcp, udp } th dport 80 dnat ip to numgen inc mod 2 map { 0 : 10.1.1.2 . 8080, 1 : 10.1.2.2 . 8080 }
		ip6 daddr fd96::1 meta l4proto { tcp, udp } th dport 80 dnat ip6 to numgen inc mod 2 map { 0 : fd01:0:0:1::2 . 8080, 1 : fd01:0:0:2::2 . 8080 }
	}
`

// familiesOfService are the ends of what is asked of the service.
var familiesOfService = map[string]struct {
	client  netip.Addr
	service netip.AddrPort
	backend func(int) netip.Addr
	host    func(int) netip.Addr // towards a backend
}{
	"ipv4": {clientAddress, service, backendAddress, func(i int) netip.Addr { return backendAddress(i).Prev() }},
	"ipv6": {clientAddress6, service6, backendAddress6, func(i int) netip.Addr { return backendAddress6(i).Prev() }},
}

func TestConnectionsToAService(t *testing.T) {
	for name, test := range familiesOfService {
		t.Run(name, func(t *testing.T) {
			const n, direct = 600, 30
			c := newNode(t, 2, twoBackends)
			var want []translated
			for i, b := range c.backends {
				at := netip.AddrPortFrom(test.backend(i), 8080)
				serveAt(t, b, at.String())
				want = append(want, bothTranslated(asked(n/2, translated{Source: test.client, Destination: at, Service: test.service}))...)
			}
			straight := netip.AddrPortFrom(test.backend(0), 8080)
			want = append(want, bothTranslated(asked(direct, translated{Source: test.client, Destination: straight}))...)
			r, _ := c.start(t, nil)
			askMany(t, c.client, []netip.AddrPort{test.service}, n, 4)
			askMany(t, c.client, []netip.AddrPort{straight}, direct, 1)
			r.await("all ends", ends(2*(n+direct)), c.all()...)
			verifyTranslated(t, r.finish(c.all()...), want...)
		})
	}
}

// A server is mostly asked at its own address, by the probes of its node and by other
// pods, and now and then as a service: both ends of each such connection know.
func TestAServiceAmongDirectConnections(t *testing.T) {
	for name, test := range familiesOfService {
		t.Run(name, func(t *testing.T) {
			const probes, n, direct = 200, 40, 25 // for each connection to the service, so many to each backend
			c := newNode(t, 2, twoBackends)
			to := []netip.AddrPort{test.service}
			var want []translated
			for i, b := range c.backends {
				at := netip.AddrPortFrom(test.backend(i), 8080)
				serveAt(t, b, at.String())
				to = append(to, slices.Repeat([]netip.AddrPort{at}, direct)...)
				want = append(want, bothTranslated(asked(n/2, translated{Source: test.client, Destination: at, Service: test.service}))...)
				want = append(want, bothTranslated(asked(n*direct, translated{Source: test.client, Destination: at}))...)
				want = append(want, bothTranslated(asked(probes, translated{Source: test.host(i), Destination: at}))...)
			}
			r, _ := c.start(t, nil)
			for _, at := range []netip.AddrPort{to[1], to[1+direct]} {
				askMany(t, c.host, []netip.AddrPort{at}, probes, 1)
			}
			askMany(t, c.client, to, n*len(to), 4)
			r.await("all ends", ends(2*uint64(2*probes+n*len(to))), c.all()...)
			verifyTranslated(t, r.finish(c.all()...), want...)
		})
	}
}

func TestDatagramsToAService(t *testing.T) {
	for name, test := range familiesOfService {
		t.Run(name, func(t *testing.T) {
			const n, size = 200, 64
			c := newNode(t, 2, twoBackends)
			var want []translated
			for i, b := range c.backends {
				meet(t, c.client, b, test.backend(i).String())
			}
			r, _ := c.start(t, datagramOnly)
			for i, b := range c.backends {
				at := netip.AddrPortFrom(test.backend(i), 8080)
				echo(t, b, at.String())
				want = append(want, bothTranslated(translated{
					Source: test.client, Destination: at, Service: test.service,
					Started: n / 2, Completed: n / 2, Sent: n / 2 * size, Received: n / 2 * size,
				})...)
			}
			exchangeMany(t, c.client, test.service, n, size)
			r.await("all ends", ends(2*n), c.all()...)
			verifyTranslated(t, r.finish(c.all()...), want...)
		})
	}
}

// The packets of the host's own sockets are seen when they are translated already,
// and their answers when they no longer are: they are one flow all the same.
func TestDatagramsOfTheHostToAService(t *testing.T) {
	for name, test := range map[string]struct{ rule, from, client string }{
		"translated":            {"", "10.1.1.1", ""},
		"and behind an address": {"oifname veth1 snat ip to 10.1.1.7", "10.1.1.7", "10.1.1.1"},
		"and with another port": {"oifname veth1 masquerade random", "10.1.1.1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			const n, size = 50, 64
			c := newNode(t, 1, `
	chain output {
		type nat hook output priority -100;
		ip daddr 10.96.0.1 udp dport 80 dnat ip to 10.1.1.2:8080
	}
	chain postrouting {
		type nat hook postrouting priority srcnat;
		meta l4proto udp `+cmp.Or(test.rule, "accept")+`
	}
`)
			runIn(t, c.host, "ip route add 10.96.0.0/16 via 10.1.1.2")
			runIn(t, c.host, "ip address add 10.1.1.7/32 dev veth1")
			at := netip.AddrPortFrom(backendAddress(0), 8080)
			meet(t, c.host, c.backends[0], at.Addr().String())
			r, _ := c.start(t, datagramOnly)
			echo(t, c.backends[0], at.String())
			exchangeMany(t, c.host, service, n, size)
			r.await("all ends", ends(2*n), c.all()...)
			want := bothTranslated(translated{
				Source: netip.MustParseAddr("10.1.1.1"), Destination: at, Service: service,
				Started: n, Completed: n, Sent: n * size, Received: n * size,
			})
			want[1].Source = netip.MustParseAddr(test.from)
			if test.client != "" {
				want[1].Client = netip.MustParseAddr(test.client)
			}
			verifyTranslated(t, r.finish(c.all()...), want...)
		})
	}
}

// A node port is a service at the host's own address, for who is elsewhere and for
// the host itself.
func TestNodePort(t *testing.T) {
	const n = 50
	c := newNode(t, 1, `
	chain nodeports {
		ip daddr { 10.1.0.1, 127.0.0.1 } tcp dport 30080 dnat ip to 10.1.1.2:8080
	}
	chain prerouting {
		type nat hook prerouting priority dstnat;
		jump nodeports
	}
	chain output {
		type nat hook output priority -100;
		jump nodeports
	}
	chain postrouting {
		type nat hook postrouting priority srcnat;
		ip saddr 127.0.0.0/8 oifname "veth1" masquerade
	}
`)
	c.host.Sysctl(t, "net/ipv4/conf/all/route_localnet", "1")
	backend := netip.AddrPortFrom(backendAddress(0), 8080)
	serveAt(t, c.backends[0], backend.String())
	serveAt(t, c.host, "10.1.0.1:9000") // at the same address, and no node port
	nodePort, ofLoopback := netip.MustParseAddrPort("10.1.0.1:30080"), netip.MustParseAddrPort("127.0.0.1:30080")
	r, _ := c.start(t, nil)
	askMany(t, c.client, []netip.AddrPort{nodePort}, n, 2)
	askMany(t, c.client, []netip.AddrPort{netip.MustParseAddrPort("10.1.0.1:9000")}, n, 2)
	askMany(t, c.host, []netip.AddrPort{nodePort}, n, 2)
	askMany(t, c.host, []netip.AddrPort{ofLoopback}, n, 2)
	r.await("all ends", ends(8*n), c.all()...)
	towards := netip.MustParseAddr("10.1.1.1") // the host's, towards the backend
	want := bothTranslated(asked(n, translated{Source: clientAddress, Destination: backend, Service: nodePort}))
	want = append(want, bothTranslated(asked(n, translated{Source: clientAddress, Destination: netip.MustParseAddrPort("10.1.0.1:9000")}))...)
	want = append(want, bothTranslated(asked(n, translated{Source: hostAddress, Destination: backend, Service: nodePort}))...)
	want = append(want,
		asked(n, translated{Reporter: flow.ReporterSource, Source: loopback4, Destination: backend, Service: ofLoopback}),
		asked(n, translated{Reporter: flow.ReporterDestination, Source: towards, Client: loopback4, Destination: backend, Service: ofLoopback}))
	verifyTranslated(t, r.finish(c.all()...), want...)
}

// A pod that asks its own service reaches itself, and sees the host ask.
func TestHairpin(t *testing.T) {
	const n = 50
	c := newNode(t, 1, `
	chain prerouting {
		type nat hook prerouting priority dstnat;
		ip daddr 10.96.0.1 tcp dport 80 dnat ip to 10.1.1.2:8080
	}
	chain postrouting {
		type nat hook postrouting priority srcnat;
		ip saddr 10.1.1.2 ip daddr 10.1.1.2 masquerade
	}
`)
	pod, backend := c.backends[0], netip.AddrPortFrom(backendAddress(0), 8080)
	serveAt(t, pod, backend.String())
	r, _ := c.start(t, nil)
	askMany(t, pod, []netip.AddrPort{service}, n, 2)
	r.await("all ends", ends(2*n), c.all()...)
	verifyTranslated(t, r.finish(c.all()...),
		asked(n, translated{Reporter: flow.ReporterSource, Source: backend.Addr(), Destination: backend, Service: service}),
		asked(n, translated{
			Reporter: flow.ReporterDestination, Source: netip.MustParseAddr("10.1.1.1"), Client: backend.Addr(), Destination: backend, Service: service,
		}))
}

// Behind the host's address the client is still the one that reports: its
// connections count once, with and without a service.
func TestMasquerade(t *testing.T) {
	const n = 60
	c := newNode(t, 1, `
	chain prerouting {
		type nat hook prerouting priority dstnat;
		ip daddr 10.96.0.1 tcp dport 80 dnat ip to 10.1.1.2:8080
	}
	chain postrouting {
		type nat hook postrouting priority srcnat;
		ip saddr 10.1.0.2 masquerade
	}
`)
	backend := netip.AddrPortFrom(backendAddress(0), 8080)
	serveAt(t, c.backends[0], backend.String())
	r, _ := c.start(t, nil)
	askMany(t, c.client, []netip.AddrPort{service, backend}, 2*n, 2)
	r.await("all ends", ends(4*n), c.all()...)
	seen := translated{Reporter: flow.ReporterDestination, Source: netip.MustParseAddr("10.1.1.1"), Client: clientAddress, Destination: backend}
	seenForService := seen
	seenForService.Service = service
	flows := r.finish(c.all()...)
	verifyTranslated(t, flows,
		asked(n, translated{Reporter: flow.ReporterSource, Source: clientAddress, Destination: backend, Service: service}),
		asked(n, translated{Reporter: flow.ReporterSource, Source: clientAddress, Destination: backend}),
		asked(n, seen), asked(n, seenForService))
	var once uint64
	for i := range flows {
		if flows[i].CountsOnce() {
			once += flows[i].Connections.Completed
		}
	}
	require.Equal(t, uint64(2*n), once)
}

// The rules of kube-proxy's iptables mode, with its chains and its marks.
func TestRulesOfKubeProxy(t *testing.T) {
	const n = 40
	c := newNode(t, 2, "")
	restore := c.host.Command("iptables-restore")
	restore.Stdin = strings.NewReader(`*nat
:KUBE-SERVICES - [0:0]
:KUBE-SVC - [0:0]
:KUBE-SEP-0 - [0:0]
:KUBE-SEP-1 - [0:0]
-A PREROUTING -j KUBE-SERVICES
-A OUTPUT -j KUBE-SERVICES
-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE
-A KUBE-SERVICES -d 10.96.0.1/32 -p tcp -m tcp --dport 80 -j KUBE-SVC
-A KUBE-SVC -m statistic --mode nth --every 2 --packet 0 -j KUBE-SEP-0
-A KUBE-SVC -j KUBE-SEP-1
-A KUBE-SEP-0 -s 10.1.1.2/32 -j MARK --set-xmark 0x4000/0x4000
-A KUBE-SEP-0 -p tcp -m tcp -j DNAT --to-destination 10.1.1.2:8080
-A KUBE-SEP-1 -s 10.1.2.2/32 -j MARK --set-xmark 0x4000/0x4000
-A KUBE-SEP-1 -p tcp -m tcp -j DNAT --to-destination 10.1.2.2:8080
COMMIT
`)
	out, err := restore.CombinedOutput()
	require.NoError(t, err, string(out))
	var at [2]netip.AddrPort
	for i, b := range c.backends {
		at[i] = netip.AddrPortFrom(backendAddress(i), 8080)
		serveAt(t, b, at[i].String())
	}
	r, _ := c.start(t, nil)
	askMany(t, c.client, []netip.AddrPort{service}, n, 1)
	askMany(t, c.backends[0], []netip.AddrPort{service}, n, 1)
	r.await("all ends", ends(4*n), c.all()...)
	var want []translated
	for _, to := range at {
		want = append(want, bothTranslated(asked(n/2, translated{Source: clientAddress, Destination: to, Service: service}))...)
	}
	want = append(want, bothTranslated(asked(n/2, translated{Source: at[0].Addr(), Destination: at[1], Service: service}))...)
	itself := bothTranslated(asked(n/2, translated{Source: at[0].Addr(), Destination: at[0], Service: service}))
	itself[1].Source, itself[1].Client = netip.MustParseAddr("10.1.1.1"), at[0].Addr()
	verifyTranslated(t, r.finish(c.all()...), append(want, itself...)...)
}

// A connection keeps its translation over intervals, and is looked up once at
// each end.
func TestLongConnectionToAService(t *testing.T) {
	const rounds = 8
	c := newNode(t, 2, twoBackends)
	backend := netip.AddrPortFrom(backendAddress(0), 8080)
	var l net.Listener
	c.backends[0].Do(t, func() (err error) { l, err = net.Listen("tcp", backend.String()); return err })
	defer l.Close()
	r, count := c.start(t, nil)
	var client net.Conn
	c.client.Do(t, func() (err error) { client, err = net.Dial("tcp", service.String()); return err })
	defer client.Close()
	server, err := l.Accept()
	require.NoError(t, err)
	defer server.Close()
	for i := range uint64(rounds) {
		send(t, client, server, 1000)
		r.await("the data", payloads((i+1)*2000), c.all()...)
	}
	require.NoError(t, client.Close())
	require.NoError(t, server.Close())
	r.await("both ends", ends(2), c.all()...)
	verifyTranslated(t, r.finish(c.all()...), bothTranslated(translated{
		Source: clientAddress, Destination: backend, Service: service, Started: 1, Completed: 1, Sent: rounds * 1000,
	})...)
	require.Less(t, count.of(netip.MustParseAddrPort(client.LocalAddr().String())), rounds, "some more than two if sweeps meet the connect")
}

// Where nothing is translated records say so, whether connections are tracked or not.
func TestNoTranslations(t *testing.T) {
	for name, rules := range map[string]string{
		"tracked":     `chain c { type nat hook prerouting priority dstnat; }`,
		"not tracked": ``,
	} {
		t.Run(name, func(t *testing.T) {
			const n = 2000
			c := newNode(t, 1, rules)
			backend := netip.AddrPortFrom(backendAddress(0), 8080)
			serveAt(t, c.backends[0], backend.String())
			r, _ := c.start(t, nil)
			askMany(t, c.client, []netip.AddrPort{backend}, n, 8)
			r.await("all ends", ends(2*n), c.all()...)
			verifyTranslated(t, r.finish(c.all()...), bothTranslated(asked(n, translated{Source: clientAddress, Destination: backend}))...)
		})
	}
}

// A connect that fails names the backend as long as it is tracked: not when the
// backend resets it, and not when it is rejected on the way.
func TestFailedConnectionsToAService(t *testing.T) {
	c := newNode(t, 1, `
	chain prerouting {
		type nat hook prerouting priority dstnat;
		ip daddr 10.96.0.1 tcp dport { 80, 81 } dnat ip to 10.1.1.2
		ip daddr 10.96.0.1 tcp dport 82 dnat ip to 10.9.9.9
	}
	chain forward {
		type filter hook forward priority filter;
		tcp dport 81 reject with icmp type host-prohibited
	}
`)
	c.client.Sysctl(t, "net/ipv4/tcp_syn_retries", "1")
	// A backend that does not forward: nobody answers.
	runIn(t, c.host, "ip route add 10.9.9.9 via 10.1.1.2")
	r, _ := c.start(t, nil)
	at := func(port uint16) netip.AddrPort { return netip.AddrPortFrom(service.Addr(), port) }
	var errs [3]error
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() {
			errs[i] = c.client.Try(func() error { return dialBlocking(service.Addr().As4(), 80+i) })
		})
	}
	group.Wait()
	require.NoError(t, errors.Join(errs[:]...))
	r.await("all ends", ends(3), c.all()...)
	failed := func(to netip.AddrPort, of netip.AddrPort, reason string) translated {
		return translated{
			Reporter: flow.ReporterSource, Source: clientAddress, Destination: to, Service: of, Reason: reason,
			PeerUnseen: true, Started: 1, Completed: 1,
		}
	}
	verifyTranslated(t, r.finish(c.all()...),
		failed(at(80), netip.AddrPort{}, "connection_refused"),
		failed(at(81), netip.AddrPort{}, "host_unreachable"),
		failed(netip.MustParseAddrPort("10.9.9.9:82"), at(82), "timed_out"))
}

// With all engines on a denied connection to a service is one record, wherever the
// packets were dropped: on their way, or where nobody listens.
func TestDeniedConnectionsToAService(t *testing.T) {
	c := newNode(t, 1, `
	chain prerouting {
		type nat hook prerouting priority dstnat;
		ip daddr 10.96.0.1 tcp dport { 80, 81, 82 } dnat ip to 10.1.1.2
	}
	chain forward {
		type filter hook forward priority filter;
		tcp dport 81 drop
	}
`)
	block(t, c.backends[0], "type filter hook input priority 0; tcp dport 82 drop")
	c.client.Sysctl(t, "net/ipv4/tcp_syn_retries", "1")
	r, _ := c.start(t, func(c *Config) { c.Engines.Drops.Enabled, c.Engines.Datagram.Enabled = true, true })
	var errs [3]error
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() {
			errs[i] = c.client.Try(func() error { return dialBlocking(service.Addr().As4(), 80+i) })
		})
	}
	group.Wait()
	require.NoError(t, errors.Join(errs[:]...))
	r.await("all ends", ends(3), c.all()...)
	var want []translated
	for port, reason := range map[uint16]string{80: "no_socket", 81: "netfilter_drop", 82: "netfilter_drop"} {
		want = append(want, translated{
			Reporter: flow.ReporterSource, Source: clientAddress, Destination: netip.AddrPortFrom(backendAddress(0), port),
			Service: netip.AddrPortFrom(service.Addr(), port), Reason: reason, PeerUnseen: true, Started: 1, Completed: 1,
		})
	}
	verifyTranslated(t, r.finish(c.all()...), want...)
}

// Namespaces go with their connections open.
func TestTranslatedNamespacesVanish(t *testing.T) {
	var c *node
	var r *rig
	t.Run("while they live", func(t *testing.T) {
		c = newNode(t, 2, twoBackends)
		at := netip.AddrPortFrom(backendAddress(0), 8080)
		serveAt(t, c.backends[0], at.String())
		serveAt(t, c.backends[1], netip.AddrPortFrom(backendAddress(1), 8080).String())
		r, _ = c.start(t, nil)
		askMany(t, c.client, []netip.AddrPort{service}, 10, 1)
		r.await("all ends", ends(20), c.all()...)
	})
	// The receiver was stopped before they went; its thread in the host's is gone too.
	var want []translated
	for i := range 2 {
		want = append(want, bothTranslated(asked(5, translated{
			Source: clientAddress, Destination: netip.AddrPortFrom(backendAddress(i), 8080), Service: service,
		}))...)
	}
	verifyTranslated(t, r.finish(c.all()...), want...)
}
