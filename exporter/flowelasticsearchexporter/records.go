package flowelasticsearchexporter

import (
	"iter"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// records are those of logs, each with its resource. They are numbered in this order.
func records(logs plog.Logs) iter.Seq2[pcommon.Resource, plog.LogRecord] {
	return func(yield func(pcommon.Resource, plog.LogRecord) bool) {
		for _, rl := range logs.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, record := range sl.LogRecords().All() {
					if !yield(rl.Resource(), record) {
						return
					}
				}
			}
		}
	}
}

// isFlow tells whether a log record says that it is a flow record, a loss or a sign of life.
func isFlow(record plog.LogRecord) bool {
	switch record.EventName() {
	case flow.EventFlow, flow.EventLoss, flow.EventAgent:
		return true
	default:
		return false
	}
}

// subset copies the records of logs that are chosen by their numbers.
func subset(logs plog.Logs, chosen []bool) plog.Logs {
	to := plog.NewLogs()
	n := 0
	for _, rl := range logs.ResourceLogs().All() {
		var resource plog.ResourceLogs
		opened := false
		for _, sl := range rl.ScopeLogs().All() {
			var into plog.LogRecordSlice
			begun := false
			for _, record := range sl.LogRecords().All() {
				n++
				if !chosen[n-1] {
					continue
				}
				if !opened {
					resource, opened = to.ResourceLogs().AppendEmpty(), true
					rl.Resource().CopyTo(resource.Resource())
					resource.SetSchemaUrl(rl.SchemaUrl())
				}
				if !begun {
					scope := resource.ScopeLogs().AppendEmpty()
					sl.Scope().CopyTo(scope.Scope())
					scope.SetSchemaUrl(sl.SchemaUrl())
					into, begun = scope.LogRecords(), true
				}
				record.CopyTo(into.AppendEmpty())
			}
		}
	}
	return to
}
