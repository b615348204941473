package flow

import (
	"cmp"
	"slices"
	"unique"
)

// MaxNames is how many names a NameSet holds.
const MaxNames = 8

// NameSet is a small set of names, comparable and as cheap to copy as a Name.
// Of more than MaxNames it keeps the first by the alphabet, so that a set does
// not depend on the order in which it was put together. The zero NameSet is
// empty.
type NameSet struct{ handle unique.Handle[[MaxNames]Name] }

// NameSetOf returns the set of names; unknown ones are passed over.
func NameSetOf(names ...Name) NameSet {
	known := make([]Name, 0, len(names))
	for _, n := range names {
		if n.Known() {
			known = append(known, n)
		}
	}
	if len(known) == 0 {
		return NameSet{}
	}
	slices.SortFunc(known, func(a, b Name) int { return cmp.Compare(a.String(), b.String()) })
	var kept [MaxNames]Name
	copy(kept[:], slices.Compact(known))
	return NameSet{unique.Make(kept)}
}

// Empty reports whether s holds no name.
func (s NameSet) Empty() bool { return s == NameSet{} }

// Names returns the names in alphabetical order.
func (s NameSet) Names() []Name {
	if s.Empty() {
		return nil
	}
	names := s.handle.Value()
	for i, n := range names {
		if !n.Known() {
			return names[:i]
		}
	}
	return names[:]
}

// Union returns the set of the names in either.
func (s NameSet) Union(other NameSet) NameSet {
	switch {
	case s == other || other.Empty():
		return s
	case s.Empty():
		return other
	default:
		return NameSetOf(append(s.Names(), other.Names()...)...)
	}
}

// Strings returns the names as text, in alphabetical order.
func (s NameSet) Strings() []string {
	names := s.Names()
	if len(names) == 0 {
		return nil
	}
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = n.String()
	}
	return list
}
