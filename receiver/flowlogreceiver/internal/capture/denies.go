//go:build linux

package capture

import (
	"hash/maphash"
	"net/netip"
	"syscall"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
)

const (
	// maxDenied bounds each memory of denied flows and of those who sent.
	maxDenied = 65536
	// maxHeld bounds the events that are held until the cut.
	maxHeld = 32768
	// denyMemory is for how long both last at least: the pauses between the attempts
	// of one connect grow to a minute.
	denyMemory = 130 * time.Second
)

// denies brings the two sides of a denial together: the kernel drops a packet
// somewhere, often where nobody knows any more who sent it, and the sender's socket
// shows an attempt without an answer. One record tells of both. So what failed or
// was not answered is held until the cut, by when the drops of the interval are
// known.
//
// Flows are remembered by a hash of their ends. Where a memory is full a denial may be
// told twice, by the drop and by the attempt, but none is hidden.
type denies struct {
	on   bool // there is an engine that tells of drops
	seed maphash.Seed

	senders *generations[sender]
	told    *generations[*denied]
	// translated leads from flows as they are behind a translation, where they may be
	// dropped, to what their source knows.
	translated *generations[untranslated]

	dropped []probe.Event // in this interval
	late    []probe.Event // in the last one, without a sender so far
	failed  []heldEvent   // connects
	// after holds the connects that failed during a cut: their drops may be read
	// in this interval or in the next one.
	after  []heldEvent
	silent []heldEvent // flows without connections whose packets nobody answered
}

// sender is the socket that sent, or tried to.
type sender struct {
	process  flow.Name
	pid      uint32
	cgroup   uint64
	netns    uint32
	excluded bool
	errno    syscall.Errno // that the attempt ended with
	exe      [probe.ExeLen]byte
}

// untranslated is a flow as its source knows it.
type untranslated struct {
	flow          uint64
	local, remote netip.AddrPort
}

// denied is a flow whose denial was told.
type denied struct {
	// beyond counts packets that were dropped before the sender's socket told that
	// it had sent them.
	beyond uint64
	// started is set when the flow's begin was told as a denial only.
	started bool
}

// heldEvent is an event that waits for the cut.
type heldEvent struct {
	event   probe.Event
	process flow.Name
	flow    uint64
}

// denial is what the kernel dropped of a flow, with its sender if that is known.
type denial struct {
	event probe.Event
	from  *sender
	first bool // nothing was told of the flow before
}

func newDenies(on bool, interval time.Duration) *denies {
	cuts := int(denyMemory/interval) + 1
	return &denies{
		on: on, seed: maphash.MakeSeed(),
		senders: newGenerations[sender](maxDenied, cuts), told: newGenerations[*denied](maxDenied, cuts),
		translated: newGenerations[untranslated](maxDenied, cuts),
	}
}

// hash stands for the flow of a source's event, or of a drop.
func (d *denies) hash(ev *probe.Event) uint64 {
	return d.hashOf(ev, ev.Local, asked(ev))
}

// hashOf is hash with other ends.
func (d *denies) hashOf(ev *probe.Event, source, destination netip.AddrPort) uint64 {
	return maphash.Comparable(d.seed, struct {
		transport           flow.Transport
		source, destination netip.AddrPort
		icmp                flow.ICMP
	}{ev.Transport, source, destination, ev.ICMP})
}

// hold takes an event that is a drop, or that one may explain. False if it is
// neither, or if there is no room for it.
func (d *denies) hold(ev *probe.Event, process flow.Name, cutting bool) bool {
	switch {
	case ev.Kind == probe.Dropped:
		d.dropped = append(d.dropped, *ev)
		return true
	case ev.Kind == probe.Connecting, ev.Kind == probe.Failed && ev.Excluded:
		if d.on {
			d.note(ev, process) // whose drops these are, or that they are left out too
		}
		return true
	case !d.on || ev.Reporter != flow.ReporterSource:
		return false
	case ev.Kind == probe.Failed && len(d.failed)+len(d.after) < maxHeld:
		into := &d.failed
		if cutting {
			into = &d.after
		}
		*into = append(*into, heldEvent{*ev, process, d.note(ev, process)})
		return true
	case ev.Transport != flow.TransportTCP && ev.ReceivedPackets == 0 && len(d.silent) < maxHeld:
		d.silent = append(d.silent, heldEvent{*ev, process, d.note(ev, process)})
		return true
	case ev.Kind == probe.Live:
		d.note(ev, process) // of this more may be dropped
	}
	if d.told.len() > 0 {
		d.allowed(ev)
	}
	return false
}

// allowed takes note that a flow gets through after all, or did.
func (d *denies) allowed(ev *probe.Event) {
	h := d.hash(ev)
	told, ok := d.told.get(h)
	if !ok {
		return
	}
	ev.Started = ev.Started || told.started
	told.started = false
	if ev.Kind == probe.Closed {
		d.told.forget(h)
	}
}

func (d *denies) note(ev *probe.Event, process flow.Name) uint64 {
	h := d.hash(ev)
	d.senders.put(h, sender{process, ev.PID, ev.Cgroup, ev.NetNS, ev.Excluded, ev.Errno, ev.Exe})
	if ev.Original.IsValid() || ev.Alias.IsValid() {
		d.noteTranslated(ev, h)
	}
	return h
}

// noteTranslated notes as what else a drop may show a flow: its destination as what
// the source asked for and as what stands behind it, its source by either address.
func (d *denies) noteTranslated(ev *probe.Event, flow uint64) {
	source := ev.Local
	if ev.Alias.IsValid() {
		source = ev.Alias
	}
	for _, destination := range []netip.AddrPort{ev.Remote, asked(ev)} {
		if h := d.hashOf(ev, source, destination); h != flow {
			d.translated.put(h, untranslated{flow, ev.Local, asked(ev)})
		}
	}
}

// asSent puts what the source knows of a dropped flow into ev, and returns what
// stands for it.
func (d *denies) asSent(ev *probe.Event, refused map[netip.AddrPort]*heldEvent) uint64 {
	h := d.hash(ev)
	by, ok := d.translated.get(h)
	if r := refused[ev.Local]; !ok && r != nil && ev.Transport == r.event.Transport && !ev.Original.IsValid() {
		if _, known := d.senders.get(h); !known {
			by, ok = untranslated{r.flow, ev.Local, r.event.Remote}, true
		}
	}
	if !ok {
		return h
	}
	ev.Local = by.local
	if by.remote != ev.Remote {
		ev.Original = by.remote
	}
	return by.flow
}

// refusals are the connects that were refused, by their source. Connection tracking
// lets go of such a connection at once, so that nothing but the source tells that it
// is the one that found no listener behind a service.
func refusals(failed []heldEvent) map[netip.AddrPort]*heldEvent {
	refused := make(map[netip.AddrPort]*heldEvent)
	for i := range failed {
		if ev := &failed[i].event; ev.Errno == syscall.ECONNREFUSED && !ev.Original.IsValid() {
			refused[ev.Local] = &failed[i]
		}
	}
	return refused
}

// settle decides about what was held: denials are to be told as such, the others as
// they came. A drop without a sender waits for an interval if its source may still tell
// of it, for a packet may be sent and dropped between two engines' sweeps.
//
// The last call waits for nobody.
func (d *denies) settle(last bool, local func(netip.Addr) bool) (denials []denial, others []heldEvent) {
	packets := make(map[uint64]uint64) // dropped on their way from the source
	refused := refusals(d.failed)
	tell := func(ev *probe.Event, wait bool) {
		told := denial{event: *ev}
		h := d.asSent(&told.event, refused)
		from, known := d.senders.get(h)
		switch {
		case known && from.excluded:
			return
		case !known && wait && !last && local(ev.Local.Addr()):
			d.late = append(d.late, *ev)
			return
		}
		if known {
			told.from = &from
		}
		if _, again := d.told.get(h); !again {
			told.first = true
			d.told.put(h, new(denied))
		}
		packets[h] += uint64(ev.SentPackets)
		denials = append(denials, told)
	}
	late := d.late
	d.late = nil
	for i := range late {
		tell(&late[i], false)
	}
	for i := range d.dropped {
		tell(&d.dropped[i], true)
	}
	if last {
		d.failed, d.after = append(d.failed, d.after...), nil
	}
	for i := range d.failed {
		h := &d.failed[i]
		if _, told := d.told.get(h.flow); told {
			d.told.forget(h.flow) // the attempt is over
			continue
		}
		others = append(others, *h)
	}
	for i := range d.silent {
		if h := &d.silent[i]; !d.explains(h, packets[h.flow]) {
			others = append(others, *h)
		}
	}
	d.dropped, d.failed, d.after, d.silent = nil, d.after, nil, nil
	return denials, others
}

// explains reports whether all that a flow without answers tells was told by its
// denials. Of one that gets through after all the begin is still to be told.
func (d *denies) explains(h *heldEvent, dropped uint64) bool {
	told, ok := d.told.get(h.flow)
	if !ok {
		return false
	}
	ev := &h.event
	sent := uint64(ev.SentPackets)
	dropped += told.beyond
	if sent > dropped || (sent == 0 && !told.started) {
		ev.Started = ev.Started || told.started
		told.started, told.beyond = false, 0
		return false
	}
	told.beyond = dropped - sent
	told.started = told.started || ev.Started
	if ev.Kind == probe.Closed {
		d.told.forget(h.flow)
	}
	return true
}

// cut begins the next interval.
func (d *denies) cut() {
	d.senders.cut()
	d.told.cut()
	d.translated.cut()
}
