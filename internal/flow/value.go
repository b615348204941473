package flow

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Type is the type of an attribute's value.
type Type uint8

// The types. Time is nanoseconds since the Unix epoch; Keywords is a list, Map
// text by text.
const (
	Keyword Type = iota + 1
	Address
	Integer
	Boolean
	Time
	Keywords
	Map
)

var typeNames = [...]string{"", "keyword", "address", "integer", "boolean", "time", "keywords", "map"}

func (t Type) String() string { return nameOf(typeNames[:], t) }

// Value is one attribute's value; Type says which member holds it. The zero
// Value is absent.
type Value struct {
	Type Type
	Str  string     // Keyword
	Addr netip.Addr // Address
	Int  int64      // Integer, Time, and Boolean as 0 or 1
	List []string   // Keywords
	Map  Labels     // Map
}

// Items returns what a comparison with v looks at one by one: the values of a list,
// the labels of a map as key=value, and any other value printed.
func (v Value) Items() []string {
	switch v.Type {
	case 0:
		return nil
	case Keywords:
		return v.List
	case Map:
		var items []string
		for key, value := range v.Map.All() {
			items = append(items, Label{key, value}.String())
		}
		return items
	default:
		return []string{v.String()}
	}
}

// ParseValue is the inverse of String for a Keyword, an Address and an Integer. It reports
// whether a value of type t prints as s.
func ParseValue(t Type, s string) (Value, bool) {
	v := Value{Type: t}
	var err error
	switch t {
	case Keyword:
		v.Str = s
	case Address:
		v.Addr, err = netip.ParseAddr(s)
		v.Addr = v.Addr.Unmap().WithZone("")
	case Integer:
		v.Int, err = strconv.ParseInt(s, 10, 64)
	default:
		return Value{}, false
	}
	return v, err == nil && v.String() == s
}

// Present reports whether v holds anything.
func (v Value) Present() bool { return v.Type != 0 }

// Compare orders values of one attribute: an absent one before any other, lists by the
// first item that differs, maps as CompareLabels does.
func (v Value) Compare(other Value) int {
	switch {
	case !v.Present() || !other.Present():
		return cmp.Compare(v.Type, other.Type)
	case v.Type == Keyword:
		return strings.Compare(v.Str, other.Str)
	case v.Type == Address:
		return v.Addr.Compare(other.Addr)
	case v.Type == Keywords:
		return slices.Compare(v.List, other.List)
	case v.Type == Map:
		return CompareLabels(v.Map, other.Map)
	default:
		return cmp.Compare(v.Int, other.Int)
	}
}

// String prints v as a person would type it: addresses in their canonical form,
// times in RFC 3339, lists with commas, maps as lists of key=value.
func (v Value) String() string {
	switch v.Type {
	case Keyword:
		return v.Str
	case Address:
		return v.Addr.String()
	case Integer:
		return strconv.FormatInt(v.Int, 10)
	case Boolean:
		return strconv.FormatBool(v.Int != 0)
	case Time:
		return time.Unix(0, v.Int).UTC().Format(time.RFC3339Nano)
	case Keywords:
		return strings.Join(v.List, ",")
	case Map:
		return strings.Join(v.Items(), ",")
	default:
		return ""
	}
}
