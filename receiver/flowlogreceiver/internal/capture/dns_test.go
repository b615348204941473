//go:build linux

package capture

import (
	"errors"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe/probetest"
)

// dnsSource delivers the messages that a test adds.
type dnsSource struct {
	mu       sync.Mutex
	messages []probe.DNSMessage
	failed   error
	lost     uint64
	closed   bool
}

func (s *dnsSource) engine() probe.Engine {
	return probe.Engine{
		Name: "dns", Missing: func() error { return nil },
		OpenDNS: func(probe.Options) (probe.DNSSource, error) { return s, nil },
	}
}

func (s *dnsSource) do(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *dnsSource) Read(f func(*probe.DNSMessage)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.messages {
		f(&s.messages[i])
	}
	s.messages = nil
	return s.failed
}

func (s *dnsSource) Losses() (probe.Losses, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return probe.Losses{DNS: s.lost}, nil
}

func (s *dnsSource) Close() error {
	s.do(func() { s.closed = true })
	return nil
}

func withDNS(o *Options) {
	o.Enabled["dns"] = true
	o.DNS = DNSOptions{MaxNames: 10, MinTTL: time.Minute}
}

// lookedUp is a lookup of the server of the tests by its client, a time ago.
func lookedUp(t testing.TB, name string, ago time.Duration) []probe.DNSMessage {
	t.Helper()
	owner := dnsmessage.MustNewName(name)
	m := dnsmessage.Message{
		Questions: []dnsmessage.Question{{Name: owner, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
		Answers: []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: owner, Class: dnsmessage.ClassINET, TTL: 1},
			Body:   &dnsmessage.AResource{A: serverAddress.Addr().As4()},
		}},
	}
	m.Response = true
	packed, err := m.Pack()
	require.NoError(t, err)
	query := probe.DNSMessage{
		Time: uptime - int64(ago), Local: netip.AddrPortFrom(clientAddress, 40_000), Remote: netip.MustParseAddrPort("192.0.2.53:53"),
	}
	answer := query
	answer.Time += int64(time.Millisecond)
	answer.Answer = packed
	return []probe.DNSMessage{query, answer}
}

// live is a report of a connection that goes on.
func live(port uint16, started bool) probe.Event {
	ev := closed(port)
	ev.Kind, ev.Started = probe.Live, started
	return ev
}

func domainsByPort(flows []flow.Flow) map[uint16][]string {
	domains := make(map[uint16][]string)
	for i := range flows {
		domains[flows[i].Source.Port] = append(domains[flows[i].Source.Port], flows[i].Destination.Domains.Strings()...)
	}
	return domains
}

func TestNamesOfAConnectionAreThoseOfItsBeginning(t *testing.T) {
	source, names := new(probetest.Source), new(dnsSource)
	r := newRecording(t, func(o *Options) { withDNS(o); o.MergeSourcePorts = false; o.Interval = time.Hour }, source.Engine("tcp"), names.engine()).start()
	// Connections of the tests begin a second ago.
	names.messages = append(lookedUp(t, "before.example.", 2*time.Second), lookedUp(t, "after.example.", 500*time.Millisecond)...)
	source.Add(closed(1), live(2, true), live(3, false))
	ended := closed(2)
	ended.Started = false
	source.Add(ended)
	reported := closed(4)
	reported.Reporter = flow.ReporterDestination
	source.Add(reported)
	got := r.stop()
	require.Equal(t, map[uint16][]string{1: {"before.example"}, 2: {"before.example"}, 3: nil, 443: nil}, domainsByPort(got.Flows))
	require.Empty(t, r.resolver.named, "all have ended, or have no name")
	require.True(t, names.closed)
}

func TestMergedConnectionsHaveAllTheirNames(t *testing.T) {
	source, names := new(probetest.Source), new(dnsSource)
	r := newRecording(t, func(o *Options) { withDNS(o); o.Interval = time.Hour }, source.Engine("tcp"), names.engine()).start()
	names.messages = append(lookedUp(t, "one.example.", 3*time.Second), lookedUp(t, "two.example.", 500*time.Millisecond)...)
	later := closed(1001)
	later.Since = uptime
	source.Add(closed(1000), later)
	got := r.stop()
	require.Len(t, got.Flows, 1)
	require.Equal(t, []string{"one.example", "two.example"}, got.Flows[0].Destination.Domains.Strings())
}

func TestLookupsGoWithTheFlowToTheNameServer(t *testing.T) {
	source, names := new(probetest.Source), new(dnsSource)
	r := newRecording(t, func(o *Options) { withDNS(o); o.Interval = time.Hour }, source.Engine("tcp"), names.engine()).start()
	names.messages = lookedUp(t, "a.example.", time.Second)
	names.messages = append(names.messages, lookedUp(t, "b.example.", time.Second)[0])
	ev := closed(40_000)
	ev.Transport, ev.Remote = flow.TransportUDP, netip.MustParseAddrPort("192.0.2.53:53")
	source.Add(ev)
	got := r.stop()
	require.Len(t, got.Flows, 1)
	require.Equal(t, flow.DNS{Queries: 2, Responses: 1, Timeouts: 1, LatencySum: 1000, LatencyMax: 1000}, got.Flows[0].DNS)
}

func TestADNSEngineThatDiesIsReportedAndTheOthersGoOn(t *testing.T) {
	source, names := new(probetest.Source), new(dnsSource)
	r := newRecording(t, withDNS, source.Engine("tcp"), names.engine()).start()
	r.await(func(got flow.Batch) bool { return len(got.Agents) > 0 })
	require.Equal(t, []flow.Engine{{Name: "tcp", On: true}, {Name: "dns", On: true}}, r.received().Agents[0].Engines)
	names.do(func() { names.failed, names.lost = errors.New("the ring is gone"), 3 })
	r.await(func(got flow.Batch) bool { return !got.Agents[len(got.Agents)-1].Engines[1].On })
	source.Add(closed(1000))
	got := r.stop()
	require.Len(t, got.Flows, 1)
	require.Equal(t, flow.Engine{Name: "dns", Detail: "the ring is gone"}, got.Agents[len(got.Agents)-1].Engines[1])
	require.Len(t, got.Losses, 1)
	require.Equal(t, [3]any{flow.StageDNS, flow.UnitPackets, uint64(3)}, [3]any{got.Losses[0].Stage, got.Losses[0].Unit, got.Losses[0].Count})
}

// Names alone are nothing to record.
func TestTheDNSEngineAloneIsNotEnough(t *testing.T) {
	names := new(dnsSource)
	r := newRecording(t, withDNS, names.engine())
	require.ErrorContains(t, r.Start(), "no engine can run")
	require.True(t, names.closed)
}
