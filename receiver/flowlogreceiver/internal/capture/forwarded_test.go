//go:build linux

package capture

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe/probetest"
)

// passing is a flow that passed through from a port of a guest to elsewhere.
func passing(port uint16, kind probe.Kind) probe.Event {
	ev := closed(port)
	ev.Kind, ev.Reporter = kind, flow.ReporterForward
	return ev
}

// settled is how many of the events that wait are told at the next cut.
func settled(f *forwarded) int {
	n := len(f.settle(false))
	f.cut(uptime)
	return n
}

func TestAForwardedFlowWaitsForTheNextInterval(t *testing.T) {
	f := newForwarded()
	ev := passing(1, probe.Live)
	require.True(t, f.hold(&ev))
	require.Zero(t, settled(f), "a socket may report it yet")
	require.Equal(t, 1, settled(f))
	require.Zero(t, settled(f), "once")
}

func TestASocketsFlowIsLeftOut(t *testing.T) {
	socket := closed(1)
	fromAfar := socket
	fromAfar.Local, fromAfar.Remote, fromAfar.Reporter = socket.Remote, socket.Local, flow.ReporterDestination
	for name, ev := range map[string]probe.Event{"of its source": socket, "of its destination": fromAfar} {
		t.Run(name, func(t *testing.T) {
			f := newForwarded()
			first, second, last := passing(1, probe.Live), passing(1, probe.Live), passing(1, probe.Closed)
			other, again := passing(2, probe.Live), passing(1, probe.Live)
			require.True(t, f.hold(&first))
			require.True(t, f.hold(&other))
			require.Zero(t, settled(f))
			f.reported(&ev)
			require.Equal(t, 1, settled(f), "the other")

			// It stays left out until it ends, however long the socket is silent.
			clear(f.now)
			clear(f.before)
			f.hold(&second)
			f.hold(&last)
			require.Zero(t, settled(f)+settled(f))
			require.Empty(t, f.lasting)
			f.hold(&again)
			require.Equal(t, 1, settled(f)+settled(f))
		})
	}
}

// Each end knows a translated flow by the addresses that it sees.
func TestATranslatedFlowOfASocketIsLeftOut(t *testing.T) {
	translated := passing(1, probe.Live)
	translated.Original = netip.MustParseAddrPort("10.96.0.1:80")
	translated.Alias = netip.MustParseAddrPort("198.51.100.7:61000")
	socket := func(local, remote netip.AddrPort) *probe.Event {
		ev := closed(1)
		ev.Local, ev.Remote = local, remote
		return &ev
	}
	for name, test := range map[string]struct {
		socket *probe.Event
		told   int
	}{
		"the source's":      {socket(translated.Local, translated.Original), 0},
		"the destination's": {socket(translated.Remote, translated.Alias), 0},
		"of another one":    {socket(translated.Local, translated.Remote), 1},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForwarded()
			f.reported(test.socket)
			require.True(t, f.hold(&translated))
			require.Equal(t, test.told, settled(f)+settled(f))
		})
	}
}

func TestForwardedFlowsAreToldTwiceRatherThanNever(t *testing.T) {
	f := newForwarded()
	for range maxForwarded {
		ev := passing(1, probe.Live)
		require.True(t, f.hold(&ev))
	}
	ev := passing(1, probe.Live)
	require.False(t, f.hold(&ev))
	require.Len(t, f.settle(true), maxForwarded)

	// What a socket reported is forgotten after a while, not at once.
	f = newForwarded()
	f.cut(uptime)
	socket := closed(1)
	f.reported(&socket)
	f.cut(uptime + int64(socketMemory))
	require.True(t, f.isReported(f.hash(&socket, socket.Local, socket.Remote)))
	f.cut(uptime + 2*int64(socketMemory))
	require.False(t, f.isReported(f.hash(&socket, socket.Local, socket.Remote)))
}

// Through the whole capture: with the sockets' engine, and without.
func TestForwardedRecords(t *testing.T) {
	var forward, sockets probetest.Source
	r := newRecording(t, func(o *Options) { o.Enabled["forward"] = true }, sockets.Engine("tcp"), forward.Engine("forward")).start()
	forward.Add(passing(1, probe.Closed), passing(2, probe.Closed))
	sockets.Add(closed(1))
	r.await(func(b flow.Batch) bool { return len(b.Flows) >= 2 })
	flows := r.stop().Flows
	require.Len(t, flows, 2)
	for _, f := range flows {
		require.True(t, f.CountsOnce())
		if f.Reporter == flow.ReporterForward {
			require.Equal(t, uint16(2), f.Source.Port)
			require.Equal(t, clientAddress, f.Source.Address)
			require.Equal(t, serverAddress.Addr(), f.Destination.Address)
			require.Equal(t, flow.Process{}, f.Process)
		}
	}
}

func TestForwardedRecordsAlone(t *testing.T) {
	var forward probetest.Source
	r := newRecording(t, func(o *Options) { o.Enabled["forward"] = true }, forward.Engine("forward")).start()
	forward.Add(passing(2, probe.Closed))
	r.await(func(b flow.Batch) bool { return len(b.Flows) > 0 })
	require.Len(t, r.stop().Flows, 1)
}
