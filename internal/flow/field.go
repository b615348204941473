package flow

import (
	"fmt"
	"math"
	"net/netip"
)

// Role tells what a field is for.
type Role uint8

// The roles: a Dimension tells flows apart and can be grouped by, a Counter adds
// up over records, a Gauge does not.
const (
	Dimension Role = iota + 1
	Counter
	Gauge
)

var roleNames = [...]string{"", "dimension", "counter", "gauge"}

func (r Role) String() string { return nameOf(roleNames[:], r) }

// Merging tells what becomes of an attribute when several records become one that does
// not tell them apart by it.
type Merging uint8

// The mergings. Flow.Merge and flow_aggregation follow them.
const (
	// MergeCommon keeps a value that all records share, and otherwise none. It is the
	// default of a Dimension.
	MergeCommon Merging = iota + 1
	// MergeSum adds up; the default of a Counter.
	MergeSum
	// MergeLeast and MergeMost keep an extreme of the values that are known.
	MergeLeast
	MergeMost
	// MergeUnion joins lists.
	MergeUnion
	// MergeIntersect keeps the entries of maps that all records share.
	MergeIntersect
	// MergeMixed keeps a value that all records share that have one, and otherwise says
	// "mixed".
	MergeMixed
	// MergeAgain computes the value anew from others.
	MergeAgain
	// MergeNew gives the merged record a value of its own.
	MergeNew
)

var mergingNames = [...]string{"", "common", "sum", "least", "most", "union", "intersection", "mixed", "computed", "new"}

func (m Merging) String() string { return nameOf(mergingNames[:], m) }

// Attribute describes one attribute of a record.
type Attribute struct {
	Name string
	Type Type
	Role Role
	// Merge is what becomes of it in merged records.
	Merge Merging
	// Unit is a UCUM unit, or empty.
	Unit        string
	Description string
	// Elastic is the Elasticsearch mapping type, ECS the name in the Elastic
	// Common Schema and Calico the name in Calico Enterprise's flow logs; the
	// last two are empty where there is none.
	Elastic, ECS, Calico string
	// Absent says when the attribute is left out; empty means always present.
	Absent string
	// Values lists what an enumeration can hold.
	Values []string
	// Resource is set for attributes of the OTLP resource.
	Resource bool
}

// Field is an attribute of a record of type T together with the way to it.
type Field[T any] struct {
	Attribute
	get func(*T) Value
	set func(*T, Value) error
	// section is set for fields that are all absent as long as their section is.
	section *section[T]
}

// section is a run of fields that belong together; known reports whether a record has any
// of them.
type section[T any] struct{ known func(*T) bool }

// Get returns the field's value in record; it is not Present when the attribute
// is absent.
func (f *Field[T]) Get(record *T) Value { return f.get(record) }

// Set puts v, which must have the field's type, into record. A derived field
// ignores it.
func (f *Field[T]) Set(record *T, v Value) error {
	if v.Type != f.Type {
		return fmt.Errorf("attribute %s: want a value of type %s, got %s", f.Name, f.Type, v.Type)
	}
	if f.set == nil {
		return nil
	}
	if err := f.set(record, v); err != nil {
		return fmt.Errorf("attribute %s: %w", f.Name, err)
	}
	return nil
}

// defaultMerging is by role; a Gauge has none.
var defaultMerging = [...]Merging{Dimension: MergeCommon, Counter: MergeSum, Gauge: 0}

// Registry is the ordered list of a record's fields.
type Registry[T any] struct {
	fields []Field[T]
	byName map[string]int // index in fields
}

func newRegistry[T any](fields ...Field[T]) *Registry[T] {
	r := &Registry[T]{fields: fields, byName: make(map[string]int, len(fields))}
	for i := range fields {
		f := &fields[i]
		if _, ok := r.byName[f.Name]; ok {
			panic("attribute registered twice: " + f.Name)
		}
		if f.Merge == 0 {
			f.Merge = defaultMerging[f.Role]
		}
		r.byName[f.Name] = i
	}
	return r
}

// Fields returns every field in display order; callers must not change them.
func (r *Registry[T]) Fields() []Field[T] { return r.fields }

// Lookup returns the field with that name, or nil.
func (r *Registry[T]) Lookup(name string) *Field[T] {
	i, ok := r.byName[name]
	if !ok {
		return nil
	}
	return &r.fields[i]
}

// sections asks once for each run of fields whether a record has any of them.
type sections[T any] struct {
	last  *section[T]
	known bool
}

// absent reports whether f is absent from record because its section is. Fields are to be
// asked about in the registry's order.
func (s *sections[T]) absent(f *Field[T], record *T) bool {
	if f.section == nil {
		return false
	}
	if f.section != s.last {
		s.last, s.known = f.section, f.section.known(record)
	}
	return !s.known
}

// lookupFrom is Lookup for names that come in about the registry's order, as
// Encode writes them: it tries the few fields from *next on first, and leaves
// *next behind the one that it found.
func (r *Registry[T]) lookupFrom(next *int, name string) *Field[T] {
	const absentInARow = 6
	for i := *next; i < min(*next+absentInARow, len(r.fields)); i++ {
		if r.fields[i].Name == name {
			*next = i + 1
			return &r.fields[i]
		}
	}
	i, ok := r.byName[name]
	if !ok {
		return nil
	}
	*next = i + 1
	return &r.fields[i]
}

// The constructors below tie an attribute to a member of T. Those whose zero
// value means unknown leave the attribute out when the member is zero.

func keyword[T any](a Attribute, member func(*T) *Name) Field[T] {
	a.Type = Keyword
	return Field[T]{Attribute: a,
		get: func(t *T) Value {
			if n := *member(t); n.Known() {
				return Value{Type: Keyword, Str: n.String()}
			}
			return Value{}
		},
		set: func(t *T, v Value) error { *member(t) = Intern(v.Str); return nil },
	}
}

func text[T any](a Attribute, member func(*T) *string) Field[T] {
	a.Type = Keyword
	return Field[T]{Attribute: a,
		get: func(t *T) Value {
			if s := *member(t); s != "" {
				return Value{Type: Keyword, Str: s}
			}
			return Value{}
		},
		set: func(t *T, v Value) error { *member(t) = v.Str; return nil },
	}
}

func texts[T any](a Attribute, get func(*T) []string, set func(*T, []string) error) Field[T] {
	a.Type = Keywords
	return Field[T]{Attribute: a,
		get: func(t *T) Value {
			if list := get(t); len(list) > 0 {
				return Value{Type: Keywords, List: list}
			}
			return Value{}
		},
		set: func(t *T, v Value) error { return set(t, v.List) },
	}
}

// nameSet is left out when it is empty.
func nameSet[T any](a Attribute, member func(*T) *NameSet) Field[T] {
	return texts(a, func(t *T) []string { return member(t).Strings() }, func(t *T, list []string) error {
		names := make([]Name, len(list))
		for i, s := range list {
			names[i] = Intern(s)
		}
		*member(t) = NameSetOf(names...)
		return nil
	})
}

// mapping is left out when it is not known; a map of nothing is there.
func mapping[T any](a Attribute, member func(*T) *Labels) Field[T] {
	a.Type = Map
	return Field[T]{Attribute: a,
		get: func(t *T) Value {
			if l := *member(t); l.Known() {
				return Value{Type: Map, Map: l}
			}
			return Value{}
		},
		set: func(t *T, v Value) error { *member(t) = v.Map; return nil },
	}
}

type enumeration interface {
	~uint8
	String() string
}

func enum[T any, E enumeration](a Attribute, member func(*T) *E, parse func(string) (E, error)) Field[T] {
	a.Type = Keyword
	return Field[T]{Attribute: a,
		get: func(t *T) Value {
			if e := *member(t); e != 0 {
				return Value{Type: Keyword, Str: e.String()}
			}
			return Value{}
		},
		set: func(t *T, v Value) error {
			e, err := parse(v.Str)
			if err == nil {
				*member(t) = e
			}
			return err
		},
	}
}

// address presents an IPv4 address that is mapped into IPv6 as IPv4, and any
// address without its zone, so that it compares, groups and prints the same in
// whatever form the kernel gave it.
func address[T any](a Attribute, member func(*T) *netip.Addr) Field[T] {
	a.Type = Address
	return Field[T]{Attribute: a,
		get: func(t *T) Value {
			if addr := *member(t); addr.IsValid() {
				return Value{Type: Address, Addr: addr.Unmap().WithZone("")}
			}
			return Value{}
		},
		set: func(t *T, v Value) error { *member(t) = v.Addr.Unmap().WithZone(""); return nil },
	}
}

// known is an integer that is left out when it is zero.
func known[T any, N ~uint16 | ~uint32 | ~uint64 | ~int64](a Attribute, member func(*T) *N) Field[T] {
	f := integer(a, member)
	always := f.get
	f.get = func(t *T) Value {
		if *member(t) == 0 {
			return Value{}
		}
		return always(t)
	}
	return f
}

// integer is always present. OTLP and Elasticsearch carry signed integers, so a
// count above the largest int64 is clamped.
func integer[T any, N ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~int64](a Attribute, member func(*T) *N) Field[T] {
	if a.Type == 0 {
		a.Type = Integer
	}
	return Field[T]{Attribute: a,
		get: func(t *T) Value {
			n := *member(t)
			if uint64(n) > math.MaxInt64 && n > 0 {
				return Value{Type: a.Type, Int: math.MaxInt64}
			}
			return Value{Type: a.Type, Int: int64(n)}
		},
		set: func(t *T, v Value) error {
			n := N(v.Int)
			if int64(n) != v.Int || (n > 0) != (v.Int > 0) {
				return fmt.Errorf("%d is out of range", v.Int)
			}
			*member(t) = n
			return nil
		},
	}
}

func boolean[T any](a Attribute, member func(*T) *bool) Field[T] {
	a.Type = Boolean
	return Field[T]{Attribute: a,
		get: func(t *T) Value {
			if *member(t) {
				return Value{Type: Boolean, Int: 1}
			}
			return Value{Type: Boolean}
		},
		set: func(t *T, v Value) error { *member(t) = v.Int != 0; return nil },
	}
}

// derived is computed from other members and ignored on the way in.
func derived[T any](a Attribute, get func(*T) Value) Field[T] {
	a.Merge = MergeAgain
	return Field[T]{Attribute: a, get: get}
}
