package duckdb

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/filter"
)

// statement is SQL text under construction with its parameters. Only names from
// the registry and fixed text enter the text; every value is a parameter.
type statement struct {
	text strings.Builder
	args []any
}

func (s *statement) add(text string, args ...any) {
	s.text.WriteString(text)
	s.args = append(s.args, args...)
}

// where adds the condition that selects the records of sel.
func (s *statement) where(sel *flowstore.Selection) {
	s.add(" WHERE ")
	s.between(`"flow.end"`, sel.Range)
	switch sel.View {
	case flowstore.AllReports:
	case flowstore.Once:
		s.add(` AND ("flow.reporter" IS DISTINCT FROM 'destination' OR NOT "flow.peer.observed")`)
	case flowstore.SourceReports:
		s.add(` AND "flow.reporter" = 'source'`)
	case flowstore.DestinationReports:
		s.add(` AND "flow.reporter" = 'destination'`)
	case flowstore.ForwardReports:
		s.add(` AND "flow.reporter" = 'forward'`)
	}
	if sel.Filter != nil {
		s.add(" AND ")
		s.expr(sel.Filter)
	}
}

// between adds the condition that column, a TIMESTAMP_NS, lies in r.
func (s *statement) between(column string, r flowstore.Range) {
	s.add("("+column+" >= make_timestamp_ns(?::BIGINT) AND "+column+" < make_timestamp_ns(?::BIGINT))",
		storedTime(r.From), storedTime(r.To))
}

// earliest is the first time that the driver takes, short of what an int64 holds.
var earliest = time.Date(1678, time.January, 1, 0, 0, 0, 0, time.UTC).UnixNano()

// storedTime keeps clear of the times that the driver refuses and of the values
// that DuckDB takes for infinity: one such record would fail its batch for good.
func storedTime(ns int64) int64 { return min(max(ns, earliest), math.MaxInt64-1) }

// expr adds a condition that is true for the records that e matches, and false
// or NULL for the others. Negations ask IS NOT TRUE, so that an absent attribute
// never satisfies a condition and always satisfies its negation.
func (s *statement) expr(e filter.Expr) {
	switch e := e.(type) {
	case filter.And:
		s.join(e, " AND ")
	case filter.Or:
		s.join(e, " OR ")
	case filter.Not:
		s.add("((")
		s.expr(e.Expr)
		s.add(") IS NOT TRUE)")
	case *filter.Cond:
		s.cond(e)
	default:
		panic(fmt.Sprintf("filter expression of type %T", e))
	}
}

func (s *statement) join(parts []filter.Expr, word string) {
	s.add("(")
	for i, part := range parts {
		if i > 0 {
			s.add(word)
		}
		s.expr(part)
	}
	s.add(")")
}

func (s *statement) cond(c *filter.Cond) {
	if c.Negate {
		s.add("((")
		s.holds(c)
		s.add(") IS NOT TRUE)")
		return
	}
	s.add("(")
	s.holds(c)
	s.add(")")
}

func (s *statement) holds(c *filter.Cond) {
	s.holdsAlone(c)
	if c.List != nil {
		s.add(" OR ")
		s.holdsInList(c)
	}
}

func (s *statement) holdsAlone(c *filter.Cond) {
	switch {
	case c.Op == filter.Exists:
		s.add(present(c.Field))
	case c.Field.Type == flow.Keywords || c.Field.Type == flow.Map:
		s.add("len(list_filter(" + items(c.Field) + ", lambda item: ")
		s.one(c, "item", "item")
		s.add(")) > 0")
	default:
		s.one(c, comparable(c.Field), printed(c.Field))
	}
}

// holdsInList adds the condition on the listed values of a field. Addresses compare by
// the list of their keys, numbers if that is how a number prints. Most records have no
// list, which is the cheapest to ask.
func (s *statement) holdsInList(c *filter.Cond) {
	const number = "TRY_CAST(item AS BIGINT)"
	list, value, valid := quoteName(c.List.Name), "item", ""
	switch {
	case c.Op == filter.Exists:
		s.add(present(c.List))
		return
	case c.Op == filter.Contains:
	case c.Field.Type == flow.Address:
		list = quoteName(c.List.Name + keySuffix)
	case c.Field.Type == flow.Integer:
		value, valid = number, "CAST("+number+" AS VARCHAR) = item AND "
	}
	s.add("(" + present(c.List) + " AND len(list_filter(" + list + ", lambda item: " + valid + "(")
	s.one(c, value, "item")
	s.add("))) > 0)")
}

// one adds a condition on one value, given as it compares and as it prints.
func (s *statement) one(c *filter.Cond, value, text string) {
	switch c.Op {
	case filter.Contains:
		s.add("contains(" + lowerASCII(text) + ", ?::VARCHAR)")
		s.args = append(s.args, filter.LowerASCII(c.Values[0].Text))
	case filter.Less:
		s.compare(c, value+" < ")
	case filter.LessOrEqual:
		s.compare(c, value+" <= ")
	case filter.Greater:
		s.compare(c, value+" > ")
	case filter.GreaterOrEqual:
		s.compare(c, value+" >= ")
	default: // Equal, In
		s.in(c, value)
	}
}

// compare adds a comparison with one value.
func (s *statement) compare(c *filter.Cond, with string) {
	s.add(with)
	s.operand(c.Values[0].Value)
}

// in adds the test for one of several values: the single values as a list, which
// DuckDB looks up by hash, and each prefix as a range.
func (s *statement) in(c *filter.Cond, value string) {
	separator := ""
	listed := 0
	for i := range c.Values {
		if c.Values[i].Prefix.IsValid() {
			s.add(separator)
			s.prefix(value, &c.Values[i])
			separator = " OR "
		} else {
			listed++
		}
	}
	if listed == 0 {
		return
	}
	s.add(separator + value + " IN (")
	separator = ""
	for i := range c.Values {
		if !c.Values[i].Prefix.IsValid() {
			s.add(separator)
			s.operand(c.Values[i].Value)
			separator = ", "
		}
	}
	s.add(")")
}

// prefix adds the test for an address, given by its key, in a prefix; as in
// netip.Prefix.Contains an address with a zone is in none.
func (s *statement) prefix(key string, operand *filter.Operand) {
	first, last := prefixKeys(operand.Prefix)
	s.add("("+key+" BETWEEN ?::BLOB AND ?::BLOB", first, last)
	if keyLength(operand.Prefix) == 17 && !bytes.Equal(first, last) {
		s.add(" AND octet_length(" + key + ") = 17")
	}
	s.add(")")
}

// operand adds a parameter of the type that comparable has.
func (s *statement) operand(v flow.Value) {
	switch v.Type {
	case flow.Address:
		s.add("?::BLOB", addressKey(v.Addr))
	case flow.Boolean:
		s.add("?::BOOLEAN", v.Int != 0)
	case flow.Integer, flow.Time:
		s.add("?::BIGINT", v.Int)
	default:
		s.add("?::VARCHAR", v.Str)
	}
}

// items is the SQL for the values of a list, or of a map as key=value.
func items(field *flow.Field[flow.Flow]) string {
	name := quoteName(field.Name)
	if field.Type == flow.Map {
		return "list_transform(map_entries(" + name + "), lambda entry: entry.key || '=' || entry.value)"
	}
	return name
}

// present is the SQL for a field being there.
func present(field *flow.Field[flow.Flow]) string {
	if field.Name == idName {
		return `("flow.id.node" IS NOT NULL)`
	}
	return quoteName(field.Name) + " IS NOT NULL"
}

// comparable is the SQL for a field's value in a form that compares as the filter
// language does.
func comparable(field *flow.Field[flow.Flow]) string {
	switch {
	case field.Name == idName:
		return idText
	case field.Type == flow.Address:
		return quoteName(field.Name + keySuffix)
	case field.Type == flow.Time:
		return "epoch_ns(" + quoteName(field.Name) + ")"
	default:
		return quoteName(field.Name)
	}
}

// printed is the SQL for a field's value as flow.Value.String prints it.
func printed(field *flow.Field[flow.Flow]) string {
	name := quoteName(field.Name)
	switch {
	case field.Name == idName:
		return idText
	case field.Type == flow.Keyword, field.Type == flow.Address:
		return name
	case field.Type == flow.Time:
		fraction := "lpad(CAST(((epoch_ns(" + name + ") % 1000000000) + 1000000000) % 1000000000 AS VARCHAR), 9, '0')"
		return "(strftime(" + name + ", '%Y-%m-%dT%H:%M:%S') || rtrim(rtrim('.' || " + fraction + ", '0'), '.') || 'Z')"
	default:
		return "CAST(" + name + " AS VARCHAR)"
	}
}

// lowerASCII is filter.LowerASCII in SQL; lower() would fold all of Unicode.
func lowerASCII(text string) string {
	return "translate(" + text + ", 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')"
}
