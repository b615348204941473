package aggregate

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestATableFindsAllOfAHash(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var table table
	assert.Empty(t, slices.Collect(table.candidates(1)), "of an empty table")
	want := make(map[uint64][]int)
	for number := range 2000 {
		hash := r.Uint64N(300) << 3 // in few places, and several of each
		table.add(hash, number)
		want[hash] = append(want[hash], number)
	}
	for hash, numbers := range want {
		require.ElementsMatch(t, numbers, slices.Collect(table.candidates(hash)))
		require.Empty(t, slices.Collect(table.candidates(hash+1)))
	}
}

func TestMeasuresOfAnySizeAreKept(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		var g group
		want := make(map[int]int64)
		for range 200 {
			i, v := r.IntN(maxMeasures), int64(r.Uint64()>>r.IntN(64))
			if r.IntN(4) == 0 {
				v = -v
			}
			g.setMeasure(i, v)
			want[i] = v
			for i := range maxMeasures {
				require.Equal(t, want[i], g.measure(i))
			}
		}
		assert.Equal(t, len(want), len(slices.Collect(g.measured().all())))
	}
}

func TestNumbersOfAnySizeHaveASymbol(t *testing.T) {
	d, other := newDictionary(), newDictionary()
	other.text("something before")
	seen := make(map[symbol]bool)
	for _, n := range []int64{0, 1, 443, maxInline - 1, maxInline, maxInline + 1, maxInline + 2, math.MaxUint32, math.MaxInt64, -1, math.MinInt64} {
		sym := d.number(n)
		assert.Equal(t, sym, d.number(n), n)
		assert.Equal(t, strconv.FormatInt(n, 10), d.printed(sym))
		assert.NotContains(t, []symbol{absent, several}, sym, n)
		assert.False(t, seen[sym], n)
		seen[sym] = true
		copied := other.copied(d, sym)
		assert.Equal(t, n, other.at(copied).number)
		assert.Equal(t, d.hash(sym), other.hash(copied))
	}
}
