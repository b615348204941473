package deploy

import (
	"encoding/json"
	"fmt"
	"net/netip"

	"github.com/stretchr/testify/require"
)

// kept is a connection of the shop's client that lives until it is closed. What it sends
// are different powers of two, so that the sum of what records tell of it says which of
// them they tell of, and none can be told twice unseen.
type kept struct {
	s      *site
	client running
	local  string // its own end
	sent   int    // bytes, the sum of all parts so far
}

// told is what one end's records tell of connections, added up.
type told struct {
	Started, Completed int
	Sent, Returned     int // bytes, by the source and by the destination
}

func (s *site) open(client running, address string) *kept {
	s.t.Helper()
	k := &kept{s: s, client: client}
	k.local = k.order("open", address).Local
	return k
}

// send sends a part and waits for its echo.
func (k *kept) send(part int) {
	k.s.t.Helper()
	require.Zero(k.s.t, part&(part-1)|part&k.sent, "%d is no power of two, or was sent before", part)
	k.order("send", fmt.Sprint("-bytes=", part), k.local)
	k.sent += part
}

func (k *kept) close() {
	k.s.t.Helper()
	k.order("close", k.local)
}

func (k *kept) order(what string, args ...string) (outcome struct{ Local, Error string }) {
	k.s.t.Helper()
	out, err := k.client.command(append([]string{"/netpeer", what}, args...)...)
	require.NoError(k.s.t, err)
	require.NoError(k.s.t, json.Unmarshal(out, &outcome), "%s", out)
	require.Empty(k.s.t, outcome.Error)
	return outcome
}

// whole is the report of an end that saw the connection from its first byte to its last.
func (k *kept) whole() told { return told{1, 1, k.sent, k.sent} }

// filter matches the records of the connection.
func (k *kept) filter() string {
	end := netip.MustParseAddrPort(k.local)
	return fmt.Sprintf("source.address = %s and source.port = %d and destination.port = 8080", end.Addr(), end.Port())
}

// told adds up what an end's records tell of the connection. It fails unless each of
// them names both ends, and the service if it is the source's.
func (k *kept) told(api visualizer, reporter string) (told, error) {
	const named = ` and source.k8s.pod.name = client and destination.k8s.pod.name = server
		and source.k8s.namespace.name = shop and destination.k8s.namespace.name = shop`
	want, err := api.sum(reporter, k.filter())
	if err != nil {
		return want, err
	}
	filter := k.filter() + named
	if reporter == "source" {
		filter += " and destination.k8s.service.name = server"
	}
	got, err := api.sum(reporter, filter)
	if err == nil && got != want {
		err = fmt.Errorf("with names %s tells %+v, without %+v", reporter, got, want)
	}
	return got, err
}

// tells fails unless the records of an end add up to that.
func (k *kept) tells(api visualizer, reporter string, want told) error {
	got, err := k.told(api, reporter)
	if err == nil && got != want {
		err = fmt.Errorf("%s tells %+v of %s, want %+v", reporter, got, k.local, want)
	}
	return err
}

// sum adds up what the records of an end tell that a filter matches.
func (v visualizer) sum(reporter, filter string) (sum told, err error) {
	flows, err := pages[struct {
		Started   int `json:"flow.connections.started"`
		Completed int `json:"flow.connections.completed"`
		Sent      int `json:"source.payload.bytes"`
		Returned  int `json:"destination.payload.bytes"`
	}](v, reporter, filter)
	for _, f := range flows {
		sum.Started += f.Started
		sum.Completed += f.Completed
		sum.Sent += f.Sent
		sum.Returned += f.Returned
	}
	return sum, err
}
