//go:build linux

package capture

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe/probetest"
)

var (
	serviceAddress = netip.MustParseAddrPort("10.96.0.1:80")
	backendAddress = netip.MustParseAddrPort("10.0.0.2:8080")
)

// from is a connection to the service from a port.
func from(port uint16, kind probe.Kind) probe.Event {
	return probe.Event{
		Kind: kind, Reporter: flow.ReporterSource, Transport: flow.TransportTCP, NetNS: 7, ReceivedPackets: 1,
		Local: netip.AddrPortFrom(clientAddress, port), Remote: serviceAddress,
	}
}

func tuple(ev *probe.Event) probe.Tuple {
	return probe.Tuple{Transport: ev.Transport, Local: ev.Local, Remote: ev.Remote}
}

// service translates each of the connections to the backend.
func serviceFor(events ...probe.Event) *probetest.Translator {
	t := &probetest.Translator{Translations: make(map[probe.Tuple]probe.Translation)}
	for i := range events {
		t.Translations[tuple(&events[i])] = probe.Translation{Local: events[i].Local, Remote: backendAddress}
	}
	return t
}

func TestTranslationsOfBothEnds(t *testing.T) {
	const masqueraded = "10.0.0.1:61000"
	source, destination := ends("10.0.0.3:40000", serviceAddress.String())
	destination.Local, destination.Remote = backendAddress, netip.MustParseAddrPort(masqueraded)
	plain, _ := ends("10.0.0.3:40001", "203.0.113.1:443")
	portOnly := destination
	portOnly.Remote = netip.MustParseAddrPort("10.0.0.3:40002")
	translator := &probetest.Translator{Translations: map[probe.Tuple]probe.Translation{
		tuple(&source):      {Local: destination.Remote, Remote: backendAddress},
		tuple(&destination): {Local: serviceAddress, Remote: source.Local},
		tuple(&plain):       {Local: plain.Local, Remote: plain.Remote},
		tuple(&portOnly):    {Local: backendAddress, Remote: source.Local},
	}}
	tr := newTranslations(translator, 10)
	events := []probe.Event{source, destination, plain, portOnly}
	require.NoError(t, tr.complete(events))
	require.Equal(t, 1, translator.Calls)
	require.Equal(t, Translations{Translated: 3, Untranslated: 1}, tr.takeCounts())
	require.Zero(t, tr.takeCounts())

	c := New(Options{Interval: time.Second})
	c.begin()
	var f flow.Flow
	c.build(&f, &events[0], flow.Name{}, 0)
	require.Equal(t, source.Local, addrPortOf(&f.Source))
	require.Equal(t, backendAddress, addrPortOf(&f.Destination))
	require.Equal(t, serviceAddress, netip.AddrPortFrom(f.Destination.OriginalAddress, f.Destination.OriginalPort))
	require.False(t, f.Source.OriginalAddress.IsValid(), "it is the source's own")
	c.build(&f, &events[1], flow.Name{}, 0)
	require.Equal(t, masqueraded, addrPortOf(&f.Source).String())
	require.Equal(t, backendAddress, addrPortOf(&f.Destination))
	require.Equal(t, serviceAddress, netip.AddrPortFrom(f.Destination.OriginalAddress, f.Destination.OriginalPort))
	require.Equal(t, source.Local, netip.AddrPortFrom(f.Source.OriginalAddress, f.Source.OriginalPort))
	for i := 2; i < 4; i++ {
		c.build(&f, &events[i], flow.Name{}, 0)
		require.False(t, f.Destination.OriginalAddress.IsValid())
		require.False(t, f.Source.OriginalAddress.IsValid(), "a port only")
	}
}

// Either end's translation is enough to know that both report, in any order.
func TestTranslatedEndsKnowEachOther(t *testing.T) {
	source, destination := ends("10.0.0.3:40000", serviceAddress.String())
	destination.Local, destination.Remote = backendAddress, netip.MustParseAddrPort("10.0.0.1:61000")
	ofSource := map[probe.Tuple]probe.Translation{tuple(&source): {Local: destination.Remote, Remote: backendAddress}}
	ofDestination := map[probe.Tuple]probe.Translation{tuple(&destination): {Local: serviceAddress, Remote: source.Local}}
	for name, test := range map[string]struct {
		known  map[probe.Tuple]probe.Translation
		events []probe.Event
	}{
		"the source's, it first":          {ofSource, []probe.Event{source, destination}},
		"the source's, it last":           {ofSource, []probe.Event{destination, source}},
		"the destination's, source first": {ofDestination, []probe.Event{source, destination}},
		"the destination's, it first":     {ofDestination, []probe.Event{destination, source}},
	} {
		t.Run(name, func(t *testing.T) {
			probed := new(probetest.Source)
			translator := &probetest.Translator{Translations: test.known}
			r := newRecording(t, func(o *Options) {
				o.Interval, o.Enabled["nat"], o.MaxTranslations = time.Hour, true, 10
			}, probed.Engine("tcp"), translator.Engine("nat")).start()
			probed.Add(test.events...)
			got := r.stop()
			require.Len(t, got.Flows, 2)
			for i := range got.Flows {
				if f := &got.Flows[i]; f.Reporter == flow.ReporterDestination {
					require.True(t, f.PeerObserved)
					require.Equal(t, "curl", f.Source.Process.String())
				}
			}
			require.True(t, translator.Closed)
			require.Equal(t, []flow.Engine{{Name: "tcp", On: true}, {Name: "nat", On: true}}, got.Agents[0].Engines)
		})
	}
}

func TestWhatIsNotTranslated(t *testing.T) {
	change := func(change func(*probe.Event)) probe.Event {
		ev := from(1, probe.Live)
		change(&ev)
		return ev
	}
	loopback := netip.MustParseAddrPort("127.0.0.1:80")
	for name, test := range map[string]struct {
		event probe.Event
		asked int
	}{
		"TCP":                               {from(1, probe.Live), 1},
		"UDP":                               {change(func(ev *probe.Event) { ev.Transport = flow.TransportUDP }), 1},
		"ICMP":                              {change(func(ev *probe.Event) { ev.Transport = flow.TransportICMP }), 0},
		"a listener":                        {change(func(ev *probe.Event) { ev.Kind = probe.Listen }), 0},
		"forwarded":                         {change(func(ev *probe.Event) { ev.Reporter = flow.ReporterForward }), 0},
		"what is known":                     {change(func(ev *probe.Event) { ev.Original = loopback }), 0},
		"the loopback of another namespace": {change(func(ev *probe.Event) { ev.Remote = loopback }), 0},
		"the loopback of the host":          {change(func(ev *probe.Event) { ev.Remote, ev.NetNS = loopback, 1 }), 1},
	} {
		translator := serviceFor()
		require.NoError(t, newTranslations(translator, 1).complete([]probe.Event{test.event}), name)
		require.Len(t, translator.Asked, test.asked, name)
	}
	require.NoError(t, (*translations)(nil).complete([]probe.Event{from(1, probe.Live)}))
	require.Zero(t, (*translations)(nil).takeCounts())
}

// An open connection is looked up once, and forgotten at its end.
func TestAnOpenConnectionKeepsItsTranslation(t *testing.T) {
	translator := serviceFor(from(1, probe.Live))
	tr := newTranslations(translator, 10)
	for _, kind := range []probe.Kind{probe.Live, probe.Live, probe.Closed} {
		events := []probe.Event{from(1, kind)}
		require.NoError(t, tr.complete(events))
		require.Equal(t, backendAddress, events[0].Remote)
		require.Equal(t, serviceAddress, events[0].Original)
		translator.Translations = nil // connection tracking has forgotten it
	}
	require.Len(t, translator.Asked, 1)
	require.Empty(t, tr.now)
	require.Empty(t, tr.before)

	translator = serviceFor(from(1, probe.Live))
	tr = newTranslations(translator, 10)
	require.NoError(t, tr.complete([]probe.Event{from(1, probe.Live), from(1, probe.Closed)}), "in one batch")
	require.Empty(t, tr.now)
}

// Past the limit the connections that spoke last stay.
func TestOpenTranslationsAreBounded(t *testing.T) {
	const limit = 100
	var all []probe.Event
	for port := range uint16(1000) {
		all = append(all, from(port, probe.Live))
	}
	translator := serviceFor(all...)
	tr := newTranslations(translator, limit)
	for i := range all {
		busy := from(0, probe.Live)
		events := []probe.Event{all[i], busy}
		require.NoError(t, tr.complete(events))
		require.Equal(t, backendAddress, events[1].Remote)
		require.LessOrEqual(t, len(tr.now)+len(tr.before), limit)
	}
	require.Len(t, translator.Asked, len(all)+1, "the busy one, twice in its first batch, is known")
}

// Connections to a server that came to its service are found however few they are
// among those that came to its own address, tracked or not.
func TestAServiceAmongDirectConnections(t *testing.T) {
	const n, oneIn = 10_000, 1000
	translator := serviceFor()
	tr := newTranslations(translator, 10)
	for port := range uint16(n) {
		ev := probe.Event{
			Kind: probe.Closed, Reporter: flow.ReporterDestination, Transport: flow.TransportTCP, NetNS: 7, ReceivedPackets: 1,
			Local: backendAddress, Remote: netip.AddrPortFrom(clientAddress, port),
		}
		var asked netip.AddrPort
		switch {
		case port%oneIn == oneIn-1:
			asked = serviceAddress
			translator.Translations[tuple(&ev)] = probe.Translation{Local: asked, Remote: ev.Remote}
		case port < n/2:
			translator.Translations[tuple(&ev)] = probe.Translation{Local: ev.Local, Remote: ev.Remote}
		}
		events := []probe.Event{ev}
		require.NoError(t, tr.complete(events))
		require.Equal(t, asked, events[0].Original)
	}
	const services = n / oneIn
	require.Equal(t, Translations{Translated: services, Untranslated: n/2 - services/2, Unknown: n/2 - services/2}, tr.takeCounts())
}

// What cannot be looked up stays as it is, is counted, and said once.
func TestTranslationsThatFail(t *testing.T) {
	probed := new(probetest.Source)
	translator := serviceFor()
	translator.Err = errors.New("no memory")
	var counts []Translations
	r := newRecording(t, func(o *Options) {
		o.Interval, o.Enabled["nat"], o.MaxTranslations = time.Hour, true, 10
		o.Observe.Interval = func(i Interval) { counts = append(counts, i.Translations) }
	}, probed.Engine("tcp"), translator.Engine("nat")).start()
	probed.Add(closed(1), closed(2))
	got := r.stop()
	require.Len(t, got.Flows, 1)
	require.Equal(t, serverAddress, addrPortOf(&got.Flows[0].Destination))
	require.Equal(t, []Translations{{Failed: 2}}, counts)
	require.Equal(t, flow.Engine{Name: "nat", On: true, Detail: "no memory"}, got.Agents[len(got.Agents)-1].Engines[1])
}

// Translations complete what is captured; alone they are nothing.
func TestTranslationsAloneCaptureNothing(t *testing.T) {
	translator := serviceFor()
	r := newRecording(t, func(o *Options) { o.Enabled["nat"] = true },
		translator.Engine("nat"), probe.Engine{Name: "tcp", Missing: func() error { return errors.New("the kernel is too old") }})
	require.EqualError(t, r.Start(), "start capture: no engine can run: tcp: the kernel is too old")
	require.True(t, translator.Closed)
}

// A machine without connection tracking says so and goes on; where that is not
// loaded nothing is missing.
func TestNoConnectionTracking(t *testing.T) {
	for lack, degraded := range map[error]int{errors.New("the kernel is too old"): 1, fmt.Errorf("not loaded: %w", probe.ErrUnneeded): 0} {
		probed := new(probetest.Source)
		reports := 0
		missing := probe.Engine{Name: "nat", Missing: func() error { return lack }}
		r := newRecording(t, func(o *Options) {
			o.Interval, o.Enabled["nat"] = time.Hour, true
			o.Observe.Degraded = func(error) { reports++ }
		}, probed.Engine("tcp"), missing).start()
		probed.Add(closed(1))
		got := r.stop()
		require.Len(t, got.Flows, 1)
		require.Equal(t, flow.Engine{Name: "nat", Detail: lack.Error()}, got.Agents[0].Engines[1])
		require.Equal(t, degraded, reports, lack)
	}
}
