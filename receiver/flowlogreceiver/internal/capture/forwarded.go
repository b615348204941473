//go:build linux

package capture

import (
	"hash/maphash"
	"net/netip"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
)

const (
	// maxSockets bounds each memory of flows that sockets report.
	maxSockets = 262144
	// maxForwarded bounds the events that wait.
	maxForwarded = 65536
	// socketMemory is for how long, at least, a flow is remembered that a socket
	// reported. The report of a connect that failed and the silence of what it sent
	// are some seconds apart.
	socketMemory = 30 * time.Second
)

// forwarded leaves out what passed through this machine and a socket of this machine
// reports too, in whichever network namespace: nothing is told twice. Who a packet
// belonged to cannot be seen where it leaves, so the reports are compared. A socket may
// report in the interval after, so an event waits for the end of the next one.
//
// Where a memory is full flows are told twice rather than never.
type forwarded struct {
	seed maphash.Seed
	// now and before hold the flows that sockets reported lately.
	now, before map[uint64]struct{}
	turned      int64 // when now was begun, in nanoseconds of CLOCK_MONOTONIC
	// lasting holds the open flows that were left out.
	lasting map[uint64]struct{}
	// fresh waits for its first cut, waiting for its last.
	fresh, waiting []probe.Event
}

func newForwarded() *forwarded {
	return &forwarded{
		seed: maphash.MakeSeed(), now: make(map[uint64]struct{}), before: make(map[uint64]struct{}),
		lasting: make(map[uint64]struct{}),
	}
}

// hash stands for a flow between two ends, whichever began.
func (f *forwarded) hash(ev *probe.Event, a, b netip.AddrPort) uint64 {
	if b.Compare(a) < 0 {
		a, b = b, a
	}
	return maphash.Comparable(f.seed, struct {
		transport flow.Transport
		icmp      flow.ICMP
		a, b      netip.AddrPort
	}{ev.Transport, ev.ICMP, a, b})
}

// reported notes that a socket reports a flow, by the ends that it knows.
func (f *forwarded) reported(ev *probe.Event) {
	if len(f.now) >= maxSockets {
		return
	}
	remote := ev.Remote
	if ev.Reporter == flow.ReporterSource {
		remote = asked(ev)
	}
	f.now[f.hash(ev, ev.Local, remote)] = struct{}{}
}

// hold takes over an event of a flow that passed through, or refuses for want of room.
func (f *forwarded) hold(ev *probe.Event) bool {
	if len(f.fresh)+len(f.waiting) >= maxForwarded {
		return false
	}
	f.fresh = append(f.fresh, *ev)
	return true
}

// settle returns the events that have waited long enough and that no socket reports; at
// the last cut, of all events.
func (f *forwarded) settle(last bool) []probe.Event {
	ripe := f.waiting
	f.waiting, f.fresh = f.fresh, nil
	if last {
		ripe = append(ripe, f.waiting...)
	}
	var mine []probe.Event
	for i := range ripe {
		if !f.isOfSocket(&ripe[i]) {
			mine = append(mine, ripe[i])
		}
	}
	return mine
}

// isOfSocket tells whether a socket at either end reports the flow of an event, each by
// the addresses that it sees.
func (f *forwarded) isOfSocket(ev *probe.Event) bool {
	key := f.hash(ev, ev.Local, ev.Remote)
	atSource, atDestination := f.hash(ev, ev.Local, asked(ev)), key
	if ev.Alias.IsValid() {
		atDestination = f.hash(ev, ev.Alias, ev.Remote)
	}
	_, found := f.lasting[key]
	found = found || f.isReported(atSource) || f.isReported(atDestination)
	switch {
	case ev.Kind == probe.Closed:
		delete(f.lasting, key)
	case found && len(f.lasting) < maxSockets:
		f.lasting[key] = struct{}{}
	}
	return found
}

func (f *forwarded) isReported(hash uint64) bool {
	_, ok := f.now[hash]
	if !ok {
		_, ok = f.before[hash]
	}
	return ok
}

// cut forgets what was reported long ago.
func (f *forwarded) cut(now int64) {
	if now-f.turned < int64(socketMemory) {
		return
	}
	f.turned = now
	f.now, f.before = f.before, f.now
	clear(f.now)
}
