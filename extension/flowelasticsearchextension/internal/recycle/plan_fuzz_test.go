package recycle

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

// FuzzPlan makes servers and limits of all kinds, plans, and carries the plans out until
// there is nothing more to do.
func FuzzPlan(f *testing.F) {
	for seed := range uint64(200) {
		f.Add(seed, seed*seed)
	}
	f.Fuzz(func(t *testing.T, a, b uint64) {
		r := rand.New(rand.NewPCG(a, b))
		limits, picture := someLimits(r), somePicture(r)
		var emptying map[string]bool
		for round := 0; ; round++ {
			plan := limits.Plan(&picture, emptying)
			require.Equal(t, plan, limits.Plan(&picture, emptying), "the same of the same")
			checkPlan(t, &limits, &picture, plan)
			if len(plan.Delete)+len(plan.RollOver) == 0 {
				return
			}
			require.Less(t, round, 4, "it does not come to an end: %v", words(plan))
			emptying, picture = plan.Emptying, carryOut(picture, plan)
		}
	})
}

func checkPlan(t *testing.T, l *Limits, p *Picture, plan Plan) {
	t.Helper()
	streams, old := map[string]Stream{}, map[string]Index{}
	kept := map[schema.Class]int64{}
	for _, s := range p.Streams {
		streams[s.Name] = s
		kept[s.Class] += s.Written.Size()
		for _, index := range s.Old {
			old[index.Name] = index
			kept[s.Class] += index.Size()
		}
	}
	going := map[string]bool{}
	for _, step := range plan.Delete {
		index, isOld := old[step.Index.Name]
		require.True(t, isOld, "%s is written to, or not there", step.Index.Name)
		require.False(t, going[index.Name], "%s goes twice", index.Name)
		going[index.Name] = true
		require.Greater(t, p.Now.Sub(index.Ended), l.Classes[step.Class].Keep, "it is to be kept")
		kept[step.Class] -= index.Size()
	}
	for _, step := range plan.Delete {
		if step.Reason == ByAge {
			require.Greater(t, p.Now.Sub(step.Index.Ended), l.Classes[step.Class].Age)
			continue
		}
		for _, s := range p.Streams {
			for _, other := range s.Old {
				if s.Class != step.Class || !other.Ended.Before(step.Index.Ended) || p.Now.Sub(other.Ended) <= l.Classes[s.Class].Keep {
					continue
				}
				if step.Reason == BySize && other.Size() > 0 {
					require.True(t, going[other.Name], "%s goes before %s, which is older", step.Index.Name, other.Name)
				}
			}
		}
	}
	full := slices.ContainsFunc(p.Nodes, func(n Node) bool { return n.Begins && n.full() })
	require.False(t, full && len(plan.RollOver) > 0, "an index begins above the high watermark")
	for _, step := range plan.RollOver {
		require.Equal(t, streams[step.Stream].Written, step.Index)
		require.Positive(t, step.Index.Documents, "an empty index ends")
	}
	// The budgets hold, or a person is told, or it is a matter of the next round.
	if len(plan.Short) == 0 && len(plan.RollOver) == 0 {
		var all int64
		for class, bytes := range kept {
			all += bytes
			require.False(t, more(bytes, units*l.Classes[class].Size), class)
		}
		require.False(t, more(all, units*l.Size))
	}
}

// carryOut returns the picture a minute after a plan.
func carryOut(p Picture, plan Plan) Picture {
	after := Picture{Now: p.Now.Add(time.Minute), Nodes: slices.Clone(p.Nodes)}
	for _, s := range p.Streams {
		s.Old = slices.DeleteFunc(slices.Clone(s.Old), func(index Index) bool {
			return slices.ContainsFunc(plan.Delete, func(step Step) bool { return step.Index.Name == index.Name })
		})
		if slices.ContainsFunc(plan.RollOver, func(step Step) bool { return step.Stream == s.Name }) {
			s.Written.Ended = p.Now
			s.Old = append(s.Old, s.Written)
			s.Written = Index{Name: s.Written.Name + "+", Created: p.Now, Bytes: map[string]int64{}}
		}
		after.Streams = append(after.Streams, s)
	}
	for _, step := range plan.Delete {
		for i := range after.Nodes {
			after.Nodes[i].Used -= step.Index.Bytes[after.Nodes[i].ID]
		}
	}
	return after
}

func somePicture(r *rand.Rand) Picture {
	p := Picture{Now: now}
	for n := range 1 + r.IntN(3) {
		p.Nodes = append(p.Nodes, Node{ID: fmt.Sprint(n), Name: fmt.Sprint(n), Total: 1000, Used: r.Int64N(1000), High: r.Int64N(1200) - 100, Begins: r.IntN(4) > 0})
	}
	used := map[string]int64{}
	for n := range r.IntN(8) {
		s := Stream{Name: fmt.Sprint("s", n), Class: schema.Classes()[r.IntN(4)]}
		began := now.Add(-time.Duration(r.IntN(100)) * day)
		index := func(g int) Index {
			i := Index{Name: fmt.Sprint(s.Name, "-", g), Created: began, Documents: r.Int64N(3), Bytes: map[string]int64{}}
			for _, node := range p.Nodes {
				if bytes := r.Int64N(60); r.IntN(2) == 0 {
					i.Bytes[node.ID] = bytes
					used[node.ID] += bytes
				}
			}
			return i
		}
		olds := r.IntN(6)
		for g := range olds {
			i := index(g)
			began = began.Add(time.Duration(r.Int64N(int64(now.Sub(began)) + 1)))
			i.Ended = began
			s.Old = append(s.Old, i)
		}
		s.Written = index(olds)
		p.Streams = append(p.Streams, s)
	}
	for i := range p.Nodes {
		p.Nodes[i].Used = max(p.Nodes[i].Used, used[p.Nodes[i].ID])
	}
	return p
}

func someLimits(r *rand.Rand) Limits {
	some := func(n int64) int64 { return max(0, r.Int64N(2*n)-n) } // none in half of the cases
	l := Limits{Size: some(1000), Classes: map[schema.Class]ClassLimits{}}
	if r.IntN(2) == 0 {
		l.Start = 0.05 + 0.95*r.Float64()
		l.Stop = l.Start * r.Float64()
	}
	for _, class := range schema.Classes() {
		c := ClassLimits{Size: some(400), Age: time.Duration(some(60)) * day, Keep: time.Duration(some(60)) * day, Managed: r.IntN(5) == 0}
		if c.Age > 0 {
			c.Keep = min(c.Keep, c.Age)
		}
		l.Classes[class] = c
	}
	return l
}
