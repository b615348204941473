package flow

import "unique"

// Name is an interned string: eight bytes, comparable in one instruction, and
// stored once however many flows carry it. The zero Name is unknown, which is
// not the same as the known empty string.
type Name struct{ handle unique.Handle[string] }

// Intern returns the Name of s.
func Intern(s string) Name { return Name{unique.Make(s)} }

// InternKnown is Intern where an empty string stands for unknown.
func InternKnown(s string) Name {
	if s == "" {
		return Name{}
	}
	return Intern(s)
}

// Known reports whether n holds a string, be it empty.
func (n Name) Known() bool { return n != Name{} }

// String returns the interned string, or "" when n is unknown.
func (n Name) String() string {
	if !n.Known() {
		return ""
	}
	return n.handle.Value()
}
