package savedobject

import (
	"strconv"
	"strings"
)

// Field is one of the documents, by its name and its type in the mapping.
type Field struct{ Name, Type string }

// Timestamp is the time of every document.
var Timestamp = Field{Name: "@timestamp", Type: "date"}

// dataType is what Lens calls the type.
func (f Field) dataType() string {
	switch f.Type {
	case "keyword", "text":
		return "string"
	case "ip", "boolean":
		return f.Type
	case "date", "date_nanos":
		return "date"
	default:
		return "number"
	}
}

// Query is one in the Kibana Query Language; "" finds everything.
type Query string

// Is finds the documents whose field has one of the values.
func Is(f Field, values ...string) Query {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = strconv.Quote(v)
	}
	if len(quoted) == 1 {
		return Query(f.Name + " : " + quoted[0])
	}
	return Query(f.Name + " : (" + strings.Join(quoted, " or ") + ")")
}

// Exists finds the documents that have the field.
func Exists(f Field) Query { return Query(f.Name + " : *") }

// More finds the documents whose field is more than n.
func More(f Field, n int) Query { return Query(f.Name + " > " + strconv.Itoa(n)) }

// Not finds what q does not.
func Not(q Query) Query { return "not (" + q + ")" }

// Any finds what one of the queries does.
func Any(queries ...Query) Query { return join(queries, " or ") }

// All finds what all of the queries do. Empty ones are left out.
func All(queries ...Query) Query { return join(queries, " and ") }

func join(queries []Query, by string) Query {
	var parts []string
	for _, q := range queries {
		if q != "" {
			parts = append(parts, string(q))
		}
	}
	if len(parts) < 2 {
		return Query(strings.Join(parts, ""))
	}
	return Query("(" + strings.Join(parts, ")"+by+"(") + ")")
}

func (q Query) object() object { return object{"query": string(q), "language": "kuery"} }
