package savedobject_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/kibana/savedobject"
)

var (
	name  = savedobject.Field{Name: "name", Type: "keyword"}
	bytes = savedobject.Metric{Label: "Bytes", Op: savedobject.Sum, Field: savedobject.Field{Name: "bytes", Type: "long"}}
)

func panel(title string, width int, chart savedobject.Chart) savedobject.Panel {
	return savedobject.Panel{Title: title, Width: width, DataView: "view", Chart: chart}
}

func TestADashboardThatCannotBeIsRefused(t *testing.T) {
	some, most := bytes, bytes
	some.Filter = savedobject.Exists(name)
	most.Op, most.Percent = savedobject.Percentile, 95
	groups := []savedobject.Terms{{Label: "Name", Field: name, Size: 10}}
	for want, panels := range map[string][]savedobject.Panel{
		"two panels are called top-names":               {panel("Top names", 24, &savedobject.Number{Metric: bytes}), panel("top: names", 24, &savedobject.Number{Metric: bytes})},
		`panel "B" ends at 49, and the grid at 48`:      {panel("A", 24, &savedobject.Number{Metric: bytes}), panel("B", 25, &savedobject.Number{Metric: bytes})},
		`nothing orders the groups of "Name": give a m`: {panel("A", 48, &savedobject.Table{Groups: groups, Metrics: []savedobject.Metric{some, most}})},
	} {
		d := savedobject.Dashboard{ID: "d", Rows: []savedobject.Row{{Height: 10, Panels: panels}}}
		func() {
			defer func() { assert.Contains(t, recover(), want) }()
			d.Object()
		}()
	}
}

func TestQueriesQuoteAndBracket(t *testing.T) {
	q := savedobject.All(
		savedobject.Not(savedobject.Is(name, `a "b"`)), "",
		savedobject.Any(savedobject.Is(name, "c", "d"), savedobject.More(bytes.Field, 5)),
	)
	assert.Equal(t, savedobject.Query(`(not (name : "a \"b\"")) and ((name : ("c" or "d")) or (bytes > 5))`), q)
	assert.Empty(t, savedobject.All("", ""))
}
