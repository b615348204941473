//go:build linux

package capture

import (
	"net"
	"net/netip"
	"os"
	"syscall"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
)

const (
	// maxAddresses and maxListeners bound what is remembered of this machine.
	maxAddresses = 65536
	maxListeners = 65536
	// maxNamespaces is how many network namespaces with the same address are
	// looked at for a listener.
	maxNamespaces = 4
	// addressCuts is for how many intervals an address is taken for this
	// machine's after a socket last had it.
	addressCuts = 120
	// listenerCuts is for how many intervals a listener is remembered that went,
	// or that is only known by a connection that it accepted; servingCuts is that
	// for sockets without connections, which nobody sees come or go.
	listenerCuts = 2
	servingCuts  = addressCuts
)

// places knows which addresses are this machine's, in any network namespace,
// and which processes listen on them.
type places struct {
	cuts      uint64
	addresses map[netip.Addr]place
	// listeners are those on an address, wild those on every one.
	listeners map[endpoint]*listener
	wild      map[port]*wildcards
	own       uint32
}

// place is where an address was seen. Private addresses may be in several
// network namespaces at a time.
type place struct {
	netns [maxNamespaces]uint32 // the last ones first, 0 for none
	until uint64                // the cut after which it is forgotten
}

// in returns p with netns noted.
func (p place) in(netns uint32) place {
	for i, known := range p.netns {
		if known == netns {
			return p
		}
		if known == 0 {
			p.netns[i] = netns
			return p
		}
	}
	copy(p.netns[1:], p.netns[:])
	p.netns[0] = netns
	return p
}

type port struct {
	netns     uint32
	number    uint16
	transport flow.Transport
}

// endpoint is a port at one address.
type endpoint struct {
	port
	address netip.Addr
}

// wildcards are the listeners on every address of a port, of IPv4 and of IPv6, which
// may serve IPv4 too.
type wildcards [2]*listener

func (w *wildcards) of(address netip.Addr) **listener {
	if address.Is4() {
		return &w[0]
	}
	return &w[1]
}

// serving returns the one for an address, or nil. A nil w has none.
func (w *wildcards) serving(address netip.Addr) *listener {
	if w == nil {
		return nil
	}
	if l := *w.of(address); l != nil {
		return l
	}
	return w[1]
}

type listener struct {
	process  flow.Name
	excluded bool
	until    uint64 // the cut after which it is forgotten; 0 while it listens
}

func (l *listener) gone(cuts uint64) bool { return l.until != 0 && l.until <= cuts }

func newPlaces() *places {
	p := &places{addresses: make(map[netip.Addr]place), listeners: make(map[endpoint]*listener), wild: make(map[port]*wildcards)}
	if info, err := os.Stat("/proc/self/ns/net"); err == nil {
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			p.own = uint32(stat.Ino)
		}
	}
	p.readInterfaces()
	return p
}

// readInterfaces takes in the addresses of this process's network namespace;
// those of others are learnt from their sockets.
func (p *places) readInterfaces() {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return // the sockets tell them too
	}
	for _, a := range addresses {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			p.learn(prefix.Addr(), p.own)
		}
	}
}

// learn notes that address is this machine's, and tells whether that is news.
func (p *places) learn(address netip.Addr, netns uint32) bool {
	until := p.cuts + addressCuts
	if at, ok := p.addresses[address]; ok {
		now := at.in(netns)
		now.until = until
		if now != at {
			p.addresses[address] = now
		}
		return false
	}
	if len(p.addresses) >= maxAddresses || !address.IsValid() || address.IsUnspecified() {
		return false
	}
	p.addresses[address] = place{until: until}.in(netns)
	return true
}

// local reports whether address is this machine's.
func (p *places) local(address netip.Addr) bool {
	if address.IsLoopback() {
		return true
	}
	_, ok := p.addresses[address]
	return ok
}

func (p *places) typeOf(address netip.Addr) flow.EndpointType {
	switch {
	case !address.IsValid():
		return flow.EndpointUnknown
	case p.local(address):
		return flow.EndpointHost
	default:
		return flow.EndpointNetwork
	}
}

// listen notes a listener that came or went.
func (p *places) listen(ev *probe.Event, process flow.Name) {
	at := port{ev.NetNS, ev.Local.Port(), ev.Transport}
	known := p.listenerOn(at, ev.Local.Addr())
	switch {
	case ev.Kind == probe.Unlisten && known != nil:
		known.until = p.cuts + listenerCuts
	case ev.Kind == probe.Unlisten:
	case known != nil:
		*known = listener{process: process, excluded: ev.Excluded}
	default:
		p.add(at, ev.Local.Addr(), &listener{process: process, excluded: ev.Excluded})
	}
}

// listenerOn returns the listener on that very address, which may be every one.
func (p *places) listenerOn(at port, address netip.Addr) *listener {
	if !address.IsUnspecified() {
		return p.listeners[endpoint{at, address}]
	}
	if w := p.wild[at]; w != nil {
		return *w.of(address)
	}
	return nil
}

func (p *places) add(at port, address netip.Addr, l *listener) {
	if len(p.listeners)+len(p.wild) >= maxListeners {
		return
	}
	if !address.IsUnspecified() {
		p.listeners[endpoint{at, address}] = l
		return
	}
	if p.wild[at] == nil {
		p.wild[at] = new(wildcards)
	}
	*p.wild[at].of(address) = l
}

// serve notes that process reports a connection to one of its addresses, which
// it may go on to do after it has closed its listener.
func (p *places) serve(ev *probe.Event, process flow.Name) {
	at := port{ev.NetNS, ev.Local.Port(), ev.Transport}
	until := p.cuts + servingCuts
	if ev.Transport == flow.TransportTCP {
		until = p.cuts + listenerCuts
	}
	l := p.wild[at].serving(ev.Local.Addr())
	if l == nil {
		l = p.listeners[endpoint{at, ev.Local.Addr()}]
	}
	switch {
	case l == nil:
		p.add(at, ev.Local.Addr(), &listener{process: process, until: until})
	case l.until != 0:
		l.until, l.process = until, process
	}
}

// listenerAt returns who listens at the far end of a connection that was made
// in network namespace netns, if that end is on this machine.
func (p *places) listenerAt(transport flow.Transport, to netip.AddrPort, netns uint32) (listener, bool) {
	if to.Addr().IsLoopback() {
		return p.listenerIn(transport, to, netns)
	}
	at, ok := p.addresses[to.Addr()]
	if !ok {
		return listener{}, false
	}
	for _, netns := range at.netns {
		if netns == 0 {
			break
		}
		if l, ok := p.listenerIn(transport, to, netns); ok {
			return l, true
		}
	}
	return listener{}, false
}

// listenerIn prefers a listener on the very address.
func (p *places) listenerIn(transport flow.Transport, to netip.AddrPort, netns uint32) (found listener, ok bool) {
	at := port{netns, to.Port(), transport}
	l := p.listeners[endpoint{at, to.Addr()}]
	if l == nil {
		l = p.wild[at].serving(to.Addr())
	}
	if l == nil {
		return listener{}, false
	}
	return *l, true
}

// cut begins the next interval and forgets what has gone.
func (p *places) cut() {
	p.cuts++
	for at, l := range p.listeners {
		if l.gone(p.cuts) {
			delete(p.listeners, at)
		}
	}
	for at, w := range p.wild {
		for i, l := range w {
			if l != nil && l.gone(p.cuts) {
				w[i] = nil
			}
		}
		if *w == (wildcards{}) {
			delete(p.wild, at)
		}
	}
	for address, at := range p.addresses {
		if at.until <= p.cuts {
			delete(p.addresses, address)
		}
	}
	p.readInterfaces()
}
