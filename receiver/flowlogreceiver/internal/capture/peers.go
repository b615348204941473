//go:build linux

package capture

import (
	"hash/maphash"
	"net/netip"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
)

const (
	// maxPeers bounds each memory of connections by their source.
	maxPeers = 262144
	// maxWaiting bounds the events that wait for their source's report.
	maxWaiting = 32768
)

// peers finds out of which connections this agent reports both ends, from the
// reports themselves: an address alone does not tell, for the source may be a
// socket that is left out, or hide behind a translation to an address of this
// machine. A destination's event whose source may still report waits for it, to
// the end of its interval, and one interval more when its source has an address
// of this machine.
//
// Sources are remembered by a hash of transport, address and port. Where a memory is full
// the peer counts as not observed, which can count a connection twice but never
// hides one.
type peers struct {
	seed maphash.Seed
	// now and before hold who reported as a source in this interval and the last.
	now, before map[uint64]flow.Name
	// lasting holds the sources of open connections, whose destination may have
	// news long after the source fell silent.
	lasting map[uint64]flow.Name
	// remote holds the addresses that were found not to be this machine's.
	remote map[netip.Addr]struct{}

	waiting []waitingEvent
}

type waitingEvent struct {
	event probe.Event
	into  *table
	late  bool // it has waited for an interval
}

func newPeers() *peers {
	return &peers{
		seed:    maphash.MakeSeed(),
		now:     make(map[uint64]flow.Name),
		before:  make(map[uint64]flow.Name),
		lasting: make(map[uint64]flow.Name),
		remote:  make(map[netip.Addr]struct{}),
	}
}

// hash stands for the source of a connection. ICMP has no ports: there its
// addresses and type tell one flow from another.
func (p *peers) hash(transport flow.Transport, source netip.AddrPort, icmp flow.ICMP) uint64 {
	return maphash.Comparable(p.seed, struct {
		transport flow.Transport
		source    netip.AddrPort
		icmp      flow.ICMP
	}{transport, source, icmp})
}

// reported notes that the source of a connection reports it, by its own event. The
// destination may see it by another address.
func (p *peers) reported(ev *probe.Event, process flow.Name) {
	if len(p.now) < maxPeers {
		p.now[p.hash(ev.Transport, ev.Local, ev.ICMP)] = process
	}
	if ev.Alias.IsValid() && len(p.now) < maxPeers {
		p.now[p.hash(ev.Transport, ev.Alias, ev.ICMP)] = process
	}
}

// sourceOf is the source's own address of a destination's event.
func sourceOf(ev *probe.Event) netip.AddrPort {
	if ev.Alias.IsValid() {
		return ev.Alias
	}
	return ev.Remote
}

// source returns the process at the source of a destination's event, and
// whether the source reports the connection.
func (p *peers) source(ev *probe.Event) (flow.Name, bool) {
	h := p.hash(ev.Transport, sourceOf(ev), ev.ICMP)
	name, ok := p.now[h]
	if !ok {
		name, ok = p.before[h]
	}
	if !ok {
		name, ok = p.lasting[h]
	}
	switch {
	case ev.Kind == probe.Closed:
		delete(p.lasting, h)
	case ok && len(p.lasting) < maxPeers:
		p.lasting[h] = name
	}
	return name, ok
}

// mayReport tells whether it is worth waiting for the source of a destination's
// event.
func (p *peers) mayReport(ev *probe.Event) bool {
	_, remote := p.remote[sourceOf(ev).Addr()]
	return !remote && len(p.waiting) < maxWaiting
}

func (p *peers) wait(ev *probe.Event, into *table) {
	p.waiting = append(p.waiting, waitingEvent{event: *ev, into: into})
}

// learnRemote notes that address is not this machine's.
func (p *peers) learnRemote(address netip.Addr) {
	if len(p.remote) >= maxAddresses {
		clear(p.remote)
	}
	p.remote[address] = struct{}{}
}

// learnLocal takes that back.
func (p *peers) learnLocal(address netip.Addr) { delete(p.remote, address) }

// cut begins the next interval.
func (p *peers) cut() {
	p.now, p.before = p.before, p.now
	clear(p.now)
}
