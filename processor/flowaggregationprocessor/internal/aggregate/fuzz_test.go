package aggregate_test

import (
	"testing"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowaggregationprocessor/internal/aggregate"
)

// FuzzRecords has anything merged that decodes as OTLP: each flow record is merged or
// handed back, and what is written is as many records as were merged.
func FuzzRecords(f *testing.F) {
	marshal := func(logs plog.Logs) []byte {
		data, err := (&plog.ProtoMarshaler{}).MarshalLogs(logs)
		if err != nil {
			f.Fatal(err)
		}
		return data
	}
	one, two := between(pod("web", 0), pod("db", 0), 1, 10), between(pod("web", 1), pod("db", 1), 2, 20)
	f.Add(marshal(flow.Encode(&flow.Batch{Flows: []flow.Flow{one, two}}, start)))
	b := newBench(f, nil)
	b.add(one, two)
	for _, w := range b.Take(true) {
		f.Add(marshal(b.writer.Write(w, 0, w.Len())))
	}
	broken := flow.Encode(&flow.Batch{Flows: []flow.Flow{one}}, start)
	attrs := broken.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes()
	attrs.PutEmptyMap("source.bytes")
	attrs.PutStr("source.addresses", "x")
	attrs.PutInt("source.k8s.pod.labels", -1)
	attrs.PutDouble("destination.bytes", -1)
	attrs.PutEmptySlice("other").AppendEmpty().SetEmptyBytes()
	f.Add(marshal(broken))

	f.Fuzz(func(t *testing.T, data []byte) {
		logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(data)
		if err != nil {
			return
		}
		flows := 0
		for _, rl := range logs.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, lr := range sl.LogRecords().All() {
					if lr.EventName() == flow.EventFlow {
						flows++
					}
				}
			}
		}
		b := newBench(t, func(_ *aggregate.Aggregator, o *aggregate.Options) { o.Memory = 100_000 })
		handed := 0
		added := b.Add(logs, b.class, func(plog.ResourceLogs, plog.ScopeLogs, plog.LogRecord) { handed++ })
		if added.Unread != handed || added.Records+added.Duplicates+added.Unread != flows {
			t.Fatalf("%d flow records: %+v, and %d handed back", flows, added, handed)
		}
		written := 0
		for _, w := range b.Take(true) {
			written += b.writer.Write(w, 0, w.Len()).LogRecordCount()
			b.Done(w)
		}
		if written > added.Records || written == 0 && added.Records > 0 {
			t.Fatalf("%d records were merged, %d written", added.Records, written)
		}
		if left := b.State().Memory; left != 0 {
			t.Fatalf("%d bytes are left", left)
		}
	})
}
