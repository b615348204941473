package idset

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

func TestIDSetAgainstAMap(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 1))
		set, want := New(), make(map[flow.ID]bool)
		for range 400 {
			id := flow.ID{Node: rng.Uint32N(2), Epoch: rng.Uint32N(2), Counter: rng.Uint64N(60)}
			if rng.IntN(20) == 0 {
				id.Counter = math.MaxUint64 - rng.Uint64N(3)
			}
			require.Equal(t, want[id], set.Has(id))
			require.Equal(t, !want[id], set.Add(id, 1))
			want[id] = true
		}
		runs, members := 0, uint64(0)
		for _, h := range set.origins {
			for i, r := range h.runs {
				require.LessOrEqual(t, r.First, r.Last)
				if i > 0 {
					require.Greater(t, r.First, h.runs[i-1].Last+1, "runs are apart")
				}
				members += r.Last - r.First + 1
			}
			runs += len(h.runs)
		}
		require.Equal(t, runs, set.size)
		require.Equal(t, uint64(len(want)), members)

		other := New()
		for range 100 {
			other.Add(flow.ID{Node: rng.Uint32N(2), Epoch: rng.Uint32N(2), Counter: rng.Uint64N(100)}, 2)
		}
		set.AddAll(other)
		for o, h := range other.origins {
			for _, r := range h.runs {
				require.True(t, set.Has(flow.ID{Node: o.Node, Epoch: o.Epoch, Counter: r.First}))
			}
		}
	}
}

func TestIDSetForgetsTheQuietest(t *testing.T) {
	set := New()
	for epoch := range uint32(10) {
		for counter := range uint64(10) {
			set.Add(flow.ID{Epoch: epoch, Counter: 2 * counter}, int64(epoch))
		}
	}
	require.Equal(t, 100, set.size)
	require.True(t, set.Forget(2, 1000))
	require.Equal(t, 80, set.size)
	require.True(t, set.Forget(2, 35))
	require.Equal(t, 30, set.size)
	require.True(t, set.Has(flow.ID{Epoch: 9}))
	require.False(t, set.Has(flow.ID{Epoch: 6}))
	require.False(t, set.Forget(2, 35))

	require.True(t, set.Forget(9, 4), "of one origin the lowest go")
	require.Equal(t, 4, set.Size())
	require.False(t, set.Has(flow.ID{Epoch: 9, Counter: 2}))
	require.True(t, set.Has(flow.ID{Epoch: 9, Counter: 18}))
}
