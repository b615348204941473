//go:build linux

package capture

import (
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
)

// place and unit of a loss.
type lossKind struct{ stage, unit string }

// losses turns counters that only grow into loss records of what is new.
type losses struct {
	total  map[lossKind]uint64 // counted since the start
	told   map[lossKind]uint64 // put into records
	before int64               // the end of the last record, Unix nanoseconds
}

func newLosses(start int64) *losses {
	return &losses{total: make(map[lossKind]uint64), told: make(map[lossKind]uint64), before: start}
}

// observe brings the totals up to date with what the engines and the outbox
// count.
func (l *losses) observe(engines probe.Losses, dropped uint64) {
	l.total[lossKind{flow.StageHook, flow.UnitPackets}] = engines.Hook
	l.total[lossKind{flow.StageSocketStorage, flow.UnitConnections}] = engines.Storage
	l.total[lossKind{flow.StageRingBuffer, flow.UnitConnections}] = engines.Ring
	l.total[lossKind{flow.StageRingBuffer, flow.UnitRecords}] = engines.Undecodable + engines.Listeners
	l.total[lossKind{flow.StageRingBuffer, flow.UnitPackets}] = engines.Packets
	l.total[lossKind{flow.StageDNS, flow.UnitPackets}] = engines.DNS
	l.total[lossKind{flow.StagePipeline, flow.UnitRecords}] = dropped
}

// returned takes back a record that did not arrive.
func (l *losses) returned(record *flow.Loss) {
	l.told[lossKind{record.Stage, record.Unit}] -= record.Count
}

// lost is everything lost since the start.
func (l *losses) lost() uint64 {
	var sum uint64
	for _, n := range l.total {
		sum += n
	}
	return sum
}

// records returns what is new, up to end.
func (l *losses) records(end int64) []flow.Loss {
	var records []flow.Loss
	for _, kind := range []lossKind{
		{flow.StageHook, flow.UnitPackets},
		{flow.StageSocketStorage, flow.UnitConnections},
		{flow.StageRingBuffer, flow.UnitConnections},
		{flow.StageRingBuffer, flow.UnitRecords},
		{flow.StageRingBuffer, flow.UnitPackets},
		{flow.StageDNS, flow.UnitPackets},
		{flow.StagePipeline, flow.UnitRecords},
	} {
		if n := l.total[kind] - l.told[kind]; n > 0 {
			records = append(records, flow.Loss{Start: l.before, End: end, Stage: kind.stage, Unit: kind.unit, Count: n})
			l.told[kind] = l.total[kind]
		}
	}
	l.before = end
	return records
}
