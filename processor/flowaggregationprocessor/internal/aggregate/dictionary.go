package aggregate

import (
	"encoding/binary"
	"hash/maphash"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// symbol stands for a value in a window's dictionary.
type symbol uint32

const (
	// absent is no value, several are values that differ.
	absent  symbol = 0
	several symbol = ^symbol(0)
)

// entry is one value. Which member holds it, type says.
type entry struct {
	typ    flow.Type // 0 for other
	number int64     // Integer, Time, Boolean
	text   string    // Keyword, Address; of others what makes them equal
	labels flow.Labels
	list   []string
	// other is of a type that only attributes have that the registry does not know.
	other *pcommon.Value
	// hash is of the value, the same in every dictionary of the process.
	hash uint64
}

// sizeOfEntry is what an entry takes beside its text, with its place in a map.
const sizeOfEntry = 176

// dictionary numbers values. Texts and addresses are one type to it.
type dictionary struct {
	entries []entry
	texts   map[string]symbol
	numbers map[int64]symbol
	labels  map[flow.Labels]symbol
	lists   map[string]symbol
	others  map[string]symbol
	// maps finds labels by a hash of the attributes in the order in which they came.
	maps map[uint64]symbol
	// memory is about how many bytes it takes.
	memory int
}

var seed = maphash.MakeSeed()

func newDictionary() *dictionary {
	return &dictionary{
		entries: make([]entry, 1), texts: make(map[string]symbol), numbers: make(map[int64]symbol),
		labels: make(map[flow.Labels]symbol), lists: make(map[string]symbol), others: make(map[string]symbol), maps: make(map[uint64]symbol),
	}
}

func (d *dictionary) add(e entry) symbol {
	d.entries = append(d.entries, e)
	d.memory += sizeOfEntry + len(e.text)
	return symbol(len(d.entries) - 1)
}

func (d *dictionary) text(s string) symbol {
	if sym, ok := d.texts[s]; ok {
		return sym
	}
	s = strings.Clone(s) // it may be a part of a large message
	sym := d.add(entry{typ: flow.Keyword, text: s, hash: maphash.String(seed, s)})
	d.texts[s] = sym
	return sym
}

func (d *dictionary) number(n int64) symbol {
	if sym, ok := d.numbers[n]; ok {
		return sym
	}
	sym := d.add(entry{typ: flow.Integer, number: n, hash: maphash.Comparable(seed, n)})
	d.numbers[n] = sym
	return sym
}

// list numbers a list of texts, whose order counts.
func (d *dictionary) list(items []string) symbol {
	var key []byte
	size := 0
	for _, item := range items {
		key = append(binary.AppendUvarint(key, uint64(len(item))), item...)
		size += len(item) + 16
	}
	if sym, ok := d.lists[string(key)]; ok {
		return sym
	}
	sym := d.add(entry{typ: flow.Keywords, list: items, text: string(key), hash: maphash.Bytes(seed, key)})
	d.memory += size
	d.lists[string(key)] = sym
	return sym
}

func (d *dictionary) labelsOf(l flow.Labels) symbol {
	if sym, ok := d.labels[l]; ok {
		return sym
	}
	h := maphash.Comparable(seed, l)
	sym := d.add(entry{typ: flow.Map, labels: l, hash: h})
	for key, value := range l.All() {
		d.memory += len(key) + len(value) + 2
	}
	d.labels[l] = sym
	return sym
}

// mapOf numbers a map of texts. Sorting and interning one costs a microsecond, so maps
// are found by their attributes in the order in which they come.
func (d *dictionary) mapOf(m pcommon.Map) symbol {
	var h maphash.Hash
	h.SetSeed(seed)
	for key, value := range m.All() {
		h.WriteString(key)
		h.WriteByte(0)
		h.WriteString(value.AsString())
		h.WriteByte(0)
	}
	sum := h.Sum64()
	if sym, ok := d.maps[sum]; ok && sameLabels(d.entries[sym].labels, m) {
		return sym
	}
	list := make([]flow.Label, 0, m.Len())
	for key, value := range m.All() {
		list = append(list, flow.Label{Key: key, Value: value.AsString()})
	}
	sym := d.labelsOf(flow.LabelsOf(list...))
	if _, ok := d.maps[sum]; !ok {
		d.memory += sizeOfEntry / 4
	}
	d.maps[sum] = sym
	return sym
}

// sameLabels compares l with m, which may have its keys in another order.
func sameLabels(l flow.Labels, m pcommon.Map) bool {
	n := 0
	for key, want := range l.All() {
		n++
		if value, ok := m.Get(key); !ok || value.AsString() != want {
			return false
		}
	}
	return n == m.Len()
}

// otherOf numbers a value of any type.
func (d *dictionary) otherOf(v pcommon.Value) symbol {
	key := v.Type().String() + "\x00" + v.AsString()
	if sym, ok := d.others[key]; ok {
		return sym
	}
	kept := pcommon.NewValueEmpty()
	v.CopyTo(kept)
	sym := d.add(entry{text: key, other: &kept, hash: maphash.String(seed, key)})
	d.memory += len(key)
	d.others[key] = sym
	return sym
}

// copied numbers the value that is sym in another dictionary.
func (d *dictionary) copied(from *dictionary, sym symbol) symbol {
	if sym == absent || sym == several {
		return sym
	}
	switch e := &from.entries[sym]; e.typ {
	case flow.Keyword:
		return d.text(e.text)
	case flow.Integer:
		return d.number(e.number)
	case flow.Keywords:
		return d.list(e.list)
	case flow.Map:
		return d.labelsOf(e.labels)
	default:
		return d.otherOf(*e.other)
	}
}

// printed is the value as a list shows it.
func (e *entry) printed() string {
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
