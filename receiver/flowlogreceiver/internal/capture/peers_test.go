//go:build linux

package capture

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe/probetest"
)

// ends returns both ends' events of one connection on this machine.
func ends(client, server string) (source, destination probe.Event) {
	source = probe.Event{
		Time: uptime, Since: uptime - 1, Kind: probe.Closed, Reporter: flow.ReporterSource, Transport: flow.TransportTCP, Started: true,
		Local: netip.MustParseAddrPort(client), Remote: netip.MustParseAddrPort(server), NetNS: 1,
	}
	copy(source.Exe[:], "curl")
	destination = source
	destination.Reporter = flow.ReporterDestination
	destination.Local, destination.Remote = source.Remote, source.Local
	destination.NetNS = 2
	destination.Exe = [probe.ExeLen]byte{}
	copy(destination.Exe[:], "nginx")
	return source, destination
}

// Whatever the order in which two reports of one connection come, both name both
// processes, and a view that counts once takes one of them.
func TestBothReportsOfAConnectionKnowEachOther(t *testing.T) {
	source, destination := ends("10.0.0.1:40000", "10.0.0.2:80")
	listen := probe.Event{Kind: probe.Listen, Reporter: flow.ReporterDestination, Local: destination.Local, NetNS: destination.NetNS, Exe: destination.Exe}
	for name, events := range map[string][]probe.Event{
		"source first":      {listen, source, destination},
		"destination first": {listen, destination, source},
		"no listener seen":  {destination, source},
	} {
		t.Run(name, func(t *testing.T) {
			probed := new(probetest.Source)
			r := newRecording(t, func(o *Options) { o.Interval = time.Hour }, probed.Engine("tcp")).start()
			probed.Add(events...)
			got := r.stop()
			require.Len(t, got.Flows, 2)
			once := 0
			for i := range got.Flows {
				f := &got.Flows[i]
				require.Equal(t, "curl", f.Source.Process.String(), f.Reporter)
				require.Equal(t, "nginx", f.Destination.Process.String(), f.Reporter)
				require.True(t, f.PeerObserved, f.Reporter)
				require.Equal(t, flow.EndpointHost, f.Source.Type)
				if f.CountsOnce() {
					once++
				}
			}
			require.Equal(t, 1, once)
		})
	}
}

func TestAConnectionFromElsewhereIsNotKeptWaiting(t *testing.T) {
	_, destination := ends("198.51.100.7:40000", "10.0.0.2:80")
	probed := new(probetest.Source)
	r := newRecording(t, nil, probed.Engine("tcp")).start()
	probed.Add(destination)
	r.await(func(got flow.Batch) bool { return len(got.Flows) == 1 })
	f := r.received().Flows[0]
	require.False(t, f.PeerObserved)
	require.False(t, f.Source.Process.Known())
	require.Equal(t, flow.EndpointNetwork, f.Source.Type)
	require.True(t, f.CountsOnce())
}

// A source that has an address of this machine but never reports (it is left
// out, or hides behind a translation) is waited for, and then not.
func TestASourceThatNeverReportsIsWaitedForOnce(t *testing.T) {
	_, destination := ends("10.0.0.2:40000", "10.0.0.2:80") // its own address
	probed := new(probetest.Source)
	r := newRecording(t, nil, probed.Engine("tcp")).start()
	probed.Add(destination)
	r.await(func(got flow.Batch) bool { return len(got.Flows) == 1 })
	got := r.stop()
	require.Len(t, got.Flows, 1)
	require.False(t, got.Flows[0].PeerObserved)
}

func TestPeersAreBounded(t *testing.T) {
	p := newPeers()
	for i := range uint32(maxPeers + 10) {
		p.reported(&probe.Event{Local: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 1)}, flow.Name{})
	}
	require.LessOrEqual(t, len(p.now), maxPeers)
	p.cut()
	require.Empty(t, p.now)
	require.NotEmpty(t, p.before)
	for range maxWaiting {
		p.wait(&probe.Event{}, nil)
	}
	require.False(t, p.mayReport(&probe.Event{Remote: netip.MustParseAddrPort("10.0.0.1:1")}))
	for i := range uint32(maxAddresses + 10) {
		p.learnRemote(netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	require.LessOrEqual(t, len(p.remote), maxAddresses)
}

// The same ports of two transports are two places, and two pings of one pair of
// hosts are told apart by what they ask.
func TestTransportsDoNotMix(t *testing.T) {
	source, destination := ends("10.0.0.1:40000", "10.0.0.2:53")
	listen := probe.Event{Kind: probe.Listen, Transport: flow.TransportTCP, Reporter: flow.ReporterDestination, Local: destination.Local, NetNS: destination.NetNS, Exe: destination.Exe}
	source.Transport = flow.TransportUDP
	probed := new(probetest.Source)
	r := newRecording(t, func(o *Options) { o.Interval = time.Hour }, probed.Engine("tcp")).start()
	probed.Add(listen, source)
	got := r.stop()
	require.Len(t, got.Flows, 1)
	require.False(t, got.Flows[0].Destination.Process.Known(), "it listens for TCP")

	p := newPeers()
	echo := probe.Event{Transport: flow.TransportICMP, Local: netip.MustParseAddrPort("10.0.0.1:0"), ICMP: flow.ICMP{Type: 8}}
	p.reported(&echo, flow.Intern("ping"))
	answered, other := echo, echo
	answered.Local, answered.Remote = netip.MustParseAddrPort("10.0.0.2:0"), echo.Local
	other.Remote, other.ICMP = echo.Local, flow.ICMP{Type: 13}
	_, ok := p.source(&answered)
	require.True(t, ok)
	_, ok = p.source(&other)
	require.False(t, ok)
}

// A server of datagrams is known by what it answered for minutes, not only while
// it is busy.
func TestAServerOfDatagramsIsRemembered(t *testing.T) {
	p := newPlaces()
	at := netip.MustParseAddrPort("10.0.0.1:53")
	p.learn(at.Addr(), 1)
	ev := listening(probe.Live, 1, at.String())
	ev.Transport = flow.TransportUDP
	p.serve(ev, flow.Intern("named"))
	for range servingCuts - 1 {
		p.cut()
		p.learn(at.Addr(), 1)
	}
	l, ok := p.listenerAt(flow.TransportUDP, at, 1)
	require.True(t, ok)
	require.Equal(t, "named", l.process.String())
	p.serve(ev, flow.Intern("unbound"))
	l, _ = p.listenerAt(flow.TransportUDP, at, 1)
	require.Equal(t, "unbound", l.process.String(), "who serves there now")
	for range servingCuts {
		p.cut()
	}
	require.Empty(t, p.listeners)
}
