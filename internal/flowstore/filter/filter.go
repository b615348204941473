// Package filter is the query language over flow records: what a person types
// into the search field, what the HTTP API takes as q, and what every store
// compiles into its own query.
//
//	expr  = term { "or" term }
//	term  = not { "and" not }
//	not   = "not" not | "(" expr ")" | cond
//	cond  = field op value | field ["not"] "in" "(" value { "," value } ")" | field ["not"] "exists"
//	op    = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~"
//	field = an attribute of flow.Flows, or "either." and the part after "source."
//	value = bare word | "quoted"
//
// A tilde asks for a substring of the printed value, without regard to the case
// of ASCII letters; every other comparison of text is exact. An address compares
// with an address or, in =, !=, in and not in, with a prefix (10.0.0.0/8); IPv4
// mapped into IPv6 is IPv4 in both. A comparison with a list holds when it holds for
// one of its values, one with a map when it holds for one of its keys with its value,
// written key=value. Where records that were merged differ in an attribute, its values
// stand in a list of their own (flow.ListOf), and a comparison with the attribute holds
// when it holds for one of these. An absent attribute matches only the
// negative operators: !=, !~, not in and not exists.
// "either.x = v" holds when it holds at either end, a negative operator when it
// holds at both.
package filter

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// Expr is a node of a parsed filter: And, Or, Not or Cond. A nil Expr matches
// every flow.
type Expr interface {
	// Match reports whether f satisfies the expression. It is the definition of
	// the language; a store's query must select the same flows.
	Match(f *flow.Flow) bool
	// String prints the expression so that it parses to an equal one.
	String() string
}

// And holds when all its parts do; it has at least two.
type And []Expr

// Or holds when one of its parts does; it has at least two.
type Or []Expr

// Not holds when its part does not.
type Not struct{ Expr Expr }

// Cond compares one field with values.
type Cond struct {
	Field *flow.Field[flow.Flow]
	// List has the field's values in records that were merged and differ in them; nil
	// for a field that is not listed.
	List *flow.Field[flow.Flow]
	Op   Op
	// Values has one element, several for In, none for Exists.
	Values []Operand
	// Negate turns =, ~, in and exists into !=, !~, not in and not exists.
	Negate bool
}

// Op is a comparison.
type Op uint8

// The comparisons. Equal and Contains take one value, In any number.
const (
	Equal Op = iota + 1
	Less
	LessOrEqual
	Greater
	GreaterOrEqual
	Contains
	In
	Exists
)

// Operand is what a field is compared with: a value of the field's type or, for
// an address field, a prefix; for a list, a map and Contains a keyword.
type Operand struct {
	Value  flow.Value
	Prefix netip.Prefix // valid only for an address prefix
	// Text is the operand as it was written, without quotes.
	Text string
}

// Addresses are the first and the last of a prefix, for stores that look for a range.
func Addresses(prefix netip.Prefix) (first, last netip.Addr) {
	first = prefix.Masked().Addr()
	bytes := first.AsSlice()
	for bit := prefix.Bits(); bit < first.BitLen(); bit++ {
		bytes[bit/8] |= 0x80 >> (bit % 8)
	}
	last, _ = netip.AddrFromSlice(bytes)
	return first, last
}

// Match implements Expr.
func (e And) Match(f *flow.Flow) bool {
	for _, part := range e {
		if !part.Match(f) {
			return false
		}
	}
	return true
}

// Match implements Expr.
func (e Or) Match(f *flow.Flow) bool {
	for _, part := range e {
		if part.Match(f) {
			return true
		}
	}
	return false
}

// Match implements Expr.
func (e Not) Match(f *flow.Flow) bool { return !e.Expr.Match(f) }

// Match implements Expr.
func (c *Cond) Match(f *flow.Flow) bool {
	return (c.holds(c.Field.Get(f)) || c.holdsInList(f)) != c.Negate
}

// holdsInList evaluates the positive form of the condition for the listed values of the
// field. What no value of the field prints as compares with nothing, but has the text
// that it is.
func (c *Cond) holdsInList(f *flow.Flow) bool {
	if c.List == nil {
		return false
	}
	list := c.List.Get(f).List
	if c.Op == Exists {
		return len(list) > 0
	}
	return slices.ContainsFunc(list, func(s string) bool {
		if c.Op == Contains {
			return c.holds(flow.Value{Type: flow.Keyword, Str: s})
		}
		v, ok := flow.ParseValue(c.Field.Type, s)
		return ok && c.holds(v)
	})
}

// holds evaluates the positive form of the condition; an absent value never
// satisfies it.
func (c *Cond) holds(v flow.Value) bool {
	if !v.Present() {
		return false
	}
	if c.Op == Exists {
		return true
	}
	if v.Type == flow.Keywords || v.Type == flow.Map {
		return slices.ContainsFunc(v.Items(), func(s string) bool { return c.holds(flow.Value{Type: flow.Keyword, Str: s}) })
	}
	for i := range c.Values {
		if c.compare(v, &c.Values[i]) {
			return true
		}
	}
	return false
}

func (c *Cond) compare(v flow.Value, operand *Operand) bool {
	if c.Op == Contains {
		return strings.Contains(LowerASCII(v.String()), LowerASCII(operand.Text))
	}
	if operand.Prefix.IsValid() {
		return operand.Prefix.Contains(v.Addr)
	}
	order := v.Compare(operand.Value)
	switch c.Op {
	case Less:
		return order < 0
	case LessOrEqual:
		return order <= 0
	case Greater:
		return order > 0
	case GreaterOrEqual:
		return order >= 0
	default: // Equal, In
		return order == 0
	}
}

// LowerASCII lowers the letters A to Z and leaves everything else alone. Stores
// agree on these, not on how they fold the rest of Unicode.
func LowerASCII(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] >= 'A' && s[i] <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if b[i] >= 'A' && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

// String implements Expr.
func (e And) String() string { return join(e, " and ") }

// String implements Expr.
func (e Or) String() string { return join(e, " or ") }

func join(parts []Expr, word string) string {
	printed := make([]string, len(parts))
	for i, part := range parts {
		printed[i] = grouped(part)
	}
	return strings.Join(printed, word)
}

// grouped prints an expression so that it stands as one operand.
func grouped(e Expr) string {
	switch e.(type) {
	case And, Or:
		return "(" + e.String() + ")"
	default:
		return e.String()
	}
}

// String implements Expr.
func (e Not) String() string { return "not " + grouped(e.Expr) }

// String implements Expr.
func (c *Cond) String() string {
	switch c.Op {
	case Exists:
		if c.Negate {
			return c.Field.Name + " not exists"
		}
		return c.Field.Name + " exists"
	case In:
		values := make([]string, len(c.Values))
		for i := range c.Values {
			values[i] = quote(c.Values[i].Text)
		}
		op := " in ("
		if c.Negate {
			op = " not in ("
		}
		return c.Field.Name + op + strings.Join(values, ", ") + ")"
	default:
		return c.Field.Name + " " + c.symbol() + " " + quote(c.Values[0].Text)
	}
}

func (c *Cond) symbol() string {
	switch c.Op {
	case Less:
		return "<"
	case LessOrEqual:
		return "<="
	case Greater:
		return ">"
	case GreaterOrEqual:
		return ">="
	case Contains:
		if c.Negate {
			return "!~"
		}
		return "~"
	default:
		if c.Negate {
			return "!="
		}
		return "="
	}
}
