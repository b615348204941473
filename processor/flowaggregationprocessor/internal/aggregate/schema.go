package aggregate

import (
	"fmt"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// kind is what an attribute is to the aggregation.
type kind uint8

const (
	// ignored attributes are made anew.
	ignored kind = iota
	// identity is the record's id.
	identity
	// dimension attributes may be in a key; index is the dimension.
	dimension
	// measure attributes are numbers that add up or have an extreme; index is the measure.
	measure
	// listed attributes list the values of a dimension, and counted ones say how many
	// there are; index is the listing.
	listed
	counted
)

// attribute is one of the registry, or one that records have beside it.
type attribute struct {
	name     string
	number   int // its place among all
	kind     kind
	index    int
	typ      flow.Type // 0 for those that the registry does not know
	merge    flow.Merging
	resource bool
	// listing is the index of the listing of a dimension's values, or none.
	listing int
	// field is nil for those that the registry does not know: they are dimensions of any
	// type.
	field *flow.Field[flow.Flow]
}

const none = -1

// schema is the attributes that an Aggregator knows. It grows by those that it meets.
type schema struct {
	attributes []*attribute
	byName     map[string]*attribute // those of resources have resourcePrefix
	dimensions []*attribute          // the attribute of each dimension
	measures   []*attribute          // and of each measure
	// known is how many attributes are the registry's.
	known int

	// add, least and most are the measures by how they merge.
	add, least, most set
	// bytes are the measures that say how important a record is.
	bytes set
	// lists are the dimensions whose values are listed, listings the dimension of each
	// listing.
	lists    set
	listings []int
	// These measures have a meaning of their own here.
	records, folded, seen, started, completed, open int
	sampling                                        int // dimension
}

// resourcePrefix sets a resource's attributes apart from a record's of the same name.
const resourcePrefix = "resource/"

// maxOther is how many attributes there can be that the registry does not know.
const maxOther = 24

func newSchema() *schema {
	s := &schema{byName: make(map[string]*attribute)}
	fields := flow.Flows.Fields()
	for i := range fields {
		f := &fields[i]
		s.append(&attribute{name: f.Name, kind: kindOf(f), typ: f.Type, merge: f.Merge, resource: f.Resource, listing: none, field: f})
	}
	s.known = len(s.attributes)
	for i, l := range flow.Listings() {
		s.byName[l.Of].listing = i
		if l.List != l.Of {
			s.is(l.List, listed, i)
		}
		s.is(l.Count, counted, i)
	}
	s.number()
	return s
}

func kindOf(f *flow.Field[flow.Flow]) kind {
	switch f.Merge {
	case flow.MergeCommon, flow.MergeUnion, flow.MergeIntersect, flow.MergeMixed:
		return dimension
	case flow.MergeSum, flow.MergeLeast, flow.MergeMost:
		return measure
	default:
		if f.Name == idName {
			return identity
		}
		return ignored
	}
}

func (s *schema) is(name string, k kind, index int) {
	a := s.byName[name]
	a.kind, a.index = k, index
}

func (s *schema) append(a *attribute) {
	a.number = len(s.attributes)
	s.attributes = append(s.attributes, a)
	if a.resource {
		s.byName[resourcePrefix+a.name] = a
	}
	if !a.resource || a.field != nil { // the registry's may have been moved to the record
		s.byName[a.name] = a
	}
}

// number gives dimensions and measures their indices.
func (s *schema) number() {
	s.listings = make([]int, len(flow.Listings()))
	for _, a := range s.attributes {
		switch a.kind {
		case dimension:
			a.index = len(s.dimensions)
			s.dimensions = append(s.dimensions, a)
			if a.listing != none {
				s.lists.add(a.index)
				s.listings[a.listing] = a.index
			}
		case measure:
			a.index = len(s.measures)
			s.measures = append(s.measures, a)
			s.merged(a).add(a.index)
		}
	}
	if len(s.dimensions)+maxOther > maxSlots || len(s.measures) > maxMeasures || s.known+maxOther > maxAttributes {
		panic("more attributes than slots: raise maxSlots, maxMeasures or maxAttributes")
	}
	s.bytes.add(s.measure("source.bytes"))
	s.bytes.add(s.measure("destination.bytes"))
	s.records, s.folded = s.measure("flow.aggregation.records"), s.measure("flow.folded")
	s.seen, s.open = s.measure("flow.connections.seen"), s.measure("flow.connections.open")
	s.started, s.completed = s.measure("flow.connections.started"), s.measure("flow.connections.completed")
	s.sampling = s.dimension(samplingName)
}

func (s *schema) merged(a *attribute) *set {
	switch a.merge {
	case flow.MergeSum:
		return &s.add
	case flow.MergeLeast:
		return &s.least
	default:
		return &s.most
	}
}

// other returns the attribute with a name that the registry does not know, which is a
// dimension from now on. There is none when there are too many.
func (s *schema) other(name string, resource bool) *attribute {
	if len(s.attributes)-s.known >= maxOther {
		return nil
	}
	a := &attribute{
		name: name, kind: dimension, index: len(s.dimensions), merge: flow.MergeCommon, resource: resource, listing: none,
	}
	s.append(a)
	s.dimensions = append(s.dimensions, a)
	return a
}

// dimension and measure return the index of an attribute of the registry.
func (s *schema) dimension(name string) int { return s.index(name, dimension) }
func (s *schema) measure(name string) int   { return s.index(name, measure) }

func (s *schema) index(name string, k kind) int {
	a, ok := s.byName[name]
	if !ok || a.kind != k {
		panic(fmt.Sprintf("the registry has no such attribute: %s", name))
	}
	return a.index
}
