package aggregate

import (
	"slices"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// group is the records of a window with one key.
type group struct {
	// key is a byte for the class, one for the stage in its chain, and the symbols of the
	// plan's dimensions.
	key string
	// common has the values of dimensions that are not in the key: the value that all
	// records share so far, or several; it has none where no record had any.
	common   packed[symbol]
	measures packed[int64]
	// lists has the values of dimensions that have several.
	lists []*distinct
}

// sizeOfGroup is what a group takes beside its slices and its key, with its place in the
// map and in the list.
const sizeOfGroup = 192

func (g *group) class() int { return int(g.key[0]) }
func (g *group) stage() int { return int(g.key[1]) }

func (g *group) measure(i int) int64 {
	if n := g.measures.at(i); n != nil {
		return *n
	}
	return 0
}

// fresh returns the group of a first record.
func (w *Window) fresh(key []byte, plan *Plan, r *row) *group {
	g := &group{key: string(key)}
	common := r.present.andNot(plan.notCommon)
	g.common = packed[symbol]{common, make([]symbol, 0, common.len())}
	for i := range common.all() {
		g.common.values = append(g.common.values, r.dimensions[i])
	}
	g.measures = packed[int64]{r.measured, make([]int64, 0, r.measured.len())}
	for i := range r.measured.all() {
		g.measures.values = append(g.measures.values, r.measures[i])
	}
	w.memory += sizeOfGroup + len(g.key) + 4*len(g.common.values) + 8*len(g.measures.values)
	w.addLists(g, plan, r)
	return g
}

// merge adds a record to g.
func (w *Window) merge(g *group, plan *Plan, r *row) {
	for i := range r.present.or(g.common.slots).andNot(plan.notCommon).all() {
		have, got := absent, r.dimensions[i]
		if common := g.common.at(i); common != nil {
			have = *common
		}
		if have != got || got == several {
			w.differ(g, i, have, got, r)
		}
	}
	w.addLists(g, plan, r)
	for i := range r.measured.all() {
		w.measure(g, i, r.measures[i])
	}
}

// measure adds v to measure i.
func (w *Window) measure(g *group, i int, v int64) {
	n := g.measures.at(i)
	switch {
	case n == nil:
		g.measures.put(i, v)
		w.memory += 8
	case w.schema.add.has(i):
		*n = plus(*n, v)
	case w.schema.least.has(i):
		*n = min(*n, v)
	default:
		*n = max(*n, v)
	}
}

// differ puts together what g has of dimension i and what r has, which is something
// else, or several in both.
func (w *Window) differ(g *group, i int, have, got symbol, r *row) {
	listed := w.schema.lists.has(i)
	if have == several && (got == absent || !listed) {
		return
	}
	a := w.schema.of(i)
	if listed {
		l := w.listOf(g, a, have)
		if got != absent && got != several {
			w.list(l, a, got, r.bytes(w.schema))
		}
	}
	if have == absent && !g.common.slots.has(i) {
		w.memory += 4
	}
	g.common.put(i, w.joined(a, have, got))
}

// joined is what two different values of an attribute become.
func (w *Window) joined(a *attribute, have, got symbol) symbol {
	d := w.dictionary
	switch {
	case have == several || got == several:
		return several
	case a.merge == flow.MergeMixed || a.merge == flow.MergeUnion && a.listing == none:
		if have == absent || got == absent {
			return max(have, got)
		}
		if a.merge == flow.MergeMixed {
			return d.text(flow.TCPMixed.String())
		}
		union := slices.Concat(d.listAt(have), d.listAt(got))
		slices.Sort(union)
		return d.list(slices.Compact(union))
	case a.merge == flow.MergeIntersect && have != absent && got != absent:
		return d.labelsOf(intersection(d.labelsAt(have), d.labelsAt(got)))
	default:
		return several
	}
}

func intersection(a, b flow.Labels) flow.Labels {
	var both []flow.Label
	for key, value := range a.All() {
		if other, ok := b.Get(key); ok && other == value {
			both = append(both, flow.Label{Key: key, Value: value})
		}
	}
	return flow.LabelsOf(both...)
}

// listOf returns g's list of the values of a. It begins with the value that all records
// had so far.
func (w *Window) listOf(g *group, a *attribute, before symbol) *distinct {
	for _, l := range g.lists {
		if int(l.listing) == a.listing {
			return l
		}
	}
	l := &distinct{listing: uint8(a.listing)}
	g.lists = append(g.lists, l)
	w.memory += sizeOfDistinct
	if before != absent && before != several {
		bytes := float32(0)
		for i := range w.schema.bytes.all() {
			bytes += float32(g.measure(i))
		}
		w.list(l, a, before, bytes)
	}
	return l
}

// list adds a value of a to l: of a list its items.
func (w *Window) list(l *distinct, a *attribute, sym symbol, bytes float32) {
	if a.typ != flow.Keywords {
		w.memory += l.add(w.dictionary, sym, bytes)
		return
	}
	for _, item := range w.dictionary.listAt(sym) {
		w.memory += l.add(w.dictionary, w.dictionary.text(item), bytes)
	}
}

// addLists adds the lists of a record that was merged before. How its values share its
// bytes is not known but for their order: they are taken to fall as 1, 1/2, 1/3 do.
func (w *Window) addLists(g *group, plan *Plan, r *row) {
	for i := range r.lists {
		from := &r.lists[i]
		d := w.schema.listings[from.listing]
		if plan.inKey.has(d) {
			continue
		}
		l := w.severalOf(g, d)
		for rank, v := range from.values {
			w.memory += l.add(w.dictionary, v, r.bytes(w.schema)/float32(rank+1))
		}
		l.atLeast = max(l.atLeast, from.count)
	}
	for _, from := range r.distincts {
		d := w.schema.listings[from.listing]
		if !plan.inKey.has(d) {
			w.memory += w.severalOf(g, d).merge(w.dictionary, r.from, from)
		}
	}
}

// severalOf returns g's list of dimension i, of which there are several values.
func (w *Window) severalOf(g *group, i int) *distinct {
	have := absent
	if common := g.common.at(i); common != nil {
		have = *common
	}
	l := w.listOf(g, w.schema.of(i), have)
	g.common.put(i, several)
	return l
}
