//go:build linux

package elastictest_test

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/kibana/kibanatest"
)

// interval is what "auto" comes to for the time that the records cover.
const interval = "10s"

// aggregations is what Lens makes of a layer: a level for each group, each with the numbers,
// by which groups are ordered.
func aggregations(l *kibanatest.Layer) object {
	numbers := object{}
	var groups []string
	for _, id := range l.ColumnOrder {
		if c := l.Columns[id]; c.IsBucketed {
			groups = append(groups, id)
		} else {
			numbers[id] = number(&c)
		}
	}
	aggs := numbers
	for i := len(groups) - 1; i >= 0; i-- {
		c := l.Columns[groups[i]]
		level := group(&c)
		level["aggs"] = aggs
		aggs = object{groups[i]: level}
		for id, n := range numbers {
			aggs[id] = n
		}
	}
	return aggs
}

func group(c *kibanatest.Column) object {
	if c.OperationType == "date_histogram" {
		return object{"date_histogram": object{"field": c.SourceField, "fixed_interval": interval, "min_doc_count": 0}}
	}
	return object{"terms": object{"field": c.SourceField, "size": c.Params.Size, "order": object{c.Params.OrderBy.ColumnID: c.Params.OrderDirection}}}
}

func number(c *kibanatest.Column) object {
	field := object{"field": c.SourceField}
	var n object
	switch c.OperationType {
	case "sum", "max":
		n = object{c.OperationType: field}
	case "unique_count":
		n = object{"cardinality": field}
	case "percentile":
		field["percents"] = []int{c.Params.Percentile}
		n = object{"percentiles": field}
	default:
		panic(fmt.Sprintf("%s is nothing that the tests know", c.OperationType))
	}
	if c.Filter == nil {
		return n
	}
	return object{"filter": dsl(c.Filter.Query), "aggs": object{"of": n}}
}

// lines are the numbers of an answer: those of each combination of groups.
func lines(l *kibanatest.Layer, answer map[string]json.RawMessage) []map[string]float64 {
	for _, id := range l.ColumnOrder {
		text, ok := answer[id]
		if !ok || !l.Columns[id].IsBucketed {
			continue
		}
		var level struct {
			Buckets []map[string]json.RawMessage
		}
		mustDecode(text, &level)
		var all []map[string]float64
		for _, bucket := range level.Buckets {
			all = append(all, lines(l, bucket)...)
		}
		return all
	}
	line := make(map[string]float64)
	for _, id := range l.ColumnOrder {
		if c := l.Columns[id]; !c.IsBucketed {
			line[id] = value(&c, answer[id])
		}
	}
	return []map[string]float64{line}
}

// value is the number in the answer for a column, 0 where it is null.
func value(c *kibanatest.Column, text json.RawMessage) float64 {
	if c.Filter != nil {
		var filtered struct{ Of json.RawMessage }
		mustDecode(text, &filtered)
		text = filtered.Of
	}
	var found struct {
		Value  *float64
		Values map[string]*float64
	}
	mustDecode(text, &found)
	if c.OperationType == "percentile" {
		found.Value = found.Values[strconv.FormatFloat(float64(c.Params.Percentile), 'f', 1, 64)]
	}
	if found.Value == nil {
		return 0
	}
	return *found.Value
}

func mustDecode(text json.RawMessage, into any) {
	if err := json.Unmarshal(text, into); err != nil {
		panic(fmt.Sprintf("decode %s: %v", text, err))
	}
}
