package aggregate

import (
	"hash/maphash"
	"math"
	"math/bits"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// origin is whose connections were open: records of one origin follow each other in time.
type origin uint64

// openConnections is how many connections of an origin the group at an index has counted
// as open. No origin has more than 32 bits count.
type openConnections struct{ group, count uint32 }

// sizeOfOpen is what an entry of the map of them takes.
const sizeOfOpen = 30

// follows reports whether what r says of its connections depends on the records before.
func (w *Window) follows(r *row) bool {
	started := r.measures[w.schema.started]
	return r.measures[w.schema.seen] != started || started != r.measures[w.schema.completed]
}

// connections makes of the connections that a record has seen those that g has not
// counted yet, so that a connection which is open over several records of a window has
// been seen once. Of those that did not start in the record as many are taken for
// known as are open: where some of these were idle, seen is too small by as many, but
// it is always what was completed and what is open. g is none when it is yet to be made.
// It returns how many are open now.
func (w *Window) connections(from origin, g int, r *row) (open int64) {
	s := w.schema
	seen, started, completed := r.measures[s.seen], r.measures[s.started], r.measures[s.completed]
	before := int64(0)
	if o := w.open[from]; int(o.group) == g {
		before = int64(o.count)
	}
	fresh := started + max(0, seen-started-before)
	open = max(0, before+fresh-completed)
	w.set(r, s.seen, fresh)
	w.set(r, s.open, open-before)
	return open
}

// note remembers how many connections of an origin are open.
func (w *Window) note(from origin, g int, open int64) {
	if open == 0 {
		delete(w.open, from)
		return
	}
	w.open[from] = openConnections{uint32(g), uint32(min(open, math.MaxUint32))}
}

// set changes a measure of a row. A change of what is open may be negative.
func (w *Window) set(r *row, measure int, v int64) {
	r.measures[measure] = v
	if v != 0 {
		r.measured.add(measure)
	} else {
		r.measured.remove(measure)
	}
}

// originOf is a hash of what tells records apart at LevelAll.
func (w *Window) originOf(plan *Plan, r *row) origin {
	h := uint64(w.Start)
	for d := range r.has.and(plan.inKey).all() {
		var value uint64
		if sym := r.dimensions[d]; sym == absent {
			value = hashOf(r.values[d])
		} else {
			value = w.dictionary.hash(sym)
		}
		h = mix(h, value^uint64(d))
	}
	return origin(h)
}

// hashOf is the hash that a text or a number has as an entry of a dictionary.
func hashOf(v pcommon.Value) uint64 {
	if v.Type() == pcommon.ValueTypeInt {
		return maphash.Comparable(seed, v.Int())
	}
	return maphash.String(seed, v.Str())
}

// sampled reports whether a record stands for others of its class, and then multiplies
// its counters. All records of an origin in a window share one fate.
func (w *Window) sampled(from origin, rate uint64, r *row) bool {
	if uint64(from)%rate != 0 {
		return false
	}
	for i := range r.measured.and(w.schema.add).all() {
		if i != w.schema.records && i != w.schema.folded {
			r.measures[i] = times(r.measures[i], int64(rate))
		}
	}
	if before := w.dictionary.at(r.dimensions[w.schema.sampling]).number; before > 1 {
		rate = uint64(times(before, int64(rate)))
	}
	r.put(w.schema.sampling, w.dictionary.number(int64(rate)))
	return true
}

// plus and times are clamped, as counts on the wire are.
func plus(a, b int64) int64 {
	if sum := a + b; b <= 0 || sum > a {
		return sum
	}
	return math.MaxInt64
}

func times(a, b int64) int64 {
	if hi, lo := bits.Mul64(uint64(a), uint64(b)); a >= 0 && (hi != 0 || lo > math.MaxInt64) {
		return math.MaxInt64
	}
	return a * b
}
