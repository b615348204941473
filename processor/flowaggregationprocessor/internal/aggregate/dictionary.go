package aggregate

import (
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// symbol stands for a value: a number that fits is in it, others are in a window's
// dictionary.
type symbol uint32

const (
	// absent is no value, several are values that differ.
	absent  symbol = 0
	several symbol = ^symbol(0)
	// inline is set in a number that is in the symbol, in the other bits.
	inline symbol = 1 << 31
	// maxInline is the largest number in a symbol: the next would be several.
	maxInline = int64(several&^inline) - 1
)

// inlined is the number that is in a symbol.
func (s symbol) inlined() (n int64, ok bool) {
	return int64(s &^ inline), s&inline != 0 && s != several
}

// entry is one value, and which member holds it. Most are texts: what only some have is in
// the dictionary's lists.
type entry struct {
	text string // Keyword; of lists and others what makes them equal
	// number is of Integer; of Keywords, Map and others an index.
	number int64
	// hash is of the value, the same in every dictionary of the process.
	hash uint64
	// typ is one of Keyword, which addresses are too, Integer, which booleans are too,
	// Keywords, Map, and 0 for others.
	typ flow.Type
}

const (
	// sizeOfEntry is what an entry takes, with the room that a slice leaves.
	sizeOfEntry = 48
	// sizeOfLabels is what labels take beside that, with their place in a map, sizeOfMap what
	// a map takes that they are found by, sizeOfItem what the header of a list's item
	// takes, and sizeOfOther a value of another type.
	sizeOfLabels, sizeOfMap, sizeOfItem, sizeOfOther = 48, 48, 16, 96
)

// dictionary numbers values.
type dictionary struct {
	entries []entry
	// index finds entries by their hash, but for labels.
	index  table
	labels map[flow.Labels]symbol
	// maps finds labels by their attributes in the order in which they came.
	maps map[string]symbol
	// key is where texts are put one after another.
	key []byte

	allLabels []flow.Labels
	allLists  [][]string
	// allOthers are of types that only attributes have that the registry does not know.
	allOthers []pcommon.Value
	// memory is about how many bytes it takes beside the index.
	memory int
}

var seed = maphash.MakeSeed()

func newDictionary() *dictionary {
	return &dictionary{entries: make([]entry, 1), labels: make(map[flow.Labels]symbol), maps: make(map[string]symbol)}
}

// size is about how many bytes d takes.
func (d *dictionary) size() int { return d.memory + d.index.size() }

func (d *dictionary) add(e entry) symbol {
	d.entries = append(d.entries, e)
	d.memory += sizeOfEntry + len(e.text)
	sym := symbol(len(d.entries) - 1)
	if e.typ != flow.Map {
		d.index.add(e.hash, int(sym))
	}
	return sym
}

func (d *dictionary) text(s string) symbol {
	hash := maphash.String(seed, s)
	for i := range d.index.candidates(hash) {
		if e := &d.entries[i]; e.typ == flow.Keyword && e.text == s {
			return symbol(i)
		}
	}
	s = strings.Clone(s) // it may be a part of a large message
	return d.add(entry{typ: flow.Keyword, text: s, hash: hash})
}

func (d *dictionary) number(n int64) symbol {
	if n >= 0 && n <= maxInline {
		return symbol(n) | inline
	}
	hash := maphash.Comparable(seed, n)
	for i := range d.index.candidates(hash) {
		if e := &d.entries[i]; e.typ == flow.Integer && e.number == n {
			return symbol(i)
		}
	}
	return d.add(entry{typ: flow.Integer, number: n, hash: hash})
}

// keyed finds the list, or the value of another type, that d.key is of.
func (d *dictionary) keyed(typ flow.Type) (sym symbol, hash uint64, ok bool) {
	hash = maphash.Bytes(seed, d.key)
	for i := range d.index.candidates(hash) {
		if e := &d.entries[i]; e.typ == typ && e.text == string(d.key) {
			return symbol(i), hash, true
		}
	}
	return absent, hash, false
}

// list numbers a list of texts, whose order counts.
func (d *dictionary) list(items []string) symbol {
	d.key = d.key[:0]
	for _, item := range items {
		d.key = appendText(d.key, item)
	}
	sym, hash, ok := d.keyed(flow.Keywords)
	if ok {
		return sym
	}
	d.allLists = append(d.allLists, items)
	for _, item := range items {
		d.memory += len(item) + sizeOfItem
	}
	return d.add(entry{typ: flow.Keywords, number: int64(len(d.allLists) - 1), text: string(d.key), hash: hash})
}

func (d *dictionary) labelsOf(l flow.Labels) symbol {
	if sym, ok := d.labels[l]; ok {
		return sym
	}
	d.allLabels = append(d.allLabels, l)
	sym := d.add(entry{typ: flow.Map, number: int64(len(d.allLabels) - 1), hash: maphash.Comparable(seed, l)})
	d.memory += sizeOfLabels
	for key, value := range l.All() {
		d.memory += len(key) + len(value) + 2
	}
	d.labels[l] = sym
	return sym
}

// mapOf numbers a map of texts. Sorting and interning one costs a microsecond, so maps
// are found by their attributes in the order in which they come.
func (d *dictionary) mapOf(m pcommon.Map) symbol {
	d.key = d.key[:0]
	for key, value := range m.All() {
		d.key = appendText(appendText(d.key, key), value.AsString())
	}
	if sym, ok := d.maps[string(d.key)]; ok {
		return sym
	}
	list := make([]flow.Label, 0, m.Len())
	for key, value := range m.All() {
		list = append(list, flow.Label{Key: key, Value: value.AsString()})
	}
	sym := d.labelsOf(flow.LabelsOf(list...))
	d.memory += len(d.key) + sizeOfMap
	d.maps[string(d.key)] = sym
	return sym
}

// appendText appends a text so that texts one after another are told apart.
func appendText(to []byte, s string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(s))), s...)
}

// otherOf numbers a value of any type.
func (d *dictionary) otherOf(v pcommon.Value) symbol {
	d.key = append(append(d.key[:0], byte(v.Type())), v.AsString()...)
	sym, hash, ok := d.keyed(0)
	if ok {
		return sym
	}
	kept := pcommon.NewValueEmpty()
	v.CopyTo(kept)
	d.allOthers = append(d.allOthers, kept)
	d.memory += len(d.key) + sizeOfOther
	return d.add(entry{text: string(d.key), number: int64(len(d.allOthers) - 1), hash: hash})
}

// copied numbers the value that is sym in another dictionary.
func (d *dictionary) copied(from *dictionary, sym symbol) symbol {
	if sym == absent || sym == several {
		return sym
	}
	if _, ok := sym.inlined(); ok {
		return sym
	}
	switch e := &from.entries[sym]; e.typ {
	case flow.Keyword:
		return d.text(e.text)
	case flow.Integer:
		return d.number(e.number)
	case flow.Keywords:
		return d.list(from.listAt(sym))
	case flow.Map:
		return d.labelsOf(from.labelsAt(sym))
	default:
		return d.otherOf(from.allOthers[e.number])
	}
}

// at returns the value of a symbol; that of a number that is in the symbol has no hash.
func (d *dictionary) at(sym symbol) entry {
	if n, ok := sym.inlined(); ok {
		return entry{typ: flow.Integer, number: n}
	}
	return d.entries[sym]
}

// hash is of the value, the same in every dictionary of the process.
func (d *dictionary) hash(sym symbol) uint64 {
	if n, ok := sym.inlined(); ok {
		return maphash.Comparable(seed, n)
	}
	return d.entries[sym].hash
}

// labelsAt and listAt are the values of symbols of that type.
func (d *dictionary) labelsAt(sym symbol) flow.Labels { return d.allLabels[d.entries[sym].number] }
func (d *dictionary) listAt(sym symbol) []string      { return d.allLists[d.entries[sym].number] }

// printed is the value of a symbol as a list shows it.
func (d *dictionary) printed(sym symbol) string {
	e := d.at(sym)
	if e.typ == flow.Integer {
		return flow.Value{Type: flow.Integer, Int: e.number}.String()
	}
	return e.text
}

// parsed numbers the value of that type that printed prints.
func (d *dictionary) parsed(typ flow.Type, printed string) symbol {
	if typ == flow.Integer {
		if n, err := strconv.ParseInt(printed, 10, 64); err == nil {
			return d.number(n)
		}
	}
	return d.text(printed)
}

// value returns what sym stands for as a value of a type of the registry; there is none
// when it has another form.
func (d *dictionary) value(sym symbol, typ flow.Type) (flow.Value, bool) {
	e, v := d.at(sym), flow.Value{Type: typ}
	switch {
	case typ == flow.Keyword && e.typ == flow.Keyword:
		v.Str = e.text
	case typ == flow.Address && e.typ == flow.Keyword:
		addr, err := netip.ParseAddr(e.text)
		if err != nil {
			return v, false
		}
		v.Addr = addr
	case (typ == flow.Integer || typ == flow.Boolean || typ == flow.Time) && e.typ == flow.Integer:
		v.Int = e.number
	case typ == flow.Keywords && e.typ == flow.Keywords:
		v.List = d.listAt(sym)
	case typ == flow.Map && e.typ == flow.Map:
		v.Map = d.labelsAt(sym)
	default:
		return v, false
	}
	return v, true
}
