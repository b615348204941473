package flow_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

func names(list ...string) flow.NameSet {
	var all []flow.Name
	for _, s := range list {
		all = append(all, flow.Intern(s))
	}
	return flow.NameSetOf(all...)
}

func TestANameSetIsWhatItHolds(t *testing.T) {
	assert.True(t, flow.NameSet{}.Empty())
	assert.True(t, flow.NameSetOf(flow.Name{}, flow.Name{}).Empty(), "unknown names are none")
	assert.Empty(t, flow.NameSet{}.Strings())
	assert.Equal(t, names("a", "b"), names("b", "a", "b"))
	assert.Equal(t, []string{"a", "b"}, names("b", "a").Strings())
	assert.Equal(t, names("a", "b", "c"), names("a", "c").Union(names("b", "c")))
	assert.Equal(t, names("a"), flow.NameSet{}.Union(names("a")))
	assert.Equal(t, names("a"), names("a").Union(flow.NameSet{}))
}

// A union of more names than fit is the same in whatever order it comes about.
func TestAFullNameSetDoesNotDependOnTheOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 1000 {
		all := make([]string, r.IntN(25))
		for i := range all {
			all[i] = fmt.Sprintf("%02d", r.IntN(40))
		}
		want := names(all...)
		assert.LessOrEqual(t, len(want.Names()), flow.MaxNames)
		r.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
		var parts flow.NameSet
		for chunk := range slices.Chunk(all, 1+r.IntN(5)) {
			if r.IntN(2) == 0 {
				parts = parts.Union(names(chunk...))
			} else {
				parts = names(chunk...).Union(parts)
			}
		}
		assert.Equal(t, want, parts)
	}
}
