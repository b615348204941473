package savedobject

import (
	"fmt"
	"slices"
)

// Op is how a Metric makes one number of many documents.
type Op string

// The operations. Unique counts the values that there are, about.
const (
	Sum        Op = "sum"
	Max        Op = "max"
	Unique     Op = "unique_count"
	Percentile Op = "percentile"
)

// Metric is a number. How it is shown follows from the data view.
type Metric struct {
	Label string
	Op    Op
	Field Field
	// Percent is that of a Percentile.
	Percent int
	// Filter has the metric look at some of the documents only.
	Filter Query
	// Color is that of its series, as #rrggbb; "" lets Kibana choose.
	Color string
}

// Terms groups by the values of a field, those with most of the first metric before others.
type Terms struct {
	Label string
	Field Field
	// Size is how many values there are at most.
	Size int
	// Other has the rest in a group of its own.
	Other bool
}

// column is one of a Lens layer.
type column struct {
	id string
	object
}

func (m *Metric) column(id string) column {
	c := object{
		"label": m.Label, "customLabel": true, "dataType": "number", "isBucketed": false, "scale": "ratio",
		"operationType": string(m.Op), "sourceField": m.Field.Name,
	}
	switch m.Op {
	case Sum, Unique:
		c["params"] = object{"emptyAsNull": false}
	case Percentile:
		c["params"] = object{"percentile": m.Percent}
	case Max:
		c["params"] = object{}
	}
	if m.Filter != "" {
		c["filter"] = m.Filter.object()
	}
	return column{id, c}
}

// sortable metrics are those that Elasticsearch can order groups by as Lens asks it.
func (m *Metric) sortable() bool { return m.Filter == "" && m.Op != Percentile }

func (t *Terms) column(id, by string) column {
	return column{id, object{
		"label": t.Label, "customLabel": true, "dataType": t.Field.dataType(), "isBucketed": true, "scale": "ordinal",
		"operationType": "terms", "sourceField": t.Field.Name,
		"params": object{
			"size": t.Size, "orderBy": object{"type": "column", "columnId": by}, "orderDirection": "desc",
			"otherBucket": t.Other, "missingBucket": false, "parentFormat": object{"id": "terms"},
			"include": []any{}, "exclude": []any{}, "includeIsRegex": false, "excludeIsRegex": false,
		},
	}}
}

func overTime(id string) column {
	return column{id, object{
		"label": Timestamp.Name, "dataType": Timestamp.dataType(), "isBucketed": true, "scale": "interval",
		"operationType": "date_histogram", "sourceField": Timestamp.Name,
		"params": object{"interval": "auto", "includeEmptyRows": true, "dropPartials": false},
	}}
}

// layer is one of Lens: what it asks Elasticsearch for.
type layer struct {
	groups, metrics []string
	columns         []column
}

// newLayer puts the time, if it is asked for, after the first group.
func newLayer(time bool, groups []Terms, metrics []Metric) layer {
	var l layer
	for i := range metrics {
		l.metrics = append(l.metrics, fmt.Sprintf("metric-%d", i+1))
	}
	by := slices.IndexFunc(metrics, func(m Metric) bool { return m.sortable() })
	if by < 0 && len(groups) > 0 {
		panic(fmt.Sprintf("nothing orders the groups of %q: give a metric without filter that is no percentile", groups[0].Label))
	}
	for i := range groups {
		l.groups = append(l.groups, fmt.Sprintf("group-%d", i+1))
		l.columns = append(l.columns, groups[i].column(l.groups[i], l.metrics[by]))
	}
	if time {
		l.columns = append(l.columns, overTime("time"))
	}
	for i := range metrics {
		l.columns = append(l.columns, metrics[i].column(l.metrics[i]))
	}
	return l
}

func (l *layer) object() object {
	columns, order := object{}, make([]string, len(l.columns))
	for i, c := range l.columns {
		columns[c.id], order[i] = c.object, c.id
	}
	return object{"columns": columns, "columnOrder": order, "incompleteColumns": object{}, "sampling": 1, "ignoreGlobalFilters": false}
}
