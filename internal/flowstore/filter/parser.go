package filter

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// MaxLength is the longest filter that Parse reads, in bytes, and maxDepth how
// deep its parentheses and nots may nest.
const (
	MaxLength = 16 << 10
	maxDepth  = 64
)

const eitherPrefix = "either."

// Parse reads a filter. Empty text is a nil Expr, which matches everything. The
// error, if any, is an *Error.
func Parse(text string) (Expr, error) {
	if len(text) > MaxLength {
		return nil, &Error{MaxLength, fmt.Sprintf("the filter is longer than %d bytes", MaxLength)}
	}
	if at := invalidUTF8(text); at >= 0 {
		return nil, &Error{at, "the filter is not valid UTF-8"}
	}
	tokens, err := lex(text)
	if err != nil {
		return nil, err
	}
	p := parser{tokens: tokens}
	if p.peek().kind == tokenEnd {
		return nil, nil
	}
	expr, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != tokenEnd {
		return nil, &Error{t.offset, fmt.Sprintf("unexpected %s: join conditions with and, or", t)}
	}
	return expr, nil
}

// invalidUTF8 is where text stops being UTF-8, or -1.
func invalidUTF8(text string) int {
	for i, r := range text {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(text[i:]); n == 1 {
				return i
			}
		}
	}
	return -1
}

type parser struct {
	tokens []token
	at     int
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

func (p *parser) or(depth int) (Expr, error) {
	parts, err := p.list("or", depth, p.and)
	if err != nil || len(parts) == 1 {
		return first(parts), err
	}
	return Or(parts), nil
}

func (p *parser) and(depth int) (Expr, error) {
	parts, err := p.list("and", depth, p.not)
	if err != nil || len(parts) == 1 {
		return first(parts), err
	}
	return And(parts), nil
}

func (p *parser) list(word string, depth int, part func(int) (Expr, error)) ([]Expr, error) {
	var parts []Expr
	for {
		e, err := part(depth)
		if err != nil {
			return nil, err
		}
		parts = append(parts, e)
		if !p.peek().is(word) {
			return parts, nil
		}
		p.next()
	}
}

func first(parts []Expr) Expr {
	if len(parts) == 0 {
		return nil
	}
	return parts[0]
}

func (p *parser) not(depth int) (Expr, error) {
	t := p.peek()
	if depth > maxDepth {
		return nil, tooDeep(t)
	}
	switch {
	case t.is("not"):
		p.next()
		e, err := p.not(depth + 1)
		if err != nil {
			return nil, err
		}
		return Not{e}, nil
	case t.symbol("("):
		p.next()
		e, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		if t := p.next(); !t.symbol(")") {
			return nil, &Error{t.offset, fmt.Sprintf(`expected ")", found %s`, t)}
		}
		return e, nil
	default:
		return p.cond(depth)
	}
}

// cond reads one condition; one over either end becomes two in parentheses,
// which count as nesting so that what is printed can be read again.
func (p *parser) cond(depth int) (Expr, error) {
	name := p.next()
	if name.kind != tokenWord || name.is("and") || name.is("or") || name.is("in") || name.is("exists") {
		return nil, &Error{name.offset, fmt.Sprintf("expected a field name, found %s", name)}
	}
	fields, err := fieldsNamed(name)
	if err != nil {
		return nil, err
	}
	if len(fields) > 1 && depth == maxDepth {
		return nil, tooDeep(name)
	}
	op, negate, err := p.operator()
	if err != nil {
		return nil, err
	}
	operands, err := p.operands(op, fields[0])
	if err != nil {
		return nil, err
	}
	conds := make([]Expr, len(fields))
	for i, field := range fields {
		conds[i] = &Cond{Field: field, List: flow.ListOf(field.Name), Op: op, Negate: negate, Values: operands}
	}
	switch {
	case len(conds) == 1:
		return conds[0], nil
	case negate:
		return And(conds), nil
	default:
		return Or(conds), nil
	}
}

func tooDeep(t token) error {
	return &Error{t.offset, fmt.Sprintf("the filter nests deeper than %d: leave out parentheses and nots", maxDepth)}
}

// fieldsNamed resolves a field name; "either.x" is both ends' field.
func fieldsNamed(name token) ([]*flow.Field[flow.Flow], error) {
	if rest, ok := strings.CutPrefix(name.text, eitherPrefix); ok {
		source, destination := flow.Flows.Lookup("source."+rest), flow.Flows.Lookup("destination."+rest)
		if source != nil && destination != nil {
			return []*flow.Field[flow.Flow]{source, destination}, nil
		}
	} else if field := flow.Flows.Lookup(name.text); field != nil {
		return []*flow.Field[flow.Flow]{field}, nil
	}
	message := fmt.Sprintf("there is no field %q", name.text)
	if near := nearestField(name.text); near != "" {
		message += fmt.Sprintf(": did you mean %s?", near)
	}
	return nil, &Error{name.offset, message}
}

// nearestField finds a field that contains name or ends like it.
func nearestField(name string) string {
	name = strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])
	if name == "" {
		return ""
	}
	for _, f := range flow.Flows.Fields() {
		if strings.HasSuffix(f.Name, "."+name) {
			return f.Name
		}
	}
	for _, f := range flow.Flows.Fields() {
		if strings.Contains(f.Name, name) {
			return f.Name
		}
	}
	return ""
}

func (p *parser) operator() (op Op, negate bool, err error) {
	t := p.next()
	if t.is("not") {
		negate = true
		t = p.next()
	}
	switch {
	case t.is("in"):
		return In, negate, nil
	case t.is("exists"):
		return Exists, negate, nil
	case negate || t.kind != tokenSymbol:
		return 0, false, &Error{t.offset, fmt.Sprintf("expected an operator (=, !=, <, <=, >, >=, ~, !~, in, not in, exists, not exists), found %s", t)}
	}
	switch t.text {
	case "=":
		return Equal, false, nil
	case "!=":
		return Equal, true, nil
	case "~":
		return Contains, false, nil
	case "!~":
		return Contains, true, nil
	case "<":
		return Less, false, nil
	case "<=":
		return LessOrEqual, false, nil
	case ">":
		return Greater, false, nil
	case ">=":
		return GreaterOrEqual, false, nil
	default:
		return 0, false, &Error{t.offset, fmt.Sprintf("expected an operator, found %s", t)}
	}
}

func (p *parser) operands(op Op, field *flow.Field[flow.Flow]) ([]Operand, error) {
	if op == Exists {
		return nil, nil
	}
	if op != In {
		operand, err := p.operand(op, field)
		return []Operand{operand}, err
	}
	if t := p.next(); !t.symbol("(") {
		return nil, &Error{t.offset, fmt.Sprintf(`expected "(" and a list of values, found %s`, t)}
	}
	var operands []Operand
	for {
		operand, err := p.operand(op, field)
		if err != nil {
			return nil, err
		}
		operands = append(operands, operand)
		switch t := p.next(); {
		case t.symbol(")"):
			return operands, nil
		case !t.symbol(","):
			return nil, &Error{t.offset, fmt.Sprintf(`expected "," or ")", found %s`, t)}
		}
	}
}

func (p *parser) operand(op Op, field *flow.Field[flow.Flow]) (Operand, error) {
	t := p.next()
	if t.kind != tokenWord && t.kind != tokenQuoted {
		return Operand{}, &Error{t.offset, fmt.Sprintf("expected a value, found %s", t)}
	}
	operand, err := operandOf(op, field, t.text)
	if err != nil {
		return Operand{}, &Error{t.offset, err.Error()}
	}
	return operand, nil
}

// operandOf reads text as a value to compare field with.
func operandOf(op Op, field *flow.Field[flow.Flow], text string) (Operand, error) {
	operand := Operand{Text: text}
	if op == Contains {
		operand.Value = flow.Value{Type: flow.Keyword, Str: text}
		return operand, nil
	}
	value := &operand.Value
	value.Type = field.Type
	var err error
	switch field.Type {
	case flow.Address:
		if strings.Contains(text, "/") {
			operand.Prefix, err = prefixOf(op, text)
		} else {
			value.Addr, err = addressOf(text)
		}
	case flow.Integer:
		if value.Int, err = strconv.ParseInt(text, 10, 64); err != nil {
			err = fmt.Errorf("%q is not a whole number, which %s needs", text, field.Name)
		}
	case flow.Boolean:
		err = parseBool(text, value)
	case flow.Time:
		value.Int, err = timeOf(text)
	default: // one of a list or of a map is a keyword as well
		value.Type, value.Str = flow.Keyword, text
	}
	return operand, err
}

// addressOf reads an address. An IPv4 address mapped into IPv6 is IPv4, as in
// records; a zone names an interface of one machine and no record has one.
func addressOf(text string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("%q is not an address: write one like 10.0.0.1, or a prefix like 10.0.0.0/8", text)
	}
	if addr.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("flows carry no zone: write %s instead of %q", addr.WithZone(""), text)
	}
	return addr.Unmap(), nil
}

// prefixOf reads a prefix.
func prefixOf(op Op, text string) (netip.Prefix, error) {
	if op != Equal && op != In {
		return netip.Prefix{}, fmt.Errorf("a prefix like %s works with =, !=, in and not in only", text)
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is not a prefix: write one like 10.0.0.0/8 (0 to 32) or fd00::/8 (0 to 128)", text)
	}
	return flow.UnmapPrefix(prefix), nil
}

// timeOf reads a time that nanoseconds since the Unix epoch can hold.
func timeOf(text string) (int64, error) {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a time like 2006-01-02T15:04:05Z", text)
	}
	ns := at.UnixNano()
	if !time.Unix(0, ns).Equal(at) {
		return 0, fmt.Errorf("%q is too far from now: use a year from 1678 to 2261", text)
	}
	return ns, nil
}

func parseBool(text string, value *flow.Value) error {
	switch strings.ToLower(text) {
	case "true":
		value.Int = 1
	case "false":
		value.Int = 0
	default:
		return fmt.Errorf("%q is neither true nor false", text)
	}
	return nil
}
