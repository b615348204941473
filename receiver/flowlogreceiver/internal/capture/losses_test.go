//go:build linux

package capture

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
)

func TestLossesAreToldOnceWithTheirPlaceAndTime(t *testing.T) {
	l := newLosses(100)
	require.Empty(t, l.records(200))

	l.observe(probe.Losses{Hook: 1, Storage: 2, Ring: 3, Listeners: 4, Undecodable: 5, Packets: 7}, 6)
	require.Equal(t, []flow.Loss{
		{Start: 200, End: 300, Stage: flow.StageHook, Unit: flow.UnitPackets, Count: 1},
		{Start: 200, End: 300, Stage: flow.StageSocketStorage, Unit: flow.UnitConnections, Count: 2},
		{Start: 200, End: 300, Stage: flow.StageRingBuffer, Unit: flow.UnitConnections, Count: 3},
		{Start: 200, End: 300, Stage: flow.StageRingBuffer, Unit: flow.UnitRecords, Count: 9},
		{Start: 200, End: 300, Stage: flow.StageRingBuffer, Unit: flow.UnitPackets, Count: 7},
		{Start: 200, End: 300, Stage: flow.StagePipeline, Unit: flow.UnitRecords, Count: 6},
	}, l.records(300))
	require.Equal(t, uint64(28), l.lost())

	l.observe(probe.Losses{Hook: 1, Storage: 2, Ring: 5, Listeners: 4, Undecodable: 5, Packets: 7}, 6)
	told := l.records(400)
	require.Equal(t, []flow.Loss{{Start: 300, End: 400, Stage: flow.StageRingBuffer, Unit: flow.UnitConnections, Count: 2}}, told)
	require.Empty(t, l.records(500))

	// One that did not arrive is told again, with what came on top.
	l.returned(&told[0])
	l.observe(probe.Losses{Hook: 1, Storage: 2, Ring: 6, Listeners: 4, Undecodable: 5, Packets: 7}, 6)
	require.Equal(t, []flow.Loss{{Start: 500, End: 600, Stage: flow.StageRingBuffer, Unit: flow.UnitConnections, Count: 3}}, l.records(600))
}
