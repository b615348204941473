//go:build linux

package capture

import (
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
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
			c := New(Options{MergeSourcePorts: test.merge, MaxFlows: 1 << 20})
			c.begin()
			events := interval(10_000)
			records := 0
			b.ReportAllocs()
			began := processorTime()
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
			used := (processorTime() - began).Seconds()
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

func processorTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
