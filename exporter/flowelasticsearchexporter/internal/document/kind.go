package document

import (
	"math"
	"strings"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// kind is how the log records of one event name become documents.
type kind struct {
	// record and resource are the fields of the attributes of either; they are the same in
	// the ECS mapping, where it does not matter who has an attribute.
	record, resource *table
	// destinations are by what became of a flow; other records have one.
	allowed, denied destination
}

// destination is a data stream, and what all of its documents end with.
type destination struct {
	stream    string
	constants []byte
}

func newKind(o *Options, event string, class schema.Class, denied ...schema.Class) *kind {
	fields := o.Mapping.Fields(event)
	k := &kind{allowed: newDestination(o, class, event)}
	for _, c := range denied {
		k.denied = newDestination(o, c, event)
	}
	if o.Mapping == schema.ECS {
		k.record = newTable(fields, "", schema.Labels+".", func(*flow.Attribute) bool { return true })
		k.resource = k.record
		return k
	}
	k.record = newTable(fields, "attributes.", "", func(a *flow.Attribute) bool { return !a.Resource })
	k.resource = newTable(fields, "resource.attributes.", "", func(a *flow.Attribute) bool { return a.Resource })
	return k
}

func newDestination(o *Options, c schema.Class, event string) destination {
	var constants []byte
	for _, constant := range o.Mapping.Constants(c, event, o.Namespace) {
		constants = append(appendString(constants, constant.Path), ':')
		if constant.List {
			constants = append(constants, '[')
		}
		for _, value := range constant.Values {
			constants = append(appendString(constants, value), ',')
		}
		if constant.List {
			constants = append(end(constants, ']'), ',')
		}
	}
	return destination{stream: o.Mapping.Stream(c, o.Namespace), constants: end(constants, '}')}
}

// table finds the field of an attribute.
type table struct {
	fields []field
	byName map[string]int
	// others is what the names of fields begin with that hold attributes that are not in the
	// table.
	others string
}

// field is what is written of an attribute.
type field struct {
	name string // of the attribute
	// key begins the field in the document, with the quote or bracket that its value begins
	// with; it is empty where the value is the _id.
	key string
	typ flow.Type
	// max is the largest number that the field holds.
	max int64
	// ip is set for lists of addresses.
	ip   bool
	note note
}

// maxFields is how many fields a draft can tell whether it has them.
const maxFields = 256

// newTable makes the table of those attributes that belong to it. Their keys are their
// paths without prefix.
func newTable(fields []schema.Field, prefix, others string, belongs func(*flow.Attribute) bool) *table {
	t := &table{byName: make(map[string]int), others: others}
	for _, f := range fields {
		if f.Attribute == nil || !belongs(f.Attribute) {
			continue
		}
		to := field{name: f.Attribute.Name, typ: f.Attribute.Type, max: math.MaxInt64, ip: f.Type == "ip", note: notes[f.Attribute.Name]}
		if f.Path != schema.ID {
			to.key = opening(strings.TrimPrefix(f.Path, prefix), to.typ)
		}
		switch f.Type {
		case "integer":
			to.max = math.MaxInt32
		case "short":
			to.max = math.MaxInt16
		}
		t.byName[to.name] = len(t.fields)
		t.fields = append(t.fields, to)
	}
	if len(t.fields) > maxFields {
		panic("more attributes than a draft keeps count of")
	}
	return t
}

func opening(path string, typ flow.Type) string {
	key := string(appendString(nil, path)) + ":"
	switch typ {
	case flow.Keyword, flow.Address, flow.Time:
		return key + `"`
	case flow.Keywords, flow.Map:
		return key + "["
	default:
		return key
	}
}

// find returns the place of an attribute in the table, or -1. Records have their attributes
// in about the table's order, so it tries those from next on first.
func (t *table) find(next int, name string) int {
	const absentInARow = 4
	for i := next; i < min(next+absentInARow, len(t.fields)); i++ {
		if t.fields[i].name == name {
			return i
		}
	}
	if i, ok := t.byName[name]; ok {
		return i
	}
	return -1
}
