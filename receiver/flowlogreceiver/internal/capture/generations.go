//go:build linux

package capture

// generations is a bounded memory of flows that forgets what was not used for one to
// two periods of cuts.
type generations[V any] struct {
	now, before map[uint64]V
	limit       int // of each
	period      int // cuts
	cuts        int
}

func newGenerations[V any](limit, period int) *generations[V] {
	return &generations[V]{now: make(map[uint64]V), before: make(map[uint64]V), limit: limit, period: period}
}

func (g *generations[V]) len() int { return len(g.now) + len(g.before) }

// get returns what is remembered of a flow, which keeps it.
func (g *generations[V]) get(flow uint64) (V, bool) {
	v, ok := g.now[flow]
	if !ok {
		if v, ok = g.before[flow]; ok {
			g.put(flow, v)
		}
	}
	return v, ok
}

// put remembers v, unless there is no room.
func (g *generations[V]) put(flow uint64, v V) {
	if _, ok := g.now[flow]; ok || len(g.now) < g.limit {
		g.now[flow] = v
	}
}

func (g *generations[V]) forget(flow uint64) {
	delete(g.now, flow)
	delete(g.before, flow)
}

// cut begins the next interval.
func (g *generations[V]) cut() {
	if g.cuts++; g.cuts < g.period {
		return
	}
	g.cuts = 0
	g.now, g.before = g.before, g.now
	clear(g.now)
}
