package aggregate_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowaggregationprocessor/internal/aggregate"
)

// at is a flow that ended s seconds after the start.
func at(s int) flow.Flow {
	f := between(pod("web", 0), pod("db", 0), 1, 10)
	f.End = start.Add(time.Duration(s) * time.Second).UnixNano()
	f.Start = f.End - 1e9
	return f
}

// ends are when the records of flows ended, in seconds after the start.
func ends(flows []flow.Flow) (list []int) {
	for _, f := range flows {
		list = append(list, int((f.End-start.UnixNano())/1e9))
	}
	return list
}

func TestWindowsAreAlignedToTheClock(t *testing.T) {
	b := newBench(t, func(_ *aggregate.Aggregator, o *aggregate.Options) { o.Jitter = 2 * time.Second })
	b.now = start.Add(30 * time.Second)
	b.add(at(1), at(30), at(60), at(61))
	assert.Equal(t, 2, b.State().Windows, "what ends with a minute is of it")
	b.now = start.Add(66 * time.Second)
	assert.Empty(t, b.take(false), "it waits for what is late, and for the moment of this instance")
	b.now = start.Add(67 * time.Second)
	assert.Equal(t, []int{60}, ends(b.take(false)))
	b.now = start.Add(127 * time.Second)
	assert.Equal(t, []int{61}, ends(b.take(false)))
}

func TestLateRecordsAreRecordsOfTheirOwn(t *testing.T) {
	b := newBench(t, nil)
	b.add(at(30))
	b.now = start.Add(65 * time.Second)
	require.Len(t, b.take(false), 1)
	assert.Equal(t, 2, b.add(at(40), at(41), at(70)).Late)
	b.now = b.now.Add(4 * time.Second)
	assert.Empty(t, b.take(false), "they gather for as long as a window waits")
	b.now = b.now.Add(time.Second)
	assert.Equal(t, []int{41}, ends(b.take(false)), "and do not widen the present window")
	assert.Equal(t, []int{70}, ends(b.take(true)))
}

func TestClocksThatAreWrongHoldNothingUp(t *testing.T) {
	b := newBench(t, nil)
	b.add(at(24*3600), at(-24*3600), at(30))
	b.now = start.Add(66 * time.Second)
	assert.Equal(t, []int{-24 * 3600, 30, 24 * 3600}, ends(b.take(false)))
}

func TestARecordWithoutATimeIsOfNow(t *testing.T) {
	b := newBench(t, nil)
	b.now = start.Add(10 * time.Second)
	f := at(0)
	f.End = 0
	b.add(f)
	b.now = start.Add(65 * time.Second)
	assert.Len(t, b.take(false), 1)
}

func TestWhatIsNotTakenIsJoined(t *testing.T) {
	b := newBench(t, func(_ *aggregate.Aggregator, o *aggregate.Options) { o.MaxWindows = 3 })
	for minute := range 10 {
		b.now = start.Add(time.Duration(minute)*time.Minute + 30*time.Second)
		b.add(at(minute*60 + 30))
	}
	assert.Equal(t, 3, b.State().Windows)
	assert.EqualValues(t, 7, b.State().Joined)
	b.now = b.now.Add(time.Minute)
	assert.Equal(t, []int{7*60 + 30, 8*60 + 30, 9*60 + 30}, ends(b.take(false)))
}

func TestAWindowThatIsLargeIsPassedOnEarly(t *testing.T) {
	b := newBench(t, func(a *aggregate.Aggregator, o *aggregate.Options) {
		o.MaxGroups, o.Classes = 3, []aggregate.Class{{Chain: a.Level(flow.LevelAll)}}
	})
	for i := range 3 {
		b.add(between(pod("web", i), pod("db", 0), 1, 10))
	}
	assert.Len(t, b.take(false), 3)
	assert.Zero(t, b.add(between(pod("web", 0), pod("db", 0), 1, 10)).Late, "its time is not over")
}

func TestUnderPressureNewWindowsAreCoarser(t *testing.T) {
	b := newBench(t, nil)
	b.SetPressure(1)
	b.add(between(pod("web", 0), pod("db", 0), 1, 10), between(pod("web", 0), pod("db", 0), 2, 10))
	b.SetPressure(0)
	b.add(between(pod("web", 0), pod("db", 0), 3, 10))
	flows := b.take(true)
	require.Len(t, flows, 1, "an open window stays as it is")
	assert.Equal(t, flow.LevelServices, flows[0].Aggregation.Level)
	assert.EqualValues(t, 3, flows[0].Folded)
	assert.Equal(t, []string{"1", "2", "3"}, list(&flows[0], "destination.port").Values)
	b.add(between(pod("web", 0), pod("db", 0), 1, 10), between(pod("web", 0), pod("db", 0), 2, 10))
	flows = b.take(true)
	require.Len(t, flows, 2)
	assert.Zero(t, flows[0].Folded)
}
