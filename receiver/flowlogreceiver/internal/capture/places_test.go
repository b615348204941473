//go:build linux

package capture

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
)

func listening(kind probe.Kind, netns uint32, at string) *probe.Event {
	return &probe.Event{Kind: kind, Transport: flow.TransportTCP, NetNS: netns, Local: netip.MustParseAddrPort(at)}
}

func TestWhoListensAtTheFarEnd(t *testing.T) {
	p := newPlaces()
	any, exact := flow.Intern("any"), flow.Intern("exact")
	p.learn(netip.MustParseAddr("10.0.0.1"), 1)
	p.learn(netip.MustParseAddr("10.0.0.2"), 2)
	p.learn(netip.MustParseAddr("10.0.0.9"), 1)
	p.learn(netip.MustParseAddr("10.0.0.9"), 3) // private networks repeat
	p.listen(listening(probe.Listen, 2, "0.0.0.0:80"), any)
	p.listen(listening(probe.Listen, 2, "10.0.0.2:80"), exact)
	p.listen(listening(probe.Listen, 3, "10.0.0.9:443"), exact)
	p.listen(listening(probe.Listen, 1, "127.0.0.1:22"), any)
	for name, test := range map[string]struct {
		to    string
		netns uint32
		want  flow.Name
	}{
		"the very address before any":        {"10.0.0.2:80", 1, exact},
		"any, at another port":               {"10.0.0.2:81", 1, flow.Name{}},
		"in the second of two namespaces":    {"10.0.0.9:443", 1, exact},
		"loopback is its own namespace's":    {"127.0.0.1:22", 1, any},
		"and no other's":                     {"127.0.0.1:22", 2, flow.Name{}},
		"an address that is not this host's": {"198.51.100.1:80", 1, flow.Name{}},
	} {
		l, ok := p.listenerAt(flow.TransportTCP, netip.MustParseAddrPort(test.to), test.netns)
		require.Equal(t, test.want, l.process, name)
		require.Equal(t, test.want.Known(), ok, name)
	}
}

func TestAListenerIsForgottenSomeTimeAfterItWent(t *testing.T) {
	p := newPlaces()
	name := flow.Intern("server")
	at := netip.MustParseAddrPort("10.0.0.1:80")
	p.learn(at.Addr(), 1)
	p.listen(listening(probe.Listen, 1, at.String()), name)
	for range 3 * listenerCuts {
		p.cut()
	}
	_, ok := p.listenerAt(flow.TransportTCP, at, 1)
	require.True(t, ok, "it listens still")

	p.listen(listening(probe.Unlisten, 1, at.String()), name)
	p.cut()
	_, ok = p.listenerAt(flow.TransportTCP, at, 1)
	require.True(t, ok, "its last connections may still come")
	for range listenerCuts {
		p.cut()
	}
	_, ok = p.listenerAt(flow.TransportTCP, at, 1)
	require.False(t, ok)
	require.Empty(t, p.listeners)
}

func TestAServerThatWasNeverSeenListening(t *testing.T) {
	p := newPlaces()
	at := netip.MustParseAddrPort("10.0.0.1:80")
	p.learn(at.Addr(), 1)
	p.serve(listening(probe.Closed, 1, at.String()), flow.Intern("server"))
	l, ok := p.listenerAt(flow.TransportTCP, at, 1)
	require.True(t, ok)
	require.Equal(t, "server", l.process.String())
}

func TestAddressesAreForgottenAndBounded(t *testing.T) {
	p := newPlaces()
	own := len(p.addresses)
	at := netip.MustParseAddr("10.1.2.3")
	require.True(t, p.learn(at, 1))
	require.False(t, p.learn(at, 1), "no news")
	require.True(t, p.local(at))
	for range addressCuts {
		p.cut()
	}
	require.False(t, p.local(at))
	require.Len(t, p.addresses, own, "this namespace's own stay")

	for i := range uint32(maxAddresses + 10) {
		p.learn(netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)}), 1)
	}
	require.LessOrEqual(t, len(p.addresses), maxAddresses)
	for i := range uint32(maxListeners + 10) {
		p.listen(&probe.Event{Kind: probe.Listen, NetNS: i, Local: netip.AddrPortFrom(at, 1)}, flow.Name{})
		p.listen(&probe.Event{Kind: probe.Listen, NetNS: i, Local: netip.AddrPortFrom(netip.IPv4Unspecified(), 1)}, flow.Name{})
	}
	require.LessOrEqual(t, len(p.listeners)+len(p.wild), maxListeners)
}

// Two listeners on every address, one of each family, come and go by themselves.
func TestListenersOnEveryAddress(t *testing.T) {
	p := newPlaces()
	four, six := netip.MustParseAddrPort("10.0.0.1:80"), netip.MustParseAddrPort("[2001:db8::1]:80")
	p.learn(four.Addr(), 1)
	p.learn(six.Addr(), 1)
	serving := func(at netip.AddrPort) string {
		l, _ := p.listenerAt(flow.TransportTCP, at, 1)
		return l.process.String()
	}
	p.listen(listening(probe.Listen, 1, "[::]:80"), flow.Intern("six"))
	require.Equal(t, []string{"six", "six"}, []string{serving(four), serving(six)}, "of both families")
	p.listen(listening(probe.Listen, 1, "0.0.0.0:80"), flow.Intern("four"))
	require.Equal(t, []string{"four", "six"}, []string{serving(four), serving(six)})
	p.listen(listening(probe.Unlisten, 1, "[::]:80"), flow.Name{})
	for range listenerCuts + 1 {
		p.cut()
	}
	require.Equal(t, []string{"four", ""}, []string{serving(four), serving(six)})
	p.listen(listening(probe.Unlisten, 1, "0.0.0.0:80"), flow.Name{})
	for range listenerCuts + 1 {
		p.cut()
	}
	require.Empty(t, p.wild)
}
