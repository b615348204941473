package aggregate

import (
	"fmt"
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// row is one record. It is read in two steps: first what it has, and then, once its plan is
// known, the symbols of what the plan looks at.
type row struct {
	values   [maxSlots]pcommon.Value // of dimensions
	has      set                     // dimensions that have a value
	measures [maxMeasures]int64
	measured set // measures that are not zero
	id       flow.ID
	lists    []rowList

	dimensions [maxSlots]symbol
	present    set // dimensions that have a symbol
	// distincts are a group's lists, whose values are symbols of from.
	distincts []*distinct
	from      *dictionary
}

// rowList is the values of a dimension in a record that was merged before.
type rowList struct {
	listing int
	values  []symbol
	// count is how many there are, 0 when values has them all.
	count uint32
}

func (r *row) put(dimension int, sym symbol) {
	r.dimensions[dimension] = sym
	r.present.add(dimension)
}

// bytes is what both ends sent.
func (r *row) bytes(s *schema) (sum float32) {
	for i := range s.bytes.all() {
		sum += float32(r.measures[i])
	}
	return sum
}

// list returns the row's list of a listing.
func (r *row) list(listing int) *rowList {
	for i := range r.lists {
		if r.lists[i].listing == listing {
			return &r.lists[i]
		}
	}
	r.lists = append(r.lists, rowList{listing: listing})
	return &r.lists[len(r.lists)-1]
}

// reader reads records for one window. It remembers of each attribute some values before, and
// which attributes came next: records that come together are alike.
type reader struct {
	schema *schema
	window *Window
	// next is what followed each attribute: what a record may lack makes several ways to go
	// on, of which the last two are tried.
	next [maxAttributes]struct{ last, other *attribute }
	// texts are what was read last of each dimension with each ending.
	texts [maxSlots][endings]remembered
	// resource has the attributes of the present resource.
	resource []observed
	// unknown counts attributes that there was no room for.
	unknown uint64
}

type observed struct {
	dimension int
	value     pcommon.Value
}

// endings is how many texts of a dimension are remembered. Addresses, names of pods and the
// like differ at their end.
const endings = 16

// ending is where a text is remembered.
func ending(s string) int {
	if s == "" {
		return 0
	}
	return (int(s[len(s)-1]) ^ len(s)) % endings
}

// remembered is a text and its symbol in the window of a number.
type remembered struct {
	text   string
	sym    symbol
	window uint32
}

// of makes the reader read for another window, or let go of all windows.
func (r *reader) of(w *Window) {
	r.window = w
	if w == nil {
		clear(r.texts[:])
	}
}

// observer reads a resource's attributes, which all its records have.
func (r *reader) observer(attrs pcommon.Map) {
	r.resource = r.resource[:0]
	for name, v := range attrs.All() {
		a, ok := r.schema.byName[resourcePrefix+name]
		if !ok {
			if a = r.schema.other(name, true); a == nil {
				r.unknown++
				continue
			}
		}
		r.resource = append(r.resource, observed{a.index, v})
	}
}

// begin makes to a row that has the resource's attributes.
func (r *reader) begin(to *row) {
	for m := range to.measured.all() {
		to.measures[m] = 0
	}
	clear(to.dimensions[:])
	to.has, to.measured, to.present = set{}, set{}, set{}
	to.lists, to.id = to.lists[:0], flow.ID{}
	for _, o := range r.resource {
		to.values[o.dimension] = o.value
		to.has.add(o.dimension)
	}
}

// record adds a record's attributes to a row that has its resource's. It fails where one
// has not the type that the registry says.
func (r *reader) record(attrs pcommon.Map, to *row) error {
	before := 0
	for name, v := range attrs.All() {
		a := r.after(before, name)
		if a == nil {
			r.unknown++
			continue
		}
		before = a.number
		if a.kind == dimension {
			to.values[a.index] = v
			to.has.add(a.index)
		} else if err := r.attribute(a, v, to); err != nil {
			return err
		}
	}
	return nil
}

// symbols numbers the dimensions of a row but those that are dropped.
func (r *reader) symbols(of *row, dropped set) error {
	of.present = of.has.andNot(dropped)
	for d := range of.present.all() {
		sym, err := r.symbol(r.schema.dimensions[d], of.values[d])
		if err != nil {
			return err
		}
		of.dimensions[d] = sym
	}
	return nil
}

// after finds the attribute with a name that comes after that of a number in a record, or
// nil.
func (r *reader) after(before int, name string) *attribute {
	next := &r.next[before]
	if a := next.last; a != nil && a.name == name {
		return a
	}
	if a := next.other; a != nil && a.name == name {
		return a
	}
	a, ok := r.schema.byName[name]
	if !ok {
		if a = r.schema.other(name, false); a == nil {
			return nil
		}
	}
	next.last, next.other = a, next.last
	return a
}

func (r *reader) attribute(a *attribute, v pcommon.Value, to *row) error {
	switch a.kind {
	case measure:
		n, err := integer(a, v)
		if n != 0 {
			to.measures[a.index] = n
			to.measured.add(a.index)
		}
		return err
	case identity:
		if v.Type() != pcommon.ValueTypeStr {
			return mistyped(a, v)
		}
		id, err := flow.ParseID(v.Str())
		to.id = id
		return err
	case listed:
		if v.Type() != pcommon.ValueTypeSlice {
			return mistyped(a, v)
		}
		l := to.list(a.index)
		for _, item := range v.Slice().All() {
			l.values = append(l.values, r.listedValue(a.index, item.AsString()))
		}
	case counted:
		n, err := integer(a, v)
		to.list(a.index).count = uint32(min(max(n, 0), math.MaxUint32))
		return err
	}
	return nil
}

// listedValue is a value of a list as the attribute that it lists has it.
func (r *reader) listedValue(listing int, printed string) symbol {
	a := r.schema.byName[flow.Listings()[listing].Of]
	return r.window.dictionary.parsed(a.typ, printed)
}

func (r *reader) symbol(a *attribute, v pcommon.Value) (symbol, error) {
	d := r.window.dictionary
	switch a.typ {
	case flow.Keyword, flow.Address:
		if v.Type() != pcommon.ValueTypeStr {
			return absent, mistyped(a, v)
		}
		s := v.Str()
		last := &r.texts[a.index][ending(s)]
		if last.window != r.window.number || last.text != s {
			sym := d.text(s)
			*last = remembered{d.entries[sym].text, sym, r.window.number}
		}
		return last.sym, nil
	case flow.Integer, flow.Time, flow.Boolean:
		n, err := integer(a, v)
		if err != nil {
			return absent, err
		}
		return d.number(n), nil
	case flow.Keywords:
		if v.Type() != pcommon.ValueTypeSlice {
			return absent, mistyped(a, v)
		}
		items := make([]string, 0, v.Slice().Len())
		for _, item := range v.Slice().All() {
			items = append(items, item.AsString())
		}
		return d.list(items), nil
	case flow.Map:
		if v.Type() != pcommon.ValueTypeMap {
			return absent, mistyped(a, v)
		}
		return d.mapOf(v.Map()), nil
	default:
		return d.otherOf(v), nil
	}
}

// integer takes doubles that a step through JSON made of integers.
func integer(a *attribute, v pcommon.Value) (int64, error) {
	switch v.Type() {
	case pcommon.ValueTypeInt:
		if a.typ != flow.Boolean {
			return v.Int(), nil
		}
	case pcommon.ValueTypeDouble:
		if d := v.Double(); a.typ != flow.Boolean && d == float64(int64(d)) {
			return int64(d), nil
		}
	case pcommon.ValueTypeBool:
		if a.typ == flow.Boolean && v.Bool() {
			return 1, nil
		}
		if a.typ == flow.Boolean {
			return 0, nil
		}
	}
	return 0, mistyped(a, v)
}

func mistyped(a *attribute, v pcommon.Value) error {
	return fmt.Errorf("attribute %s: want a value of type %s, got %s", a.name, a.typ, v.Type())
}
