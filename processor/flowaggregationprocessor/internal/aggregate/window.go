package aggregate

import (
	"slices"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// Window is the groups of the records that ended in a span of time. Once it was taken
// from its Aggregator it is the taker's.
type Window struct {
	// Start and End bound when the records ended, in nanoseconds since the Unix epoch; Start
	// is not of it.
	Start, End int64

	schema     *schema
	classes    []Class
	dictionary *dictionary
	groups     map[string]*group
	order      []*group
	// stages is which plan of its chain each class uses.
	stages []int
	open   map[origin]openConnections
	// full is set when no class can be made coarser: then what would be a new group goes to
	// the overflow.
	full bool
	// records is how many were merged.
	records uint64
	// memory is what the groups take.
	memory int
	// due is when it is to be passed on.
	due time.Time
	// host is the symbol of the type of an end that is a host.
	host symbol
	key  []byte
}

func newWindow(a *Aggregator, start int64, stages []int) *Window {
	w := &Window{
		Start: start, End: start + int64(a.options.Interval),
		schema: a.schema, classes: a.options.Classes, dictionary: newDictionary(),
		groups: make(map[string]*group), stages: stages, open: make(map[origin]openConnections),
	}
	w.host = w.dictionary.text(flow.EndpointHost.String())
	return w
}

// Len is the number of groups.
func (w *Window) Len() int { return len(w.order) }

// Class is the index of the class of a group.
func (w *Window) Class(group int) int { return w.order[group].class() }

// size is how many bytes w takes, about.
func (w *Window) size() int { return w.memory + w.dictionary.memory + sizeOfOpen*len(w.open) }

// find returns the group of a record, or nil, and leaves its key in w.key.
func (w *Window) find(class, stage int, r *row) *group {
	w.key = w.classes[class].Chain[stage].append(append(w.key[:0], byte(class), byte(stage)), w, r)
	return w.groups[string(w.key)]
}

// put adds a record, or a group that is one, to its group g, which is nil when find has
// just found none.
func (w *Window) put(g *group, class, stage int, r *row) *group {
	chain := w.classes[class].Chain
	if last := len(chain) - 1; g == nil && w.full && stage < last {
		w.fold(r)
		stage = last
		g = w.find(class, stage, r)
	}
	if g != nil {
		w.merge(g, chain[stage], r)
		return g
	}
	g = w.fresh(w.key, chain[stage], r)
	w.groups[g.key] = g
	w.order = append(w.order, g)
	return g
}

// fold notes that a row loses detail that was asked for.
func (w *Window) fold(r *row) {
	w.set(r, w.schema.folded, max(r.measures[w.schema.folded], r.measures[w.schema.records]))
}

// absorb adds the groups of another window, each at the stage of w's if that is coarser.
func (w *Window) absorb(from *Window) {
	w.records += from.records
	moved := make(map[*group]*group, len(from.order))
	for _, g := range from.order {
		r := w.row(from, g)
		class, stage := g.class(), g.stage()
		if s := w.stages[class]; s > stage {
			stage = s
			w.fold(r)
		}
		moved[g] = w.put(w.find(class, stage, r), class, stage, r)
	}
	for o, c := range from.open {
		if _, ok := w.open[o]; !ok {
			w.open[o] = openConnections{moved[c.group], c.count}
		}
	}
}

// row makes a record of a group of another window.
func (w *Window) row(from *Window, g *group) *row {
	r := &row{distincts: g.lists, from: from.dictionary}
	for i, sym := range from.valuesOf(g) {
		r.put(i, w.dictionary.copied(from.dictionary, sym))
	}
	for i := range g.measures.slots.all() {
		w.set(r, i, *g.measures.at(i))
	}
	return r
}

// valuesOf iterates over the dimensions of a group that are not absent, and their values.
func (w *Window) valuesOf(g *group) func(yield func(int, symbol) bool) {
	plan := w.classes[g.class()].Chain[g.stage()]
	return func(yield func(int, symbol) bool) {
		for position, d := range plan.keys {
			if sym := symbolAt(g.key, position); sym != absent && !yield(d, sym) {
				return
			}
		}
		for i := range g.common.slots.all() {
			if sym := *g.common.at(i); sym != absent && !yield(i, sym) {
				return
			}
		}
	}
}

// rebuilt returns w with other stages, and without what its dictionary no longer needs.
func (w *Window) rebuilt(a *Aggregator, stages []int) *Window {
	n := newWindow(a, w.Start, stages)
	n.End, n.due, n.full = w.End, w.due, w.full
	n.absorb(w)
	return n
}

// coarser returns stages at which the class with most groups is coarser; there are none
// when every class would go to the overflow.
func (w *Window) coarser() (stages []int, ok bool) {
	groups := make([]int, len(w.classes))
	for _, g := range w.order {
		groups[g.class()]++
	}
	most := none
	for c := range groups {
		if w.stages[c]+1 < len(w.classes[c].Chain)-1 && (most == none || groups[c] > groups[most]) {
			most = c
		}
	}
	if most == none {
		return w.stages, false
	}
	stages = slices.Clone(w.stages)
	stages[most]++
	return stages, true
}

// Count tells how many groups there are of each class and level.
func (w *Window) Count(each func(class string, level flow.Level, groups int)) {
	type of struct{ class, stage int }
	counts := make(map[of]int)
	for _, g := range w.order {
		counts[of{g.class(), g.stage()}]++
	}
	for o, n := range counts {
		c := &w.classes[o.class]
		each(c.Name, c.Chain[o.stage].Level, n)
	}
}
