package aggregate_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow/flowtest"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowaggregationprocessor/internal/aggregate"
)

// bench is an Aggregator with a clock and a writer.
type bench struct {
	t testing.TB
	*aggregate.Aggregator
	now    time.Time
	writer aggregate.Writer
	last   uint64
	action aggregate.Dimension
}

// start is a full minute.
var start = time.Unix(1_800_000_000, 0).UTC()

func newBench(t testing.TB, set func(*aggregate.Aggregator, *aggregate.Options)) *bench {
	b := &bench{t: t, Aggregator: aggregate.New(aggregate.Keys{Observer: true, Reporter: true}), now: start}
	options := aggregate.Options{
		Interval: time.Minute, Delay: 5 * time.Second, Memory: 64 << 20, MaxWindows: 8, MaxIDs: 1000,
		Now: func() time.Time { return b.now },
	}
	options.Classes = []aggregate.Class{
		{Name: "allowed", Chain: b.Level(flow.LevelWorkloads)},
		{Name: "denied", Chain: b.Level(flow.LevelPorts)},
	}
	if set != nil {
		set(b.Aggregator, &options)
	}
	b.Configure(options)
	b.action = b.Dimension("flow.action")
	b.writer = aggregate.Writer{Values: 8, Now: options.Now, ID: func() flow.ID {
		b.last++
		return flow.ID{Node: 1, Epoch: 1, Counter: b.last}
	}}
	return b
}

func (b *bench) class(r *aggregate.Record) int {
	if r.Text(b.action) == flow.Deny.String() {
		return 1
	}
	return 0
}

// add merges flows and fails on what cannot be read.
func (b *bench) add(flows ...flow.Flow) aggregate.Added {
	return b.addLogs(flow.Encode(&flow.Batch{Flows: flows}, b.now))
}

func (b *bench) addLogs(logs plog.Logs) aggregate.Added {
	return b.Add(logs, b.class, func(_ plog.ResourceLogs, _ plog.ScopeLogs, lr plog.LogRecord) {
		b.t.Fatalf("unreadable: %v", lr.Attributes().AsRaw())
	})
}

// take returns what is due, or all of it.
func (b *bench) take(all bool) (flows []flow.Flow) {
	for _, w := range b.Take(all) {
		for from := 0; from < w.Len(); from += 100 {
			batch, rejected := flow.Decode(b.writer.Write(w, from, min(from+100, w.Len())))
			require.NoError(b.t, rejected.Err())
			flows = append(flows, batch.Flows...)
		}
		b.Done(w)
	}
	return flows
}

// totals are the sums of the counters that have to be the same before and after.
func totals(flows []flow.Flow) map[string]int64 {
	sums := make(map[string]int64)
	for i := range flow.Flows.Fields() {
		f := &flow.Flows.Fields()[i]
		switch f.Name {
		case "flow.connections.seen", "flow.connections.open", "flow.folded", "flow.aggregation.records":
			continue
		}
		if f.Merge != flow.MergeSum {
			continue
		}
		for k := range flows {
			sums[f.Name] += f.Get(&flows[k]).Int
		}
	}
	return sums
}

func TestTotalsAreConserved(t *testing.T) {
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 1))
		b := newBench(t, func(_ *aggregate.Aggregator, o *aggregate.Options) {
			o.Memory = []int{64 << 20, 500_000, 100_000}[r.IntN(3)]
			o.MaxWindows = 2 + r.IntN(4)
			o.MaxIDs = 0
		})
		var in, out []flow.Flow
		for range 200 {
			b.now = b.now.Add(time.Duration(r.IntN(20)-3) * time.Second)
			b.SetPressure(r.IntN(3))
			flows := make([]flow.Flow, r.IntN(30))
			for i := range flows {
				flows[i] = flowtest.Flow(r)
				flows[i].End = b.now.UnixNano() - r.Int64N(300e9)
			}
			b.add(flows...)
			in = append(in, flows...)
			out = append(out, b.take(r.IntN(10) == 0)...)
		}
		out = append(out, b.take(true)...)
		require.Equal(t, totals(in), totals(out))
		require.Zero(t, b.State().Memory)
	}
}
