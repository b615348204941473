package aggregate_test

import (
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/meter"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowaggregationprocessor/internal/aggregate"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/workload"
)

// minute is what the agents of the reference send in a minute, as a gateway gets it from
// the network: no two attributes share a string.
func minute(tb testing.TB) (batches []plog.Logs, records int) {
	config := workload.Default()
	w := workload.New(1, config)
	for range int(time.Minute / config.Interval) {
		for _, batch := range w.Next() {
			data, err := (&plog.ProtoMarshaler{}).MarshalLogs(flow.Encode(&batch, w.Now()))
			if err != nil {
				tb.Fatal(err)
			}
			logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(data)
			if err != nil {
				tb.Fatal(err)
			}
			batches, records = append(batches, logs), records+logs.LogRecordCount()
		}
	}
	return batches, records
}

// BenchmarkAdd merges a minute of the reference over and over into windows that are
// dropped. What is written of them is few records, and not measured here.
func BenchmarkAdd(b *testing.B) {
	batches, records := minute(b)
	for _, level := range []flow.Level{flow.LevelAll, flow.LevelPorts, flow.LevelWorkloads, flow.LevelServices} {
		b.Run("level="+level.String(), func(b *testing.B) {
			agg := newBench(b, func(a *aggregate.Aggregator, o *aggregate.Options) {
				o.Classes = []aggregate.Class{{Chain: a.Level(level)}, {Chain: a.Level(max(level, flow.LevelPorts))}}
				o.MaxIDs = 0
			})
			var full aggregate.State
			b.ReportAllocs()
			m := meter.Start()
			for b.Loop() {
				for _, logs := range batches {
					agg.Add(logs, agg.class, nil)
				}
				full = agg.State()
				for _, w := range agg.Take(true) {
					agg.Done(w)
				}
			}
			m.PerSecond(b, "records", records)
			b.ReportMetric(float64(full.Memory)/float64(full.Groups), "B/group")
			b.ReportMetric(float64(full.Groups), "groups")
			b.ReportMetric(float64(records), "records")
		})
	}
}

// BenchmarkInput does to the same records what no merging can do without: it decodes them,
// or looks at each attribute once.
func BenchmarkInput(b *testing.B) {
	batches, records := minute(b)
	b.Run("decode", func(b *testing.B) {
		wire := make([][]byte, len(batches))
		for i, logs := range batches {
			var err error
			if wire[i], err = (&plog.ProtoMarshaler{}).MarshalLogs(logs); err != nil {
				b.Fatal(err)
			}
		}
		m := meter.Start()
		for b.Loop() {
			for _, data := range wire {
				if _, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(data); err != nil {
					b.Fatal(err)
				}
			}
		}
		m.PerSecond(b, "records", records)
	})
	b.Run("look", func(b *testing.B) {
		attributes := 0
		m := meter.Start()
		for b.Loop() {
			for _, logs := range batches {
				for _, rl := range logs.ResourceLogs().All() {
					for _, sl := range rl.ScopeLogs().All() {
						for _, lr := range sl.LogRecords().All() {
							attributes += look(lr.Attributes())
						}
					}
				}
			}
		}
		m.PerSecond(b, "records", records)
		b.ReportMetric(float64(attributes)/float64(b.N)/float64(records), "attributes")
	})
}

// look reads a byte of the name and the value of each attribute, and returns how many there
// are that have any.
func look(attrs pcommon.Map) (n int) {
	for name, v := range attrs.All() {
		seen := name[0] != 0
		switch v.Type() {
		case pcommon.ValueTypeStr:
			s := v.Str()
			seen = seen && (s == "" || s[len(s)-1] != 0)
		case pcommon.ValueTypeInt:
			seen = seen && v.Int() != -1
		case pcommon.ValueTypeMap:
			n += look(v.Map())
		}
		if seen {
			n++
		}
	}
	return n
}
