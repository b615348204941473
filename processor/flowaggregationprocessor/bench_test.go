package flowaggregationprocessor

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/meter"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowaggregationprocessor/internal/metadata"
)

// BenchmarkConsumeLogs compares merging with a dry run, which merges five times.
func BenchmarkConsumeLogs(b *testing.B) {
	const records = 1000
	r := rand.New(rand.NewPCG(1, 1))
	flows := make([]flow.Flow, records)
	end := time.Now().Truncate(time.Hour).Add(time.Minute).UnixNano()
	for i := range flows {
		flows[i] = record(r.IntN(1000), flow.Allow)
		flows[i].ID, flows[i].End = flow.ID{}, end
	}
	for name, dry := range map[string]bool{"merge": false, "dry run": true} {
		b.Run(name, func(b *testing.B) {
			config := createDefaultConfig().(*Config)
			config.Interval, config.DryRun.Enabled = time.Hour, dry
			p, err := NewFactory().CreateLogs(b.Context(), processortest.NewNopSettings(metadata.Type), config, consumertest.NewNop())
			require.NoError(b, err)
			logs := encode(flow.Batch{Flows: flows})
			b.ReportAllocs()
			m := meter.Start()
			for b.Loop() {
				require.NoError(b, p.ConsumeLogs(b.Context(), logs))
			}
			m.PerSecond(b, "records", records)
			require.NoError(b, p.Shutdown(b.Context()))
		})
	}
}
