//go:build linux

package capture

import (
	"net/netip"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/dns"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
)

// maxNamed bounds the open connections whose names are remembered.
const maxNamed = 262144

// DNSOptions are those of the dns engine's memory.
type DNSOptions struct {
	// MaxNames is of how many addresses the names are remembered, MinTTL for how long
	// at least.
	MaxNames int
	MinTTL   time.Duration
}

// resolver knows what DNS told the programs of this machine.
type resolver struct {
	source  probe.DNSSource
	engine  int // its place in engines
	stopped bool

	names   *dns.Names
	lookups *dns.Lookups
	// named holds the names of open connections, which last as long as those.
	named map[connection]flow.NameSet
}

// connection is one as its source reports it.
type connection struct {
	netns         uint32
	transport     flow.Transport
	local, remote netip.AddrPort
	icmp          flow.ICMP
}

func newResolver(source probe.DNSSource, engine int, opts Options) *resolver {
	// The counts of a flow wait for its next event, the last of which its silence
	// brings.
	keep := opts.Probe.Datagram.IdleUDP + 2*opts.Interval + time.Minute
	if !opts.Enabled["datagram"] {
		keep = 0 // there are no such events
	}
	return &resolver{
		source: source, engine: engine,
		names:   dns.NewNames(opts.DNS.MaxNames, opts.DNS.MinTTL),
		lookups: dns.NewLookups(keep),
		named:   make(map[connection]flow.NameSet),
	}
}

// listen takes in the messages that have come. The kernel hands out a message only
// when it is in the ring, so that listening before any other event is handled
// finds whatever that event can have come of.
func (c *Capture) listen() {
	r := c.resolver
	if r == nil || r.stopped {
		return
	}
	if err := r.source.Read(r.hear); err != nil {
		r.stopped = true
		c.turnOff(r.engine, err)
	}
}

func (r *resolver) hear(m *probe.DNSMessage) {
	query := dns.Query{Socket: m.Socket, ID: m.ID}
	if !m.Connected {
		query.Server = m.Remote
	}
	if m.Answer == nil {
		r.lookups.Query(dns.Conversation{NetNS: m.NetNS, Client: m.Local, Server: m.Remote}, query, m.Time)
		return
	}
	if !r.lookups.Response(query, m.Time, dns.Code(m.Answer)) {
		return
	}
	answer := dns.Parse(m.Answer)
	name := flow.InternKnown(answer.Name)
	for _, address := range answer.Addresses {
		r.names.Learn(m.NetNS, name, address, m.Time)
	}
}

// describe adds to f, which is made of a source's event, what DNS told.
func (r *resolver) describe(f *flow.Flow, ev *probe.Event) {
	f.Destination.Domains = r.domains(ev)
	if ev.Transport == flow.TransportUDP {
		f.DNS = r.lookups.Take(dns.Conversation{NetNS: ev.NetNS, Client: ev.Local, Server: asked(ev)}, ev.Kind == probe.Closed)
	}
}

// nameDenial names the destination of f, a denial that the source's socket on this
// machine tells of, as the source looked up what it asked for.
func (r *resolver) nameDenial(f *flow.Flow, ev *probe.Event) {
	if r == nil || f.Reporter != flow.ReporterSource {
		return
	}
	address := f.Destination.Address
	if f.Destination.OriginalAddress.IsValid() {
		address = f.Destination.OriginalAddress
	}
	f.Destination.Domains = r.names.Of(f.NetworkNamespace, address, ev.Since)
}

// domains returns the names that the destination had when the connection began.
// One that is older than the agent has none.
func (r *resolver) domains(ev *probe.Event) flow.NameSet {
	c := connection{ev.NetNS, ev.Transport, ev.Local, asked(ev), ev.ICMP}
	names, ok := r.named[c]
	if ev.Started {
		names = r.names.Of(ev.NetNS, asked(ev).Addr(), ev.Since)
	}
	switch {
	case ev.Kind != probe.Live || names.Empty():
		if ok {
			delete(r.named, c)
		}
	case ev.Started:
		if len(r.named) >= maxNamed {
			clear(r.named) // later events go without names
		}
		r.named[c] = names
	}
	return names
}

// count returns the number of addresses with names, and how many had to go since
// the last time.
func (r *resolver) count() (names int, evicted uint64) {
	if r == nil {
		return 0, 0
	}
	return r.names.Len(), r.names.Evicted()
}

// cut begins the next interval.
func (r *resolver) cut(now int64) {
	r.names.Forget(now)
	r.lookups.Expire(now)
}

// dnsLosses are those of the engine, and queries that there was no room for.
func (c *Capture) dnsLosses() probe.Losses {
	r := c.resolver
	if r == nil {
		return probe.Losses{}
	}
	losses, err := r.source.Losses()
	if err != nil {
		c.opts.Logger.Error("Losses are not known", zap.Error(err))
	}
	losses.DNS += r.lookups.Lost()
	return losses
}
