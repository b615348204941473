//go:build linux

package capture

import (
	"net/netip"
	"testing"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/meter"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
)

// BenchmarkEventsToLogs takes the events of an interval to OTLP logs: merging,
// completing and encoding. Decoding what the kernel sent is measured beside the
// decoder, and is little.
func BenchmarkEventsToLogs(b *testing.B) {
	for _, test := range []struct {
		name  string
		merge bool
	}{{"a record each", false}, {"merged", true}} {
		b.Run(test.name, func(b *testing.B) {
			c := New(Options{MergeSourcePorts: test.merge, MaxFlows: 1 << 20, Interval: 5 * time.Second})
			c.begin()
			events := interval(10_000)
			records := 0
			b.ReportAllocs()
			began := meter.Used()
			for b.Loop() {
				for i := range events {
					c.event(&events[i])
				}
				late := c.settle(false)
				batch := flow.Batch{Flows: append(c.now.take(), late.take()...)}
				c.annotate(batch.Flows)
				records += flow.Encode(&batch, c.begun).LogRecordCount()
				c.peers.cut()
				c.places.cut()
			}
			used := (meter.Used() - began).Seconds()
			b.ReportMetric(float64(b.N*len(events))/used, "events/cpu-s")
			b.ReportMetric(float64(records)/used, "records/cpu-s")
		})
	}
}

// interval is the ends of n connections of 50 processes to 200 servers elsewhere.
func interval(n int) []probe.Event {
	events := make([]probe.Event, n)
	for i := range events {
		events[i] = probe.Event{
			Time: int64(i) + 1_000_000, Since: int64(i), Kind: probe.Closed, Reporter: flow.ReporterSource, Transport: flow.TransportTCP, Started: true,
			Local:       netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i % 50)}), uint16(i+1024)),
			Remote:      netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(i % 200)}), 443),
			SentPayload: 300, ReceivedPayload: 5000, SentBytes: 600, ReceivedBytes: 5400, SentPackets: 6, ReceivedPackets: 7,
			Health: probe.Health{RTT: 80, MinRTT: 60, Handshake: 70, Cwnd: 10, MSS: 1448}, NetNS: 4026531840, PID: uint32(i % 50),
			Exe: [probe.ExeLen]byte{'p', byte('a' + i%50)},
		}
	}
	return events
}

// BenchmarkTranslations completes a batch of events, with a translator that costs
// nothing: what its look-ups cost is measured beside it.
func BenchmarkTranslations(b *testing.B) {
	const batch = 512
	live, ended := make([]probe.Event, batch), make([]probe.Event, batch)
	for i := range batch {
		live[i], ended[i] = from(uint16(i+1), probe.Live), from(uint16(i+1), probe.Closed)
	}
	for _, test := range []struct {
		name   string
		events []probe.Event
		free   free
	}{
		{"known", live, free{backendAddress}},
		{"looked up", ended, free{backendAddress}},
		{"not translated", ended, free{serviceAddress}},
	} {
		b.Run(test.name, func(b *testing.B) {
			tr := newTranslations(test.free, 2*batch)
			events := make([]probe.Event, batch)
			var used time.Duration
			for b.Loop() {
				copy(events, test.events)
				began := time.Now()
				if err := tr.complete(events); err != nil {
					b.Fatal(err)
				}
				used += time.Since(began)
			}
			b.ReportMetric(float64(used.Nanoseconds())/float64(b.N*batch), "ns/event")
		})
	}
}

// free translates all destinations to one, without asking anybody.
type free struct{ to netip.AddrPort }

func (f free) Translate(tuples []probe.Tuple, translations []probe.Translation) error {
	for i := range tuples {
		translations[i] = probe.Translation{Local: tuples[i].Local, Remote: f.to}
	}
	return nil
}

func (f free) NetNS() uint32 { return 1 }
func (f free) Close() error  { return nil }
