package filtering

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// BenchmarkRecipes measures what a record of the sample costs in each processor that the
// example turns on or offers.
func BenchmarkRecipes(b *testing.B) {
	sample := NewSample(time.Now())
	one := flow.Encode(&sample.Batch, time.Now())
	many := plog.NewLogs()
	for range 40 {
		for _, rl := range one.ResourceLogs().All() {
			rl.CopyTo(many.ResourceLogs().AppendEmpty())
		}
	}
	processors := documented(b)
	for _, tested := range [][]string{keys(removedBy), keys(changedBy)} {
		for _, id := range tested {
			b.Run(id, func(b *testing.B) {
				p := start(b, id, processors[id], zap.NewNop(), consumertest.NewNop())
				n := 0
				for b.Loop() {
					b.StopTimer()
					logs := plog.NewLogs()
					many.CopyTo(logs)
					n += logs.LogRecordCount()
					b.StartTimer()
					require.NoError(b, p.ConsumeLogs(b.Context(), logs))
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/record")
				require.NoError(b, p.Shutdown(b.Context()))
			})
		}
	}
}
