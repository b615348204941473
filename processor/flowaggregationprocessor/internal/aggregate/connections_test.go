package aggregate_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowaggregationprocessor/internal/aggregate"
)

// TestAConnectionIsSeenOnceInAWindow plays connections of a few pods that a receiver
// reports every ten seconds, merged by their source ports, and compares what a window
// says of them with the truth.
func TestAConnectionIsSeenOnceInAWindow(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 3))
		b := newBench(t, nil)
		open := make(map[int]int64) // by pod, connections that are open and never idle
		for range 5 {
			var seen, started, completed int64
			for pods := range open {
				seen += open[pods]
			}
			for interval := 1; interval <= 6; interval++ {
				for i := range 4 {
					begin, end := r.Int64N(4), int64(0)
					if had := open[i] + begin; had > 0 {
						end = r.Int64N(had + 1)
					}
					f := between(pod("web", i), pod("db", 0), 5432, interval*10)
					f.Start, f.End = b.now.Add(time.Duration(interval-1)*10*time.Second).UnixNano(), b.now.Add(time.Duration(interval)*10*time.Second).UnixNano()
					f.Source.Port = 0
					f.Connections = flow.Connections{
						Seen: uint64(open[i] + begin), Started: uint64(begin), Completed: uint64(end), Open: uint64(open[i] + begin - end),
					}
					if f.Connections.Seen == 0 {
						continue
					}
					b.add(f)
					open[i] += begin - end
					seen, started, completed = seen+begin, started+begin, completed+end
				}
			}
			b.now = b.now.Add(time.Minute)
			var got flow.Connections
			for _, f := range b.take(true) {
				got.Seen += f.Connections.Seen
				got.Started += f.Connections.Started
				got.Completed += f.Connections.Completed
				got.Open += f.Connections.Open
			}
			var left int64
			for _, n := range open {
				left += n
			}
			require.Equal(t, flow.Connections{Seen: uint64(seen), Started: uint64(started), Completed: uint64(completed), Open: uint64(left)}, got)
		}
	}
}

// TestConnectionsAddUp has records with connections that were idle, in windows that are
// folded and joined: what a record has seen is what was completed and what is open.
func TestConnectionsAddUp(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 4))
		b := newBench(t, func(_ *aggregate.Aggregator, o *aggregate.Options) { o.Memory, o.MaxWindows = 30_000, 2 })
		var in flow.Connections
		check := func(flows []flow.Flow) {
			for _, f := range flows {
				assert.Equal(t, f.Connections.Seen, f.Connections.Completed+f.Connections.Open)
				in.Started -= f.Connections.Started
				in.Completed -= f.Connections.Completed
			}
		}
		for range 500 {
			b.now = b.now.Add(time.Second)
			f := between(pod("web", r.IntN(100)), pod("db", r.IntN(3)), uint16(r.IntN(3)), 1)
			f.End = b.now.UnixNano() - r.Int64N(200e9)
			f.Connections.Seen = r.Uint64N(5)
			f.Connections.Started = r.Uint64N(f.Connections.Seen + 1)
			f.Connections.Completed = r.Uint64N(f.Connections.Seen + 1)
			f.Connections.Open = f.Connections.Seen - f.Connections.Completed
			in.Started += f.Connections.Started
			in.Completed += f.Connections.Completed
			b.add(f)
			check(b.take(false))
		}
		check(b.take(true))
		assert.Zero(t, in, "no start and no end is lost or told twice")
	}
}
