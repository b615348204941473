package document

import (
	"encoding/json"
	"math"
	"slices"
	"strings"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// kind is how the log records of one event name become documents.
type kind struct {
	// record and resource find the fields of the attributes of either. In the ECS mapping they
	// are the same: it does not matter there who has an attribute.
	record, resource names
	places           places
	// allowed and denied are what documents look like by what became of a flow; those of other
	// records are all alike.
	allowed, denied *layout
}

// layout is what the documents of one data stream look like.
type layout struct {
	stream string
	root   *object
	// fields are in the order in which they are written: those of one object are side by side.
	fields []field
	// paths are their full names, attributes those of what they come from, or "".
	paths, attributes []string
	// beside are the fields that do not come from an attribute.
	beside set
}

// field is how one field is written. It is small, for all fields of a layout are in use.
type field struct {
	in *object
	// key begins the field, with the quote or bracket that its value begins with; it is empty
	// where the value is the _id.
	key piece
	// max is the largest number that the field holds.
	max int64
	typ flow.Type
	// ip is set for lists of addresses.
	ip   bool
	made made
}

// object is one of the objects that a document consists of; the document itself has no
// parent.
type object struct {
	parent       *object
	index, depth int
	// open is how the object begins: with its name and the fields that are always the same.
	open string
	// from is how it is opened from each of the objects that it is in, by their depths.
	from [maxDepth]piece
	// shared is the depth of the innermost object that it is in together with another, by the
	// index of that.
	shared [maxObjects]int
}

// maxDepth is how many objects a field can be in, the document included.
const maxDepth = 6

// maxObjects is how many objects there can be in a layout.
const maxObjects = 64

// maxFields is how many fields a set of them holds.
const maxFields = 192

// set is a set of places in a layout.
type set [maxFields / 64]uint64

func (s *set) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }
func (s *set) add(i int)      { s[i/64] |= 1 << (i % 64) }

func newKind(o *Options, event string, class schema.Class, denied ...schema.Class) *kind {
	fields := o.Mapping.Fields(event)
	k := &kind{allowed: newLayout(o, fields, event, class)}
	for _, c := range denied {
		k.denied = newLayout(o, fields, event, c)
	}
	place := make(map[string]int)
	for i, name := range k.allowed.attributes {
		if name != "" {
			place[name] = i
		}
	}
	var record, resource []string // in the registry's order
	for _, f := range fields {
		switch {
		case f.Attribute == nil:
		case o.Mapping == schema.OTel && f.Attribute.Resource:
			resource = append(resource, f.Attribute.Name)
		default:
			record = append(record, f.Attribute.Name)
		}
	}
	k.record = newNames(record, place)
	k.resource = k.record
	if o.Mapping == schema.OTel {
		k.resource = newNames(resource, place)
	}
	k.places = newPlaces(place)
	return k
}

func newLayout(o *Options, fields []schema.Field, event string, c schema.Class) *layout {
	type placed struct {
		path []string
		name string // of the attribute
		field
	}
	var all []placed
	objects := map[string]*object{"": {open: "{"}}
	for _, constant := range o.Mapping.Constants(c, event, o.Namespace) {
		path := split(o.Mapping, constant.Path)
		last := len(path) - 1
		in := inside(objects, path[:last])
		in.open += quoted(path[last]) + ":" + constantText(constant)
		all = append(all, placed{path, "", field{made: constantly}})
	}
	constants := len(all)
	for _, f := range fields {
		if slices.ContainsFunc(all[:constants], func(p placed) bool { return slices.Equal(p.path, split(o.Mapping, f.Path)) }) {
			continue
		}
		to := placed{split(o.Mapping, f.Path), "", field{max: math.MaxInt64, ip: f.Type == "ip", made: madeOf[f.Path]}}
		if a := f.Attribute; a != nil {
			to.name, to.typ, to.made = a.Name, a.Type, madeFrom(a.Type)
		}
		if to.made == timestamp || to.made == observedTimestamp {
			to.typ = flow.Time
		}
		switch f.Type {
		case "integer":
			to.max = math.MaxInt32
		case "short":
			to.max = math.MaxInt16
		}
		all = append(all, to)
	}
	for path, m := range othersOf(o.Mapping, c) {
		all = append(all, placed{split(o.Mapping, path), "", field{made: m}})
	}
	slices.SortFunc(all, func(a, b placed) int { return compare(a.path, b.path) })
	if len(all) > maxFields {
		panic("more fields than a set of them holds")
	}

	for _, p := range all {
		inside(objects, p.path[:len(p.path)-1])
	}
	for _, o := range objects {
		text := ""
		for at := o; at != nil; at = at.parent {
			o.from[at.depth] = newPiece(text)
			text = at.open + text
		}
		for _, other := range objects {
			o.shared[other.index] = shared(o, other)
		}
	}

	l := &layout{stream: o.Mapping.Stream(c, o.Namespace), root: objects[""]}
	for i, p := range all {
		last := len(p.path) - 1
		p.in = inside(objects, p.path[:last])
		if p.path[last] == schema.ID {
			p.made = fromAttribute
		} else {
			p.key = newPiece(opening(p.path[last], p.typ))
		}
		l.fields = append(l.fields, p.field)
		l.paths = append(l.paths, strings.Join(p.path, "."))
		l.attributes = append(l.attributes, p.name)
		if p.made > fromAttribute {
			l.beside.add(i)
		}
	}
	return l
}

// othersOf are where attributes go that the registry does not know. The last part of the path
// is no field, but puts them into the order of all.
func othersOf(m schema.Mapping, c schema.Class) map[string]made {
	switch {
	case c == schema.Rejected:
		return nil
	case m == schema.ECS:
		return map[string]made{schema.Labels + ".": othersOfBoth}
	}
	return map[string]made{"attributes.": othersOfRecord, "resource.attributes.": othersOfResource}
}

// split parts a path into the names of the objects that the field is in, and its own. The
// objects of attributes in the otel mapping are flat.
func split(m schema.Mapping, path string) []string {
	if m == schema.OTel {
		if name, ok := strings.CutPrefix(path, "attributes."); ok {
			return []string{"attributes", name}
		}
		if name, ok := strings.CutPrefix(path, "resource.attributes."); ok {
			return []string{"resource", "attributes", name}
		}
	}
	return strings.Split(path, ".")
}

// compare orders paths so that the fields of an object are side by side, and what is related,
// which repeats other fields, is last.
func compare(a, b []string) int {
	if related := a[0] == "related"; related != (b[0] == "related") {
		if related {
			return 1
		}
		return -1
	}
	return slices.Compare(a, b)
}

func inside(objects map[string]*object, path []string) *object {
	name := strings.Join(path, ".")
	if objects[name] == nil {
		parent := inside(objects, path[:len(path)-1])
		if len(objects) == maxObjects {
			panic("more objects than a layout holds")
		}
		objects[name] = &object{parent: parent, index: len(objects), depth: parent.depth + 1, open: quoted(path[len(path)-1]) + ":{"}
	}
	return objects[name]
}

// shared is the depth of the innermost object that both are in.
func shared(a, b *object) int {
	for a != b {
		if a.depth >= b.depth {
			a = a.parent
		} else {
			b = b.parent
		}
	}
	return a.depth
}

func opening(name string, typ flow.Type) string {
	key := quoted(name) + ":"
	switch typ {
	case flow.Keyword, flow.Address, flow.Time:
		return key + `"`
	case flow.Keywords, flow.Map:
		return key + "["
	default:
		return key
	}
}

func quoted(s string) string { return strings.TrimSuffix(string(appendString(nil, s)), ",") }

// constantText is a constant's value as JSON, and a comma.
func constantText(c schema.Constant) string {
	var value any = c.Values[0]
	if c.List {
		value = c.Values
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // there are texts only
	}
	return string(text) + ","
}

// names find the places of attributes.
type names struct {
	list   []string
	places []int
	byName map[string]int // index in the two above
}

func newNames(list []string, place map[string]int) names {
	n := names{list: list, byName: make(map[string]int)}
	for i, name := range list {
		n.places = append(n.places, place[name])
		n.byName[name] = i
	}
	return n
}

// find returns the index of an attribute, or -1. Records have their attributes in about the
// registry's order, so it tries those from next on first.
func (n *names) find(next int, name string) int {
	const absentInARow = 4
	for i := next; i < min(next+absentInARow, len(n.list)); i++ {
		if n.list[i] == name {
			return i
		}
	}
	if i, ok := n.byName[name]; ok {
		return i
	}
	return -1
}
