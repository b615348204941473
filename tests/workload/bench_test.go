package workload_test

import (
	"testing"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/workload"
)

// reference is how long the reference is played. Of much less, little is left once it is
// aggregated, and what the store takes for a block that is not full would be most of it.
const reference = 30 * time.Minute

// BenchmarkWorkload says what the reference is: how many records of which part, and how
// many keys they could be merged to.
func BenchmarkWorkload(b *testing.B) {
	config := workload.Default()
	for b.Loop() {
		w := workload.New(1, config)
		var s workload.Summary
		for range int(reference / config.Interval) {
			for _, batch := range w.Next() {
				s.Add(&batch, w.Now())
			}
		}
		b.ReportMetric(float64(s.Records), "records")
		b.ReportMetric(float64(s.Denied), "with-action-deny")
		b.ReportMetric(float64(s.Connections), "connections")
		b.ReportMetric(float64(s.Tuples()), "5-tuples")
		b.ReportMetric(float64(s.Pairs()), "workload-pairs")
		b.ReportMetric(float64(s.Bytes)/float64(s.Records), "OTLP-B/record")
		for _, part := range workload.Parts {
			b.ReportMetric(float64(w.Records(part)), string(part)+"-records")
		}
	}
}
