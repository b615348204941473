package workload

import (
	"math"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// connection is a connection of TCP, or a flow of datagrams.
type connection struct {
	source, destination *end
	service             *service // that the source asked for, nil for none
	transport           flow.Transport
	sourcePort, port    uint16
	// told is when the last report was, in nanoseconds since the Unix epoch, first of the
	// begin.
	told int64
	// begins until the begin is reported; one that is older than the agents never did.
	begins bool
	// named is set if the agents saw the look-up before it.
	named bool
	// swept is how long before the end of an interval a sweep comes to it.
	swept time.Duration
}

// sweep is how long an agent's takes.
const sweep = 4 * time.Millisecond

// dial begins a connection of TCP from source.
func dial(source, destination *end, s *service, port uint16, at int64) connection {
	c := connection{
		source: source, destination: destination, service: s, transport: flow.TransportTCP,
		sourcePort: source.sourcePort(), port: port, told: at, begins: true, named: true,
	}
	c.swept = sweep * time.Duration(c.sourcePort%997) / 997
	return c
}

// call is dial to a backend of a service, any of them.
func (k *cluster) call(source *end, s *service, at int64) connection {
	return dial(source, pick(k.chance, s.backends), s, s.target, at)
}

// fate is how a connection ended.
type fate uint8

const (
	open fate = iota
	closedBySource
	closedByDestination
	resetBySource
	resetByDestination
	timedOut
	abandoned // by the source, before an answer
	silent    // a flow of datagrams for its idle timeout
)

// news is what a connection did since its last report.
type news struct {
	at             int64 // of the end; who lives, and who is silent, is told of by the sweep
	sent, received uint64
	fate           fate
	dns            flow.DNS
	// datagrams are how many there were each way; TCP has segments.
	queries, answers uint64
}

// report has the agents of both ends tell of c.
func (w *Workload) report(c *connection, n news) {
	if n.fate == open || n.fate == silent {
		n.at = later(w.to, -c.swept)
	}
	n.at = max(n.at, c.told)
	f := w.begin(c, n.at)
	f.Action, f.Connections = flow.Allow, connections(c.begins, n.fate)
	if c.transport == flow.TransportTCP {
		segments(&f, c.begins, &n)
	} else {
		datagrams(&f, &n)
	}
	f.PeerObserved = c.source.node != nil && c.destination.node != nil && n.fate != abandoned
	if c.source.node != nil {
		own := f
		own.DNS = n.dns
		w.health(&own, c, &n, flow.ReporterSource)
		w.tell(own, c, flow.ReporterSource)
	}
	if c.destination.node != nil && n.fate != abandoned {
		w.health(&f, c, &n, flow.ReporterDestination)
		w.tell(f, c, flow.ReporterDestination)
	}
	c.told, c.begins = n.at, false
}

// begin is a record of c without counters.
func (w *Workload) begin(c *connection, at int64) flow.Flow {
	f := flow.Flow{Start: c.told, End: at, Transport: c.transport}
	f.Source.Port, f.Destination.Port = c.sourcePort, c.port
	return f
}

// tell completes a record by what one end's agent knows, and gives it to the agent.
func (w *Workload) tell(f flow.Flow, c *connection, by flow.Reporter) {
	source, destination := c.source, c.destination
	reporter := source
	if by == flow.ReporterDestination {
		reporter = destination
	}
	n := reporter.node
	f.Observer, f.Reporter = n.observer, by
	// Where a packet is dropped on its way in, no process is known, and no cgroup.
	cgroup := f.Action == flow.Allow || by == flow.ReporterSource
	f.NetworkNamespace = f.Denial.Namespace
	if cgroup {
		f.NetworkNamespace, f.Process = reporter.namespace, reporter.process
	}
	describe(&f.Source, source, by == flow.ReporterSource && cgroup)
	describe(&f.Destination, destination, by == flow.ReporterDestination && cgroup)
	together := source.node == destination.node
	allowed := f.Action == flow.Allow && f.Connections.Abandoned == 0
	if by == flow.ReporterSource || together && allowed {
		f.Source.Process = source.process.Executable
	}
	if allowed && (by == flow.ReporterDestination || together) {
		f.Destination.Process = destination.process.Executable
	}
	if s := c.service; s != nil {
		// The node that translates is the source's, or the first that the packet comes to.
		translator := by == flow.ReporterSource || together || source.node == nil
		if translator && !s.headless {
			f.Destination.OriginalAddress, f.Destination.OriginalPort = s.address, s.Port
		}
		if translator || s.headless {
			f.Destination.Kubernetes = w.cluster.reachedBy(s, f.Destination.Kubernetes)
		}
	}
	if by == flow.ReporterSource && c.named {
		f.Destination.Domains = destination.domains
		if c.service != nil {
			f.Destination.Domains = c.service.domains
		}
	}
	n.pending.add(&f, w.config.KeepSourcePort)
}

func describe(to *flow.Endpoint, e *end, own bool) {
	to.Address, to.Scope, to.Type, to.Kubernetes = e.address, flow.ScopeOf(e.address), e.kind, e.identity
	if own {
		to.Type, to.Kubernetes = e.ownKind, e.own
	}
}

func connections(begins bool, f fate) flow.Connections {
	c := flow.Connections{Seen: 1, Completed: 1}
	if begins {
		c.Started = 1
	}
	switch f {
	case open:
		c.Completed, c.Open = 0, 1
	case resetBySource:
		c.Reset, c.ResetBySource = 1, 1
	case resetByDestination:
		c.Reset, c.ResetByDestination = 1, 1
	case timedOut:
		c.TimedOut = 1
	case abandoned:
		c.Abandoned = 1
	}
	return c
}

const (
	mss        = 1448 // of Ethernet, with the timestamps that Linux sends
	tcpHeaders = 52
	udpHeaders = 28
	// unanswered is how often the destination sends its end again until it gives up.
	unanswered = 8
)

// segments counts what carries the payload: full segments, an acknowledgement for
// every other one of the other side, and the handshakes.
func segments(f *flow.Flow, begins bool, n *news) {
	sent, received := (n.sent+mss-1)/mss, (n.received+mss-1)/mss
	f.Source.PayloadBytes, f.Source.Packets = n.sent, sent+(received+1)/2
	f.Destination.PayloadBytes, f.Destination.Packets = n.received, received+(sent+1)/2
	options := uint64(0)
	switch {
	case n.fate == abandoned: // a SYN, and once more
		f.Source.Packets, options = 2, 2*8
	case begins:
		f.Source.Packets += 2
		f.Destination.Packets++
		options = 8
	}
	switch n.fate {
	case closedBySource, closedByDestination:
		f.Source.Packets += 2
		f.Destination.Packets++
	case resetBySource:
		f.Source.Packets++
	case resetByDestination:
		f.Destination.Packets++
	case timedOut:
		f.Destination.Packets += unanswered
	}
	f.Source.Bytes = n.sent + f.Source.Packets*tcpHeaders + options
	f.Destination.Bytes = n.received + f.Destination.Packets*tcpHeaders
	if f.Destination.Packets > 0 {
		f.Destination.Bytes += options
	}
}

func datagrams(f *flow.Flow, n *news) {
	f.Source.PayloadBytes, f.Source.Packets, f.Source.Bytes = n.sent, n.queries, n.sent+n.queries*udpHeaders
	f.Destination.PayloadBytes, f.Destination.Packets, f.Destination.Bytes = n.received, n.answers, n.received+n.answers*udpHeaders
}

// health is what the reporter's socket has measured.
func (w *Workload) health(f *flow.Flow, c *connection, n *news, by flow.Reporter) {
	if c.transport != flow.TransportTCP {
		return
	}
	t := &f.TCP
	t.FinalState = finalState(n.fate, by)
	if n.fate == abandoned {
		t.Retransmits, t.Lost, t.Timeouts = 1, 1, 1
		return
	}
	if n.fate == timedOut && by == flow.ReporterDestination {
		t.Retransmits, t.Lost, t.Timeouts = unanswered-1, unanswered-1, unanswered-1
	}
	way := c.distance()
	least := uint32(w.chance.logNormal(way, 0.1)) + 1
	rtt := least + uint32(w.chance.logNormal(way/4, 0.8))
	t.RTTSum, t.RTTSamples, t.RTTMin, t.RTTMax, t.MinRTTSum, t.MinRTTMax = uint64(rtt), 1, least, rtt, uint64(least), least
	if c.begins {
		t.HandshakeSum, t.HandshakeSamples, t.HandshakeMax = uint64(rtt), 1, rtt
	}
	out := &f.Source
	if by == flow.ReporterDestination {
		out = &f.Destination
	}
	segments := out.PayloadBytes / mss
	window := uint32(10 + min(segments, 300))
	t.CwndSum, t.CwndMin, t.MSSSum, t.MSSMin, t.Samples = uint64(window), window, mss, mss, 1
	// One segment in ten thousand is lost within the cluster, one in five hundred outside.
	lost := 1e-4
	if c.source.node == nil || c.destination.node == nil {
		lost = 2e-3
	}
	if again := uint64(w.chance.poisson(float64(segments+1) * lost)); again > 0 {
		t.Retransmits += again
		t.Lost += again
		out.Packets += again
		out.Bytes += again * (mss + tcpHeaders)
		if window > 12 {
			t.CwndMin, t.CwndSum = window/2, uint64(window/2)
		}
	}
}

func finalState(f fate, by flow.Reporter) flow.TCPState {
	first := by == flow.ReporterSource // who closes
	switch f {
	case closedByDestination:
		first = !first
		fallthrough
	case closedBySource:
		if first {
			return flow.TCPTimeWait
		}
		return flow.TCPLastAck
	case resetBySource, resetByDestination, timedOut:
		return flow.TCPEstablished
	case abandoned:
		return flow.TCPSynSent
	default:
		return flow.TCPStateUnknown
	}
}

// distance is what a round trip takes at least, in microseconds: on one node, in one zone
// and between zones as clouds give them.
func (c *connection) distance() float64 {
	a, b := c.source.node, c.destination.node
	switch {
	case a == nil:
		return c.source.rtt
	case b == nil:
		return math.Max(c.destination.rtt, 1)
	case a == b:
		return 40
	case a.zone == b.zone:
		return 150
	default:
		return 700
	}
}

// later is a moment after at.
func later(at int64, d time.Duration) int64 { return at + int64(d) }
