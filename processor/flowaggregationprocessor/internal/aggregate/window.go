package aggregate

import (
	"math/rand/v2"
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

	number     uint32 // 1 for the first of its Aggregator
	schema     *schema
	classes    []Class
	dictionary *dictionary
	groups     []*group
	byKey      table // groups by the hashes of their keys
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
	// hash is of the key that was last looked for.
	hash uint64
}

func newWindow(a *Aggregator, start int64, stages []int) *Window {
	a.made++
	w := &Window{
		Start: start, End: start + int64(a.options.Interval), number: a.made,
		schema: a.schema, classes: a.options.Classes, dictionary: newDictionary(),
		stages: stages, open: make(map[origin]openConnections),
	}
	w.host = w.dictionary.text(flow.EndpointHost.String())
	return w
}

// Len is the number of groups.
func (w *Window) Len() int { return len(w.groups) }

// Class is the index of the class of a group.
func (w *Window) Class(group int) int { return int(w.groups[group].class) }

// size is how many bytes w takes, about.
func (w *Window) size() int {
	return w.memory + w.byKey.size() + w.dictionary.size() + sizeOfOpen*len(w.open)
}

// find returns the index of the group of a record, or none, and leaves the hash of its key
// in w.hash.
func (w *Window) find(class, stage int, r *row) int {
	plan := w.classes[class].Chain[stage]
	w.hash = plan.hash(mix(keySeed, uint64(class)<<8|uint64(stage)), w, r)
	for i := range w.byKey.candidates(w.hash) {
		if g := w.groups[i]; int(g.class) == class && int(g.stage) == stage && plan.has(g, w, r) {
			return i
		}
	}
	return none
}

// keySeed keeps who sends records from choosing keys that share a hash.
var keySeed = rand.Uint64()

// put adds a record, or a group that is one, to the group at an index, which is none when
// find has just found none, and returns its index.
func (w *Window) put(at, class, stage int, r *row) int {
	if last := len(w.classes[class].Chain) - 1; at == none && w.full && stage < last {
		w.fold(r)
		stage = last
		at = w.find(class, stage, r)
	}
	if at != none {
		w.merge(w.groups[at], w.classes[class].Chain[stage], r)
		return at
	}
	w.byKey.add(w.hash, len(w.groups))
	w.groups = append(w.groups, w.fresh(class, stage, r))
	return len(w.groups) - 1
}

// fold notes that a row loses detail that was asked for.
func (w *Window) fold(r *row) {
	w.set(r, w.schema.folded, max(r.measures[w.schema.folded], r.measures[w.schema.records]))
}

// absorb adds the groups of another window, each at the stage of w's if that is coarser.
func (w *Window) absorb(from *Window) {
	w.records += from.records
	moved := make([]int, len(from.groups))
	for i, g := range from.groups {
		r := w.row(from, g)
		class, stage := int(g.class), int(g.stage)
		if s := w.stages[class]; s > stage {
			stage = s
			w.fold(r)
		}
		moved[i] = w.put(w.find(class, stage, r), class, stage, r)
	}
	for o, c := range from.open {
		if _, ok := w.open[o]; !ok {
			w.open[o] = openConnections{uint32(moved[c.group]), c.count}
		}
	}
}

// row makes a record of a group of another window.
func (w *Window) row(from *Window, g *group) *row {
	r := &row{distincts: g.lists, from: from.dictionary}
	for i := range g.values.slots.all() {
		r.put(i, w.dictionary.copied(from.dictionary, g.values.at(i)))
	}
	for i := range g.measured().all() {
		w.set(r, i, g.measure(i))
	}
	return r
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
	for _, g := range w.groups {
		groups[int(g.class)]++
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
	for _, g := range w.groups {
		counts[of{int(g.class), int(g.stage)}]++
	}
	for o, n := range counts {
		c := &w.classes[o.class]
		each(c.Name, c.Chain[o.stage].Level, n)
	}
}
