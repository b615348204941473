package api

import (
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// timestamp is nanoseconds since the Unix epoch that print as RFC 3339 with
// milliseconds, in UTC.
type timestamp int64

const timestampLayout = "2006-01-02T15:04:05.000Z"

func (t timestamp) append(buf []byte) []byte {
	return time.Unix(0, int64(t)).UTC().AppendFormat(buf, timestampLayout)
}

// MarshalJSON implements json.Marshaler.
func (t timestamp) MarshalJSON() ([]byte, error) {
	buf := append(make([]byte, 0, len(timestampLayout)+2), '"')
	return append(t.append(buf), '"'), nil
}

// appendFlow appends f as a JSON object of its present attributes.
func appendFlow(buf []byte, f *flow.Flow) []byte {
	buf = append(buf, '{')
	first := true
	fields := flow.Flows.Fields()
	for i := range fields {
		if v := fields[i].Get(f); v.Present() {
			buf = appendMember(buf, &first, fields[i].Name, v)
		}
	}
	return append(buf, '}')
}

// appendKey appends the key of a group; attributes that its records lack are
// left out.
func appendKey(buf []byte, by []*flow.Field[flow.Flow], key []flow.Value) []byte {
	buf = append(buf, '{')
	first := true
	for i, v := range key {
		if v.Present() {
			buf = appendMember(buf, &first, by[i].Name, v)
		}
	}
	return append(buf, '}')
}

// appendMember appends one member of an object. Attribute names need no escaping.
func appendMember(buf []byte, first *bool, name string, v flow.Value) []byte {
	if !*first {
		buf = append(buf, ',')
	}
	*first = false
	buf = append(buf, '"')
	buf = append(buf, name...)
	buf = append(buf, '"', ':')
	return appendValue(buf, v)
}

// appendValue appends v as JSON: integers as numbers, times in RFC 3339, null
// where there is nothing.
func appendValue(buf []byte, v flow.Value) []byte {
	switch v.Type {
	case flow.Keyword:
		return appendString(buf, v.Str)
	case flow.Address:
		buf = append(buf, '"')
		buf = v.Addr.AppendTo(buf)
		return append(buf, '"')
	case flow.Integer:
		return strconv.AppendInt(buf, v.Int, 10)
	case flow.Boolean:
		return strconv.AppendBool(buf, v.Int != 0)
	case flow.Time:
		buf = append(buf, '"')
		buf = timestamp(v.Int).append(buf)
		return append(buf, '"')
	case flow.Keywords:
		buf = append(buf, '[')
		for i, s := range v.List {
			if i > 0 {
				buf = append(buf, ',')
			}
			buf = appendString(buf, s)
		}
		return append(buf, ']')
	case flow.Map:
		buf = append(buf, '{')
		separator := ""
		for key, value := range v.Map.All() {
			buf = append(buf, separator...)
			buf = appendString(buf, key)
			buf = append(buf, ':')
			buf = appendString(buf, value)
			separator = ","
		}
		return append(buf, '}')
	default:
		return append(buf, "null"...)
	}
}

// appendString appends s as a JSON string. Bytes that are not UTF-8 become the
// replacement character; < and > are escaped, so that a page which embeds an
// answer cannot be broken out of.
func appendString(buf []byte, s string) []byte {
	const hex = "0123456789abcdef"
	buf = append(buf, '"')
	plain := 0 // start of the bytes that are copied as they are
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' && c != '<' && c != '>' {
				i++
				continue
			}
			buf = append(buf, s[plain:i]...)
			if c == '"' || c == '\\' {
				buf = append(buf, '\\', c)
			} else {
				buf = append(buf, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
			i++
			plain = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			buf = append(buf, s[plain:i]...)
			buf = append(buf, "\ufffd"...)
			plain = i + size
		}
		i += size
	}
	buf = append(buf, s[plain:]...)
	return append(buf, '"')
}
