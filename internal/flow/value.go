package flow

import (
	"net/netip"
	"strconv"
	"time"
)

// Type is the type of an attribute's value.
type Type uint8

// The types. Time is nanoseconds since the Unix epoch; Keywords is a list.
const (
	Keyword Type = iota + 1
	Address
	Integer
	Boolean
	Time
	Keywords
)

var typeNames = [...]string{"", "keyword", "address", "integer", "boolean", "time", "keywords"}

func (t Type) String() string { return nameOf(typeNames[:], t) }

// Value is one attribute's value; Type says which member holds it. The zero
// Value is absent.
type Value struct {
	Type Type
	Str  string     // Keyword
	Addr netip.Addr // Address
	Int  int64      // Integer, Time, and Boolean as 0 or 1
	List []string   // Keywords
}

// Present reports whether v holds anything.
func (v Value) Present() bool { return v.Type != 0 }

// String prints v as a person would type it: addresses in their canonical form,
// times in RFC 3339, lists with commas.
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
		var buf []byte
		for i, s := range v.List {
			if i > 0 {
				buf = append(buf, ',')
			}
			buf = append(buf, s...)
		}
		return string(buf)
	default:
		return ""
	}
}
