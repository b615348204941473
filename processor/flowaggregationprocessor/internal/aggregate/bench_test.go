package aggregate_test

import (
	"testing"
	"time"

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
