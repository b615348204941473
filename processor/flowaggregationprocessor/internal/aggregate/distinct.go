package aggregate

import (
	"cmp"
	"slices"

	"github.com/axiomhq/hyperloglog"
)

const (
	// exactValues is up to how many values a list counts exactly.
	exactValues = 64
	// sketchPrecision gives a sketch 1 KiB and a standard error of 3.3 %.
	sketchPrecision = 10
	sizeOfSketch    = 1<<sketchPrecision + 96
	sizeOfDistinct  = 56
	sizeOfValue     = 8
)

// distinct is the values of a dimension in a group. Up to exactValues all are kept and
// counted. Beyond, the count is a sketch's, and a new value takes the place and the
// weight of the one with the least (the Space-Saving algorithm of Metwally et al., 2005),
// so that any with more than 1/exactValues of the weight is kept.
type distinct struct {
	values []weighted
	// sketch is there when there were more than values holds.
	sketch *hyperloglog.Sketch
	// atLeast is how many there were in a record that was merged before and did not list
	// all of them.
	atLeast uint32
	listing uint8
}

// weighted is a value and about how many bytes its records have.
type weighted struct {
	symbol symbol
	bytes  float32
}

// add returns by how many bytes d grew.
func (d *distinct) add(dict *dictionary, sym symbol, bytes float32) int {
	if d.sketch != nil {
		d.sketch.InsertHash(dict.hash(sym))
	}
	for i := range d.values {
		if d.values[i].symbol == sym {
			d.values[i].bytes += bytes
			return 0
		}
	}
	if len(d.values) < exactValues {
		d.values = append(d.values, weighted{sym, bytes})
		return sizeOfValue
	}
	grown := 0
	if d.sketch == nil {
		grown = sizeOfSketch
		d.begin(dict)
		d.sketch.InsertHash(dict.hash(sym))
	}
	least := 0
	for i := range d.values {
		if d.values[i].bytes < d.values[least].bytes {
			least = i
		}
	}
	d.values[least].symbol = sym
	d.values[least].bytes += bytes
	return grown
}

// begin begins the sketch with the values that are kept.
func (d *distinct) begin(dict *dictionary) {
	d.sketch, _ = hyperloglog.NewSketch(sketchPrecision, false) // fails for another precision only
	for _, v := range d.values {
		d.sketch.InsertHash(dict.hash(v.symbol))
	}
}

// merge adds what other has, whose values are symbols of from, and returns by how many
// bytes d grew.
func (d *distinct) merge(dict, from *dictionary, other *distinct) (grown int) {
	for _, v := range other.values {
		grown += d.add(dict, dict.copied(from, v.symbol), v.bytes)
	}
	d.atLeast = max(d.atLeast, other.atLeast)
	if other.sketch == nil {
		return grown
	}
	if d.sketch == nil {
		grown += sizeOfSketch
		d.begin(dict)
	}
	_ = d.sketch.Merge(other.sketch) // fails for another precision only
	return grown
}

// count returns how many values there are, and whether that is an estimate.
func (d *distinct) count() (n uint64, estimated bool) {
	n = uint64(len(d.values))
	if d.sketch != nil {
		n, estimated = max(n, d.sketch.Estimate()), true
	}
	if uint64(d.atLeast) > n {
		n, estimated = uint64(d.atLeast), true
	}
	return n, estimated
}

// most returns the values with most bytes, at most n.
func (d *distinct) most(dict *dictionary, n int) []string {
	printed := func(v weighted) string { return dict.printed(v.symbol) }
	slices.SortFunc(d.values, func(a, b weighted) int {
		return cmp.Or(cmp.Compare(b.bytes, a.bytes), cmp.Compare(printed(a), printed(b)))
	})
	list := make([]string, min(n, len(d.values)))
	for i := range list {
		list[i] = printed(d.values[i])
	}
	return list
}
