//go:build linux

package capture

import (
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe/probetest"
)

var (
	aClient = netip.MustParseAddrPort("10.0.0.1:40000")
	aServer = netip.MustParseAddrPort("10.0.0.2:80")
)

func dropped(transport flow.Transport, packets uint32) probe.Event {
	return probe.Event{
		Kind: probe.Dropped, Time: uptime, Since: uptime - 1, Reporter: flow.ReporterForward, Transport: transport,
		Local: aClient, Remote: aServer, NetNS: 7, SentPackets: packets, SentBytes: 60 * uint64(packets),
		Drop: &probe.Drop{Reason: "netfilter_drop", Class: flow.PolicyDrop, Interface: "eth0"},
	}
}

func attempt(kind probe.Kind, errno syscall.Errno) probe.Event {
	return probe.Event{
		Kind: kind, Time: uptime, Since: uptime - 1, Reporter: flow.ReporterSource, Transport: flow.TransportTCP, Local: aClient, Remote: aServer,
		NetNS: 3, PID: 42, Errno: errno, Started: true, SentPackets: 3,
	}
}

func datagrams(kind probe.Kind, sent, received uint32, started bool) probe.Event {
	return probe.Event{
		Kind: kind, Time: uptime, Since: uptime - 1, Reporter: flow.ReporterSource, Transport: flow.TransportUDP, Local: aClient, Remote: aServer,
		NetNS: 3, PID: 42, Started: started, SentPackets: sent, ReceivedPackets: received,
	}
}

// toldDenials is what one interval comes to: how many denials, of how many new flows, with
// how many known senders, and the other events.
type toldDenials struct{ denials, first, known, others int }

// settleInterval lets d see events and ends the interval.
func settleInterval(d *denies, events ...probe.Event) toldDenials {
	passed := 0
	for i := range events {
		if !d.hold(&events[i], flow.Intern("curl"), false) {
			passed++
		}
	}
	denials, others := d.settle(false, func(netip.Addr) bool { return true })
	d.cut()
	sum := toldDenials{denials: len(denials), others: len(others) + passed}
	for i := range denials {
		if denials[i].first {
			sum.first++
		}
		if denials[i].from != nil {
			sum.known++
		}
	}
	return sum
}

// Behind a translation the kernel drops what the source does not know: the record
// is of what that asked for.
func TestADropBehindATranslationIsOfWhatTheSourceAsked(t *testing.T) {
	backend, alias := netip.MustParseAddrPort("10.9.9.9:8080"), netip.MustParseAddrPort("10.9.9.1:61000")
	tracked := attempt(probe.Failed, syscall.ETIMEDOUT)
	tracked.Remote, tracked.Original, tracked.Alias = backend, aServer, alias
	for source, failed := range map[netip.AddrPort]probe.Event{alias: tracked, aClient: attempt(probe.Failed, syscall.ECONNREFUSED)} {
		d := newDenies(true, time.Minute)
		drop := dropped(flow.TransportTCP, 1)
		drop.Local, drop.Remote = source, backend
		require.True(t, d.hold(&drop, flow.Name{}, false))
		require.True(t, d.hold(&failed, flow.Intern("curl"), false))
		denials, others := d.settle(false, func(netip.Addr) bool { return true })
		require.Empty(t, others)
		require.Len(t, denials, 1)
		require.Equal(t, aClient, denials[0].event.Local)
		require.Equal(t, backend, denials[0].event.Remote)
		require.Equal(t, aServer, denials[0].event.Original)
	}
}

func TestDenialsAreToldOnce(t *testing.T) {
	type step struct {
		events []probe.Event
		want   toldDenials
	}
	tcp, udp := dropped(flow.TransportTCP, 1), dropped(flow.TransportUDP, 2)
	translated := dropped(flow.TransportTCP, 1)
	translated.Remote, translated.Original = netip.MustParseAddrPort("10.9.9.9:8080"), aServer
	asked := attempt(probe.Failed, syscall.ETIMEDOUT)
	asked.Remote, asked.Original, asked.Alias = translated.Remote, aServer, netip.MustParseAddrPort("10.9.9.1:61000")
	behind, masqueraded, unheard := translated, translated, translated
	behind.Local, behind.Original = asked.Alias, netip.AddrPort{}
	masqueraded.Local = asked.Alias
	unheard.Original = netip.AddrPort{}
	excluded := attempt(probe.Failed, syscall.ECONNREFUSED)
	excluded.Excluded = true
	answer := dropped(flow.TransportUDP, 0)
	answer.ReceivedPackets = 2
	for name, steps := range map[string][]step{
		"a failed connect explains its drops": {
			{[]probe.Event{tcp, attempt(probe.Failed, syscall.ECONNREFUSED)}, toldDenials{1, 1, 1, 0}},
		},
		"a connect under way does, and its end is not told again": {
			{[]probe.Event{attempt(probe.Connecting, 0), tcp}, toldDenials{1, 1, 1, 0}},
			{[]probe.Event{tcp}, toldDenials{1, 0, 1, 0}},
			{nil, toldDenials{}},
			{[]probe.Event{attempt(probe.Failed, syscall.ETIMEDOUT)}, toldDenials{}},
			{[]probe.Event{attempt(probe.Failed, syscall.ETIMEDOUT)}, toldDenials{0, 0, 0, 1}},
		},
		"a connect that fails of something else is told": {
			{[]probe.Event{attempt(probe.Failed, syscall.ENETUNREACH)}, toldDenials{0, 0, 0, 1}},
		},
		"a drop waits an interval for its sender": {
			{[]probe.Event{tcp}, toldDenials{}},
			{[]probe.Event{attempt(probe.Connecting, 0)}, toldDenials{1, 1, 1, 0}},
		},
		"and no longer": {
			{[]probe.Event{tcp}, toldDenials{}},
			{nil, toldDenials{1, 1, 0, 0}},
		},
		"what was dropped behind a service is the attempt at the service": {
			{[]probe.Event{translated, attempt(probe.Failed, syscall.ETIMEDOUT)}, toldDenials{1, 1, 1, 0}},
		},
		"or what connection tracking knew of it": {
			{[]probe.Event{behind, masqueraded, asked}, toldDenials{2, 1, 2, 0}},
		},
		"or what was refused there": {
			{[]probe.Event{unheard, attempt(probe.Failed, syscall.ECONNREFUSED)}, toldDenials{1, 1, 1, 0}},
		},
		"but not what another asked for": {
			{[]probe.Event{behind, attempt(probe.Failed, syscall.ECONNREFUSED)}, toldDenials{0, 0, 0, 1}},
			{nil, toldDenials{1, 1, 0, 0}},
		},
		"drops of what is left out are left out": {
			{[]probe.Event{excluded, tcp}, toldDenials{}},
		},
		"a flow of which all was dropped is a denial only": {
			{[]probe.Event{datagrams(probe.Live, 2, 0, true), udp}, toldDenials{1, 1, 1, 0}},
			{[]probe.Event{datagrams(probe.Live, 2, 0, false), udp}, toldDenials{1, 0, 1, 0}},
			{[]probe.Event{datagrams(probe.Closed, 0, 0, false)}, toldDenials{}},
		},
		"one of which some got through is both": {
			{[]probe.Event{datagrams(probe.Live, 3, 0, true), udp}, toldDenials{1, 1, 1, 1}},
			{[]probe.Event{datagrams(probe.Closed, 0, 0, false)}, toldDenials{0, 0, 0, 1}},
		},
		"packets dropped before their sender told of them": {
			{[]probe.Event{datagrams(probe.Live, 1, 0, true), udp}, toldDenials{1, 1, 1, 0}},
			{[]probe.Event{datagrams(probe.Live, 1, 0, false)}, toldDenials{}},
			{[]probe.Event{datagrams(probe.Live, 1, 0, false)}, toldDenials{0, 0, 0, 1}},
		},
		"dropped answers do not make what was asked a denial": {
			{[]probe.Event{datagrams(probe.Live, 2, 0, true), answer}, toldDenials{1, 1, 1, 1}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDenies(true, time.Minute)
			for i, s := range steps {
				got := settleInterval(d, s.events...)
				require.Equal(t, s.want, got, "interval %d", i)
			}
		})
	}
}

// The begin of a flow is told once, as a denial or as what got through at last.
func TestAllowedAtLast(t *testing.T) {
	for name, answered := range map[string]uint32{"unanswered": 0, "answered": 5} {
		t.Run(name, func(t *testing.T) {
			d := newDenies(true, time.Minute)
			got := settleInterval(d, datagrams(probe.Live, 2, 0, true), dropped(flow.TransportUDP, 2))
			require.Equal(t, toldDenials{1, 1, 1, 0}, got)
			later := datagrams(probe.Live, 5, answered, false)
			if d.hold(&later, flow.Name{}, false) {
				_, others := d.settle(false, nil)
				require.Len(t, others, 1)
				later = others[0].event
			}
			require.True(t, later.Started)
			again := datagrams(probe.Live, 5, 5, false)
			require.False(t, d.hold(&again, flow.Name{}, false))
			require.False(t, again.Started)
		})
	}
}

// Without an engine that tells of drops nothing waits for them.
func TestNothingIsHeldWithoutDrops(t *testing.T) {
	d := newDenies(false, time.Minute)
	got := settleInterval(d, attempt(probe.Failed, syscall.ETIMEDOUT), datagrams(probe.Live, 1, 0, true))
	require.Equal(t, toldDenials{others: 2}, got)
}

func TestHeldEventsAreBounded(t *testing.T) {
	d := newDenies(true, time.Minute)
	passed := 0
	for range maxHeld + 5 {
		ev := datagrams(probe.Live, 1, 0, true)
		if !d.hold(&ev, flow.Name{}, false) {
			passed++
		}
	}
	require.Equal(t, 5, passed)
}

// A record of a denial: the sender's, with the place, and whether it was told.
func TestDenialRecords(t *testing.T) {
	drop := dropped(flow.TransportTCP, 2)
	probed := new(probetest.Source)
	r := newRecording(t, func(o *Options) { o.Interval = time.Hour }, probed.Engine(probe.Drops)).start()
	probed.Add(attempt(probe.Failed, syscall.ECONNREFUSED), drop)
	got := r.stop()
	require.Len(t, got.Flows, 1)
	f := &got.Flows[0]
	require.Equal(t, flow.Denial{Reason: flow.Intern("netfilter_drop"), Class: flow.Reject, Interface: flow.Intern("eth0"), Namespace: 7}, f.Denial)
	require.Equal(t, flow.ReporterSource, f.Reporter)
	require.EqualValues(t, 3, f.NetworkNamespace)
	require.EqualValues(t, 42, f.Process.PID)
	require.Equal(t, flow.Connections{Seen: 1, Started: 1, Completed: 1}, f.Connections)
	require.EqualValues(t, 2, f.Source.Packets, "what was dropped, not what the socket says that it sent")
	require.EqualValues(t, 120, f.Source.Bytes)
}

func TestGenerationsForget(t *testing.T) {
	g := newGenerations[int](2, 3)
	for i := range uint64(4) {
		g.put(i, int(i))
	}
	require.Equal(t, 2, g.len(), "there is no room for more")
	for range 3 {
		g.cut()
	}
	_, ok := g.get(0) // in use
	require.True(t, ok)
	for range 3 {
		g.cut()
	}
	_, ok = g.get(0)
	require.True(t, ok)
	_, ok = g.get(1)
	require.False(t, ok)
	g.forget(0)
	_, ok = g.get(0)
	require.False(t, ok)
}
