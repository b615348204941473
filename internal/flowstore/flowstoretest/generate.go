package flowstoretest

import (
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// Start is the time around which the generated records lie.
const Start = int64(1_767_225_600_000_000_000) // 2026-01-01T00:00:00Z

const (
	second = int64(1_000_000_000)
	span   = 3600 * second
)

// Generator makes random records, the same for the same seed. Values come from
// small pools, so that they repeat, tie and collide, and among them are those that
// stores get wrong: absent and empty text, wildcards, quotes, letters beyond ASCII,
// IPv4 mapped into IPv6.
type Generator struct {
	*rand.Rand
	// Keep changes each flow record into one that a store keeps as it is; nil changes
	// none.
	Keep func(*flow.Flow)

	next flow.ID
}

// NewGenerator returns the generator of seed.
func NewGenerator(seed uint64) *Generator {
	return &Generator{
		Rand: rand.New(rand.NewPCG(seed, seed)),
		next: flow.ID{Node: 0x5eed0000 + uint32(seed), Epoch: uint32(Start / second), Counter: 1},
	}
}

var (
	hosts      = []string{"node-1", "node-2", "Node-3"}
	processes  = []string{"curl", "nginx", "CURL", "python3.12", "100%", "a_b", "a-b", "axb", `say "hi"`, `back\slash`, "größe", "GRÖSSE", "日本", "", "x y", "(paren)", "naïve'quote"}
	reasons    = []string{"connection_refused", "timed_out", "host_unreachable"}
	domains    = []string{"example.com", "Example.com", "www.example.com", "a,b.example", "100%.example", "grö.example", ""}
	namespaces = []string{"shop", "kube-system"}
	pods       = []string{"web-5d8f9c7b6-abcde", "db-0"}
	labels     = []flow.Labels{
		{}, {}, flow.LabelsOf(), flow.LabelsOfMap(map[string]string{"app": "web"}), flow.LabelsOfMap(map[string]string{"app": "web", "tier": "front"}),
		flow.LabelsOfMap(map[string]string{"App": "WEB", "example.com/größe": `100% "x"`, "none": ""}),
	}
	interfaces = []string{"eth0", "veth1"}
	cgroups    = []string{"/system.slice/ssh.service", "/kubepods/besteffort/pod1/2", "/"}
	addresses  = []string{
		"10.0.0.1", "10.0.0.2", "10.0.1.1", "10.128.0.1", "127.0.0.1", "192.168.1.255", "192.168.2.0", "8.8.8.8", "0.0.0.0", "255.255.255.255",
		"100.64.3.4", "::1", "::", "fe80::1", "2001:db8::1", "2001:db8:0:1::1", "2001:db8:ffff::1", "fd00::a00:1", "a00::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		"::ffff:10.0.0.1", "::ffff:8.8.8.8",
	}
	ports = []uint16{0, 22, 53, 80, 443, 8443, 65535}
)

var (
	containers   = []string{"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}
	commandLines = []string{"curl --silent https://example.com", "nginx: worker process", "mysql --password=***"}
)

func pick[T any](g *Generator, list []T) T { return list[g.IntN(len(list))] }

func (g *Generator) name(list []string) flow.Name {
	if g.IntN(4) == 0 {
		return flow.Name{}
	}
	return flow.Intern(pick(g, list))
}

// id gives most records the next number and some a number with a gap before it.
func (g *Generator) id() flow.ID {
	id := g.next
	g.next.Counter++
	switch g.IntN(50) {
	case 0:
		g.next.Counter += uint64(g.IntN(5))
	case 1:
		g.next.Epoch++
		g.next.Counter = 1
	}
	return id
}

func (g *Generator) observer() flow.Observer {
	return flow.Observer{Host: g.name(hosts), Node: g.name(hosts[:2]), Cluster: g.name([]string{"east"})}
}

// time is often a whole second, so that records tie.
func (g *Generator) time() int64 {
	at := Start + g.Int64N(span)
	if g.IntN(3) > 0 {
		at -= at % (30 * second)
	}
	return at
}

func (g *Generator) counter() uint64 {
	switch g.IntN(4) {
	case 0:
		return 0
	case 1:
		return g.Uint64N(10)
	default:
		return g.Uint64N(1 << 40)
	}
}

func (g *Generator) endpoint() flow.Endpoint {
	e := flow.Endpoint{
		Port:         pick(g, ports),
		Type:         flow.EndpointType(g.IntN(6)),
		Scope:        flow.Scope(g.IntN(8)),
		Process:      g.name(processes),
		Bytes:        g.counter(),
		Packets:      g.counter(),
		PayloadBytes: g.counter(),
	}
	if g.IntN(6) > 0 {
		e.Address = netip.MustParseAddr(pick(g, addresses))
	}
	if g.IntN(2) == 0 {
		e.Kubernetes = g.kubernetes()
	}
	return e
}

// kubernetes always knows the namespace, as what is decoded always knows something.
func (g *Generator) kubernetes() *flow.Kubernetes {
	return &flow.Kubernetes{
		Namespace: flow.Intern(pick(g, namespaces)), Pod: g.name(pods), PodUID: g.name(pods), PodPrefix: g.name(pods), Container: g.name(processes),
		PodLabels: pick(g, labels), NamespaceLabels: pick(g, labels),
		WorkloadKind: g.name([]string{"Deployment", "Pod"}), WorkloadName: g.name(processes),
		Node: g.name(hosts), Zone: g.name([]string{"a", "b"}), Network: g.name(domains),
		Uncertain: flow.NameSetOf(g.name([]string{flow.UncertainLagging, flow.UncertainAmbiguous}), g.name([]string{flow.UncertainConflict})),
	}
}

// Flow makes one flow record.
func (g *Generator) Flow() flow.Flow {
	end := g.time()
	f := flow.Flow{
		ID:               g.id(),
		Start:            end - g.Int64N(20*second),
		End:              end,
		Observer:         g.observer(),
		Reporter:         flow.Reporter(g.IntN(4)),
		PeerObserved:     g.IntN(2) == 0,
		Action:           flow.Action(g.IntN(3)),
		Transport:        pick(g, []flow.Transport{0, flow.TransportTCP, flow.TransportTCP, flow.TransportUDP, flow.TransportICMPv6, 47}),
		NetworkNamespace: pick(g, []uint32{0, 4026531840, 4026532000}),
		Source:           g.endpoint(),
		Destination:      g.endpoint(),
		Process:          flow.Process{Executable: g.name(processes), PID: pick(g, []uint32{0, 1, 4242}), Cgroup: g.name(cgroups), Container: g.name(containers), CommandLine: g.name(commandLines)},
		Connections: flow.Connections{
			Seen: g.counter(), Started: g.counter(), Completed: g.counter(), Open: g.counter(),
			Reset: g.counter(), TimedOut: g.counter(), Abandoned: g.counter(),
			ResetBySource: g.counter(), ResetByDestination: g.counter(),
		},
	}
	if f.Action == flow.Deny {
		f.Denial = flow.Denial{Reason: g.name(reasons), Class: flow.DenyClass(g.IntN(9)), Interface: g.name(interfaces), Namespace: pick(g, []uint32{0, 4026531840})}
	}
	if f.Transport == flow.TransportICMPv6 {
		f.ICMP = flow.ICMP{Type: pick(g, []uint8{0, 1, 128}), Code: pick(g, []uint8{0, 4})}
	}
	if g.IntN(3) == 0 {
		f.DNS = flow.DNS{
			Queries: g.counter(), Responses: g.counter(), Timeouts: g.counter(),
			NXDomain: g.counter(), ServFail: g.counter(), Refused: g.counter(), OtherErrors: g.counter(),
			LatencySum: g.counter(), LatencyMax: g.Uint32N(90000),
		}
	}
	if k := f.Destination.Kubernetes; k != nil {
		k.Service = flow.Service{Name: g.name(processes), Namespace: g.name(namespaces), PortName: g.name([]string{"http", ""}), Port: pick(g, ports)}
	}
	f.Destination.Domains = flow.NameSetOf(g.name(domains), g.name(domains), g.name(domains))
	if g.IntN(2) == 0 {
		f.TCP = flow.TCP{
			RTTSum: 1 + g.Uint64N(1<<30), RTTSamples: 1 + g.Uint64N(8),
			RTTMin: g.Uint32N(5000), RTTMax: g.Uint32N(90000), Retransmits: g.counter(),
			CwndSum: g.counter(), Samples: g.Uint64N(8), CwndMin: g.Uint32N(100), HandshakeSum: g.counter(), HandshakeSamples: g.Uint64N(8),
			Lost: g.counter(), Timeouts: g.counter(), WindowLimited: g.counter(), FinalState: flow.TCPState(g.IntN(int(flow.TCPMixed) + 1)),
		}
	}
	f.IPVersion = flow.IPVersion(g.IntN(3))
	f.IPVersion = f.NetworkType()
	if g.IntN(3) == 0 {
		f.Aggregation = g.aggregation()
		f.SamplingRate = pick(g, []uint64{0, 10})
		f.Folded = pick(g, []uint64{0, 3})
	}
	if g.Keep != nil {
		g.Keep(&f)
	}
	return f
}

// aggregation always knows the level, as what is decoded always knows something.
func (g *Generator) aggregation() *flow.Aggregation {
	a := &flow.Aggregation{Level: flow.Level(1 + g.IntN(int(flow.LevelOverflow))), Records: g.counter()}
	for i, l := range flow.Listings() {
		if g.IntN(2) == 0 {
			continue
		}
		a.Lists[i].Count = g.counter()
		if l.List != l.Of {
			a.Lists[i].Values = g.listed(flow.Flows.Lookup(l.Of).Type)
		}
	}
	a.Estimated = flow.NameSetOf(g.name([]string{"source.port_count", "source.address_count"}))
	return a
}

// listed makes values of a type as a list has them, and among them what is none.
func (g *Generator) listed(t flow.Type) []string {
	pool := processes
	switch t {
	case flow.Address:
		pool = append([]string{"fe80::1%eth0", "10.0.0.01", "invalid IP"}, addresses...)
	case flow.Integer:
		pool = []string{"22", "80", "443", "4242", "0080", " 80", "-0", "80.5", "9223372036854775808", "many"}
	}
	list := make([]string, 1+g.IntN(4))
	for i := range list {
		list[i] = pick(g, pool)
	}
	return list
}

// Loss makes one loss.
func (g *Generator) Loss() flow.Loss {
	end := g.time()
	return flow.Loss{
		ID: g.id(), Observer: g.observer(), Start: end - g.Int64N(60*second), End: end,
		Stage: pick(g, []string{flow.StageRingBuffer, flow.StageMerge, ""}),
		Unit:  pick(g, []string{flow.UnitConnections, flow.UnitRecords, flow.UnitPackets}), Count: g.counter(),
	}
}

// Agent makes one sign of life. No two are of one time, as which of them is newer would
// not be known.
func (g *Generator) Agent() flow.Agent {
	id := g.id()
	a := flow.Agent{
		ID: id, Observer: g.observer(), Time: g.time() + int64(id.Counter)<<8 + int64(id.Node&0xff), Started: Start - span, Version: pick(g, []string{"", "0.1.0"}),
		Interval: 10 * second, Ended: g.IntN(8) == 0, Connections: g.counter(), Records: g.counter(), Lost: g.counter(),
		CPUTime: g.Int64N(span), Memory: g.counter(),
	}
	for _, name := range []string{"tcp", "udp"}[:g.IntN(3)] {
		a.Engines = append(a.Engines, flow.Engine{Name: name, On: g.IntN(2) == 0, Detail: pick(g, []string{"", "no BTF: use a newer kernel"})})
	}
	return a
}

// Batch makes a batch of n flows with some losses and agents.
func (g *Generator) Batch(n int) *flow.Batch {
	batch := &flow.Batch{}
	for range n {
		batch.Flows = append(batch.Flows, g.Flow())
		if g.IntN(10) == 0 {
			batch.Losses = append(batch.Losses, g.Loss())
		}
		if g.IntN(10) == 0 {
			batch.Agents = append(batch.Agents, g.Agent())
		}
	}
	return batch
}

// Filter makes the text of a random filter over values that flows hold and some
// that they do not.
func (g *Generator) Filter(flows []flow.Flow, depth int) string {
	if depth > 0 {
		switch g.IntN(5) {
		case 0:
			return "(" + g.Filter(flows, depth-1) + " and " + g.Filter(flows, depth-1) + ")"
		case 1:
			return "(" + g.Filter(flows, depth-1) + " or " + g.Filter(flows, depth-1) + ")"
		case 2:
			return "not (" + g.Filter(flows, depth-1) + ")"
		}
	}
	fields := flow.Flows.Fields()
	return g.Condition(&fields[g.IntN(len(fields))], pick(g, Operators), flows)
}

// Operators are the filter language's.
var Operators = []string{"=", "!=", "<", "<=", ">", ">=", "~", "!~", "in", "not in", "exists", "not exists"}

// Condition makes a condition on field, sometimes on both ends.
func (g *Generator) Condition(field *flow.Field[flow.Flow], op string, flows []flow.Flow) string {
	name := field.Name
	if rest, ok := strings.CutPrefix(name, "source."); ok && g.IntN(4) == 0 {
		name = "either." + rest
	}
	switch op {
	case "exists", "not exists":
		return name + " " + op
	case "in", "not in":
		values := make([]string, 1+g.IntN(4))
		for i := range values {
			values[i] = g.operand(field, true, flows)
		}
		return name + " " + op + " (" + strings.Join(values, ", ") + ")"
	case "~", "!~":
		text := unquote(g.operand(field, false, flows))
		if text != "" {
			runes := []rune(text)
			from := g.IntN(len(runes))
			text = string(runes[from : from+1+g.IntN(len(runes)-from)])
		}
		if g.IntN(2) == 0 {
			text = strings.ToUpper(text)
		}
		return name + " " + op + " " + quote(text)
	default:
		return name + " " + op + " " + g.operand(field, op == "=" || op == "!=", flows)
	}
}

// operand prints a value of the field's type.
func (g *Generator) operand(field *flow.Field[flow.Flow], prefixes bool, flows []flow.Flow) string {
	if field.Type == flow.Address && prefixes && g.IntN(2) == 0 {
		addr := netip.MustParseAddr(pick(g, addresses)).Unmap()
		prefix, _ := addr.Prefix(g.IntN(addr.BitLen() + 1))
		return prefix.String()
	}
	if len(flows) > 0 && g.IntN(8) > 0 {
		for range 20 {
			if v := field.Get(&flows[g.IntN(len(flows))]); (v.Type == flow.Keywords || v.Type == flow.Map) && len(v.Items()) > 0 {
				return quote(pick(g, v.Items()))
			} else if v.Present() {
				return quote(v.String())
			}
		}
	}
	switch field.Type {
	case flow.Address:
		return netip.MustParseAddr(pick(g, addresses)).Unmap().String()
	case flow.Integer:
		return strconv.FormatInt(g.Int64()-g.Int64(), 10)
	case flow.Boolean:
		return pick(g, []string{"true", "false"})
	case flow.Time:
		return "2026-01-01T00:30:00.5Z"
	default:
		return quote(pick(g, processes))
	}
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func unquote(s string) string {
	s = strings.TrimSuffix(strings.TrimPrefix(s, `"`), `"`)
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(s)
}
