package aggregate

import (
	"slices"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// group is the records of a window with one key.
type group struct {
	// values are those of the dimensions: of what is in the key, and of what is not the value
	// that all records share so far, or several; there is none where no record had any.
	values packed[symbol]
	// measures has the lower half of a measure in its slot, and the upper half, where there
	// is one, maxMeasures further.
	measures packed[uint32]
	// lists has the values of dimensions that have several.
	lists []*distinct
	// class and stage in its chain are of the key, too.
	class, stage uint8
}

// sizeOfGroup is what a group takes beside its slices, with its place in the list and the
// room that its slices leave.
const sizeOfGroup = 144

func (g *group) measure(i int) int64 {
	return int64(uint64(g.measures.at(i)) | uint64(g.measures.at(maxMeasures+i))<<32)
}

// measured are the measures that g has.
func (g *group) measured() set { return g.measures.slots.and(allMeasures) }

// setMeasure returns by how many bytes g grew.
func (g *group) setMeasure(i int, v int64) (grown int) {
	grown = g.measures.put(i, uint32(v))
	if upper := uint32(v >> 32); upper != 0 || g.measures.slots.has(maxMeasures+i) {
		grown += g.measures.put(maxMeasures+i, upper)
	}
	return grown
}

// fresh returns the group of a first record.
func (w *Window) fresh(class, stage int, r *row) *group {
	plan := w.classes[class].Chain[stage]
	g := &group{class: uint8(class), stage: uint8(stage)}
	g.values = packedOf(r.present.andNot(plan.dropped), &r.dimensions)
	var halves [2 * maxMeasures]uint32
	slots := r.measured
	for i := range r.measured.all() {
		halves[i], halves[maxMeasures+i] = uint32(r.measures[i]), uint32(r.measures[i]>>32)
		if halves[maxMeasures+i] != 0 {
			slots.add(maxMeasures + i)
		}
	}
	g.measures = packedOf(slots, &halves)
	w.memory += sizeOfGroup + 4*len(g.values.values) + 4*len(g.measures.values)
	w.addLists(g, plan, r)
	return g
}

// merge adds a record to g.
func (w *Window) merge(g *group, plan *Plan, r *row) {
	for i := range r.present.or(g.values.slots).andNot(plan.notCommon).all() {
		have, got := g.values.at(i), r.dimensions[i]
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
	have := g.measure(i)
	switch {
	case !g.measures.slots.has(i):
	case w.schema.add.has(i):
		v = plus(have, v)
	case w.schema.least.has(i):
		v = min(have, v)
	default:
		v = max(have, v)
	}
	if v != have {
		w.memory += g.setMeasure(i, v)
	}
}

// differ puts together what g has of dimension i and what r has, which is something
// else, or several in both.
func (w *Window) differ(g *group, i int, have, got symbol, r *row) {
	listed := w.schema.lists.has(i)
	if have == several && (got == absent || !listed) {
		return
	}
	a := w.schema.dimensions[i]
	if listed {
		l := w.listOf(g, a, have)
		if got != absent && got != several {
			w.list(l, a, got, r.bytes(w.schema))
		}
	}
	if have != several {
		w.memory += g.values.put(i, w.joined(a, have, got))
	}
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
		if within(d.labelsAt(have), d.labelsAt(got)) {
			return have
		}
		return d.labelsOf(intersection(d.labelsAt(have), d.labelsAt(got)))
	default:
		return several
	}
}

// within reports whether b has all labels of a, as it mostly has when a is what many share.
func within(a, b flow.Labels) bool {
	for key, value := range a.All() {
		if other, ok := b.Get(key); !ok || other != value {
			return false
		}
	}
	return true
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
	l := w.listOf(g, w.schema.dimensions[i], g.values.at(i))
	w.memory += g.values.put(i, several)
	return l
}
