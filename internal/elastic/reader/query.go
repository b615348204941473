package reader

import (
	"fmt"
	"math"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/filter"
)

// selection is what a Selection means to Elasticsearch.
type selection struct {
	query object
	// inexact is a condition that Elasticsearch cannot tell, or "" where query finds exactly
	// what was asked for. It then finds more, of which Selection.Includes takes its share.
	inexact string
}

// compile writes the query of a selection.
func (r *Reader) compile(s *flowstore.Selection) selection {
	c := compiler{reader: r}
	clauses := []object{r.ended(s.Range)}
	reporter := r.path("flow.reporter")
	switch s.View {
	case flowstore.AllReports:
	case flowstore.SourceReports:
		clauses = append(clauses, term(reporter, "source"))
	case flowstore.DestinationReports:
		clauses = append(clauses, term(reporter, "destination"))
	case flowstore.ForwardReports:
		clauses = append(clauses, term(reporter, "forward"))
	default: // Once
		clauses = append(clauses, not(and(term(reporter, "destination"), term(r.path("flow.peer.observed"), true))))
	}
	if s.Filter != nil {
		clauses = append(clauses, c.expr(s.Filter, true))
	}
	return selection{and(clauses...), c.inexact}
}

// ended finds the records whose end lies in a range. The exact end has no index, the
// timestamp has: it is the same to the millisecond.
func (r *Reader) ended(in flowstore.Range) object {
	from := max(in.From, 0)
	if in.To <= from {
		return none()
	}
	timestamp := object{"format": "epoch_millis"}
	if from > 0 {
		timestamp["gte"] = from / int64(time.Millisecond)
	}
	if in.To < math.MaxInt64 {
		timestamp["lte"] = in.To / int64(time.Millisecond)
	}
	exact := object{"range": object{r.path("flow.end"): object{"gte": timeText(from), "lt": timeText(in.To)}}}
	if len(timestamp) == 1 {
		return exact
	}
	return and(object{"range": object{"@timestamp": timestamp}}, exact)
}

// since finds the records whose timestamp is in a field, and not before a time; a time before
// 1970 is no condition.
func (r *Reader) since(path string, since int64) object {
	if since <= 0 {
		return all()
	}
	return and(
		object{"range": object{"@timestamp": object{"format": "epoch_millis", "gte": since / int64(time.Millisecond)}}},
		object{"range": object{path: object{"gte": timeText(since)}}},
	)
}

// timeText is a time as documents have it, with all of its digits: Elasticsearch rounds
// upper limits up by those that are missing.
func timeText(ns int64) string {
	return time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05.000000000Z")
}

// compiler writes queries for the records that an expression matches. Where Elasticsearch
// cannot tell, the query finds these and others (wide), or some of them and no others, and
// the compiler remembers that. What is below an odd number of negations is narrow where the
// whole is wide.
type compiler struct {
	reader  *Reader
	inexact string
}

func (c *compiler) expr(e filter.Expr, wide bool) object {
	switch e := e.(type) {
	case filter.And:
		return and(c.all(e, wide)...)
	case filter.Or:
		return or(c.all(e, wide)...)
	case filter.Not:
		return not(c.expr(e.Expr, !wide))
	case *filter.Cond:
		if e.Negate {
			return not(c.holds(e, !wide))
		}
		return c.holds(e, wide)
	default:
		panic(fmt.Sprintf("filter expression of type %T", e))
	}
}

func (c *compiler) all(parts []filter.Expr, wide bool) []object {
	clauses := make([]object, len(parts))
	for i, part := range parts {
		clauses[i] = c.expr(part, wide)
	}
	return clauses
}

// either is a query for what Elasticsearch cannot tell: the wide one finds all that cond
// holds for, the narrow one nothing else.
func (c *compiler) either(cond *filter.Cond, wide bool, wideQuery, narrowQuery object) object {
	if c.inexact == "" {
		c.inexact = cond.String()
	}
	if wide {
		return wideQuery
	}
	return narrowQuery
}

func all() object  { return object{"match_all": object{}} }
func none() object { return object{"match_none": object{}} }

func exists(path string) object { return object{"exists": object{"field": path}} }

func term(path string, value any) object { return object{"term": object{path: value}} }

func terms[V any](path string, values []V) object {
	if len(values) == 0 {
		return none()
	}
	return object{"terms": object{path: values}}
}

func and(clauses ...object) object {
	if len(clauses) == 1 {
		return clauses[0]
	}
	return object{"bool": object{"filter": clauses}}
}

func or(clauses ...object) object {
	switch len(clauses) {
	case 0:
		return none()
	case 1:
		return clauses[0]
	default:
		return object{"bool": object{"should": clauses, "minimum_should_match": 1}}
	}
}

func not(clause object) object { return object{"bool": object{"must_not": []object{clause}}} }
