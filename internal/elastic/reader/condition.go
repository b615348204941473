package reader

import (
	"math"
	"net/netip"
	"strconv"
	"strings"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/filter"
)

// holds finds the records for which the positive form of a condition holds: for the
// attribute itself, or for one of the values that records have listed.
func (c *compiler) holds(cond *filter.Cond, wide bool) object {
	alone := c.alone(cond, wide)
	if cond.List == nil {
		return alone
	}
	return or(alone, c.inList(cond, wide))
}

// alone takes a document without an attribute that records always have for one with zero,
// as the decoder does.
func (c *compiler) alone(cond *filter.Cond, wide bool) object {
	query := c.compare(cond, wide)
	if cond.Field.Absent != "" || cond.Op == filter.Exists {
		return query
	}
	positive := *cond
	positive.Negate, positive.List = false, nil
	if positive.Match(&flow.Flow{}) {
		return or(query, not(exists(c.reader.path(cond.Field.Name))))
	}
	return query
}

func (c *compiler) compare(cond *filter.Cond, wide bool) object {
	field := c.reader.fields[cond.Field.Name]
	path := field.Path
	switch {
	case cond.Field.Name == "flow.id":
		return c.id(cond, wide)
	case cond.Op == filter.Exists && cond.Field.Absent == "":
		return all()
	case cond.Op == filter.Exists && cond.Field.Type == flow.Map:
		return c.either(cond, wide, all(), exists(path)) // a map of nothing looks like none
	case cond.Op == filter.Exists:
		return exists(path)
	}
	switch cond.Field.Type {
	case flow.Address:
		return c.address(cond, path, wide)
	case flow.Integer:
		return c.integer(cond, path, largest(field.Type), wide)
	case flow.Time:
		return c.time(cond, path, wide)
	case flow.Boolean:
		return boolean(cond, path)
	default:
		if field.Type == "ip" {
			return c.addressText(cond, path, wide)
		}
		return c.text(cond, path, wide)
	}
}

// inList is for the lists of values that merged records differ in. Numbers are text there.
func (c *compiler) inList(cond *filter.Cond, wide bool) object {
	path := c.reader.path(cond.List.Name)
	switch {
	case cond.Op == filter.Exists:
		return exists(path)
	case cond.Field.Type == flow.Address:
		return c.address(cond, path, wide)
	case cond.Field.Type != flow.Integer, cond.Op == filter.Contains:
		return c.text(cond, path, wide)
	case cond.Op == filter.Equal, cond.Op == filter.In:
		values := make([]string, len(cond.Values))
		for i := range cond.Values {
			values[i] = strconv.FormatInt(cond.Values[i].Value.Int, 10)
		}
		return terms(path, values)
	default:
		return c.either(cond, wide, exists(path), none())
	}
}

// id compares with the _id, which has no column of values.
func (c *compiler) id(cond *filter.Cond, wide bool) object {
	if cond.Op != filter.Equal && cond.Op != filter.In {
		return c.either(cond, wide, all(), none())
	}
	ids := []string{}
	for i := range cond.Values {
		text := cond.Values[i].Value.Str
		if id, err := flow.ParseID(text); err == nil && !id.IsZero() && id.String() == text {
			ids = append(ids, text)
		}
	}
	return object{"ids": object{"values": ids}}
}

// maxPattern bounds a pattern in bytes, of which Elasticsearch makes an automaton.
const maxPattern = 512

var literally = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`)

func (c *compiler) text(cond *filter.Cond, path string, wide bool) object {
	switch cond.Op {
	case filter.Contains:
		text := cond.Values[0].Text
		switch {
		case text == "":
			return exists(path)
		case len(text) > maxPattern:
			return c.either(cond, wide, exists(path), none())
		}
		// Only letters of ASCII lose their case, as in the filter.
		return object{"wildcard": object{path: object{"value": "*" + literally.Replace(text) + "*", "case_insensitive": true}}}
	case filter.Equal, filter.In:
		values := make([]string, len(cond.Values))
		for i := range cond.Values {
			values[i] = cond.Values[i].Value.Str
		}
		return terms(path, values)
	default:
		return object{"range": object{path: object{bound(cond.Op): cond.Values[0].Value.Str}}}
	}
}

func bound(op filter.Op) string {
	switch op {
	case filter.Less:
		return "lt"
	case filter.LessOrEqual:
		return "lte"
	case filter.Greater:
		return "gt"
	default:
		return "gte"
	}
}

// addressText is for a list of addresses that is asked for by itself, as text.
func (c *compiler) addressText(cond *filter.Cond, path string, wide bool) object {
	if cond.Op != filter.Equal && cond.Op != filter.In {
		return c.either(cond, wide, exists(path), none())
	}
	var values []string
	for i := range cond.Values {
		text := cond.Values[i].Value.Str
		if addr, err := netip.ParseAddr(text); err == nil && addr.String() == text {
			values = append(values, text)
		}
	}
	return terms(path, values)
}

func (c *compiler) address(cond *filter.Cond, path string, wide bool) object {
	if cond.Op == filter.Contains {
		return c.either(cond, wide, exists(path), none())
	}
	var clauses []object
	var single []string
	for i := range cond.Values {
		if v := &cond.Values[i]; v.Prefix.IsValid() || cond.Op != filter.Equal && cond.Op != filter.In {
			for _, r := range addressRanges(cond.Op, v) {
				clauses = append(clauses, object{"range": object{path: object{"gte": r.first.String(), "lte": r.last.String()}}})
			}
		} else {
			single = append(single, v.Value.Addr.String())
		}
	}
	if len(single) > 0 {
		clauses = append(clauses, terms(path, single))
	}
	return or(clauses...)
}

func (c *compiler) integer(cond *filter.Cond, path string, most int64, wide bool) object {
	if cond.Op == filter.Contains {
		return c.either(cond, wide, exists(path), none())
	}
	first, last := -most, most
	switch n := cond.Values[0].Value.Int; {
	case cond.Op == filter.Equal || cond.Op == filter.In:
		var values []int64
		for i := range cond.Values {
			if n := cond.Values[i].Value.Int; n >= first && n <= last {
				values = append(values, n)
			}
		}
		return terms(path, values)
	case cond.Op == filter.Less && n <= first, cond.Op == filter.Greater && n >= last:
		return none()
	case cond.Op == filter.Less:
		last = min(last, n-1)
	case cond.Op == filter.LessOrEqual:
		last = min(last, n)
	case cond.Op == filter.Greater:
		first = max(first, n+1)
	case cond.Op == filter.GreaterOrEqual:
		first = max(first, n)
	}
	if first > last {
		return none()
	}
	return object{"range": object{path: object{"gte": first, "lte": last}}}
}

// largest is the largest number that a field of a mapping type holds.
func largest(mapping string) int64 {
	switch mapping {
	case "integer":
		return math.MaxInt32
	case "short":
		return math.MaxInt16
	default:
		return math.MaxInt64
	}
}

// time compares times, none of which is before 1970.
func (c *compiler) time(cond *filter.Cond, path string, wide bool) object {
	if cond.Op == filter.Contains {
		return c.either(cond, wide, exists(path), none())
	}
	var clauses []object
	for i := range cond.Values {
		n := cond.Values[i].Value.Int
		limits := object{}
		switch {
		case n < 0 && (cond.Op == filter.Greater || cond.Op == filter.GreaterOrEqual):
			return exists(path)
		case n < 0:
			continue
		case cond.Op == filter.Equal || cond.Op == filter.In:
			limits["gte"], limits["lte"] = timeText(n), timeText(n)
		default:
			limits[bound(cond.Op)] = timeText(n)
		}
		clauses = append(clauses, object{"range": object{path: limits}})
	}
	return or(clauses...)
}

// boolean tries both values.
func boolean(cond *filter.Cond, path string) object {
	positive := *cond
	positive.Negate, positive.List = false, nil
	var values []bool
	for i, v := range []bool{false, true} {
		var f flow.Flow
		if cond.Field.Set(&f, flow.Value{Type: flow.Boolean, Int: int64(i)}) == nil && positive.Match(&f) {
			values = append(values, v)
		}
	}
	return terms(path, values)
}
