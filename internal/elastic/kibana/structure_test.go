package kibana_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/kibana/kibanatest"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

// form is what Kibana 8.19 knows of a type: a key that it does not know, or a version above
// its own, makes the import fail.
var form = map[string]struct {
	version    string
	attributes []string
}{
	"index-pattern": {"8.0.0", []string{"title", "name", "timeFieldName", "fields", "fieldAttrs", "fieldFormatMap", "runtimeFieldMap", "sourceFilters", "typeMeta", "allowNoIndex"}},
	"search": {"8.0.0", []string{
		"title", "description", "columns", "sort", "grid", "hideChart", "isTextBasedQuery", "timeRestore", "kibanaSavedObjectMeta",
	}},
	"dashboard": {"10.2.0", []string{
		"title", "description", "version", "timeRestore", "timeFrom", "timeTo", "refreshInterval", "optionsJSON", "kibanaSavedObjectMeta", "controlGroupInput", "panelsJSON",
	}},
	"tag": {"8.0.0", []string{"name", "description", "color"}},
}

// read decodes the committed file of a mapping.
func read(t *testing.T, m schema.Mapping) []kibanatest.Object {
	t.Helper()
	text, err := os.ReadFile(deploy + m.String() + ".ndjson")
	require.NoError(t, err)
	return kibanatest.Read(t, text)
}

// each runs a test with the objects of each mapping.
func each(t *testing.T, test func(*testing.T, schema.Mapping, []kibanatest.Object)) {
	for _, m := range []schema.Mapping{schema.ECS, schema.OTel} {
		t.Run(m.String(), func(t *testing.T) { test(t, m, read(t, m)) })
	}
}

func TestObjectsHaveTheFormOfKibana(t *testing.T) {
	each(t, func(t *testing.T, _ schema.Mapping, objects []kibanatest.Object) {
		count := make(map[string]int)
		for _, o := range objects {
			count[o.Type]++
			want, known := form[o.Type]
			require.True(t, known, o.Type)
			assert.Equal(t, want.version, o.TypeMigrationVersion)
			assert.Equal(t, "8.8.0", o.CoreMigrationVersion)
			assert.False(t, o.Managed)
			for attribute := range o.Attributes {
				assert.Contains(t, want.attributes, attribute, o.ID)
			}
			assert.Len(t, o.Attributes, len(want.attributes), o.ID)
		}
		assert.Equal(t, map[string]int{"index-pattern": 2, "search": 5, "dashboard": 9, "tag": 1}, count)
	})
}

func TestIdsAreUniqueAndReferencesLeadToObjects(t *testing.T) {
	all := make(map[string]bool)
	each(t, func(t *testing.T, _ schema.Mapping, objects []kibanatest.Object) {
		types := make(map[string]string)
		for _, o := range objects {
			assert.False(t, all[o.ID], "%s is there twice", o.ID)
			all[o.ID], types[o.ID] = true, o.Type
		}
		for _, o := range objects {
			names := make(map[string]bool)
			for _, r := range o.References {
				assert.Equal(t, r.Type, types[r.ID], "%s refers to %s", o.ID, r.ID)
				assert.False(t, names[r.Name], "%s has two references %s", o.ID, r.Name)
				names[r.Name] = true
			}
		}
	})
}

// needed are the names of the references that a dashboard needs.
func needed(t *testing.T, d *kibanatest.Object) []string {
	t.Helper()
	var names []string
	for id, c := range d.Controls(t) {
		assert.Equal(t, id, c.ExplicitInput.ID)
		assert.Equal(t, "optionsListControl", c.Type)
		names = append(names, "controlGroup_"+id+":optionsListDataView")
	}
	for _, p := range d.Panels(t) {
		switch p.Type {
		case "lens":
			for _, r := range p.EmbeddableConfig.Attributes.References {
				names = append(names, p.PanelIndex+":"+r.Name)
			}
		case "links":
			for _, l := range p.EmbeddableConfig.Attributes.Links {
				assert.Equal(t, "dashboardLink", l.Type)
				names = append(names, p.PanelIndex+":"+l.DestinationRefName)
			}
		case "search":
			names = append(names, p.PanelIndex+":"+p.PanelRefName)
		default:
			t.Errorf("%s has a panel of type %s", d.ID, p.Type)
		}
		for _, e := range p.EmbeddableConfig.Enhancements.DynamicActions.Events {
			assert.Equal(t, []string{"FILTER_TRIGGER"}, e.Triggers)
			names = append(names, strings.Join([]string{p.PanelIndex, "drilldown", e.Action.FactoryID, e.EventID, "dashboardId"}, ":"))
		}
	}
	return names
}

func TestDashboardsReferToWhatTheyNeedAndNothingElse(t *testing.T) {
	each(t, func(t *testing.T, _ schema.Mapping, objects []kibanatest.Object) {
		for _, o := range objects {
			if o.Type != "dashboard" {
				continue
			}
			var have []string
			for _, r := range o.References {
				if !strings.HasPrefix(r.Name, "tag-ref-") {
					have = append(have, r.Name)
				}
			}
			assert.ElementsMatch(t, needed(t, &o), have, o.ID)
		}
	})
}

func TestPanelsFillRowsAndOverlapNowhere(t *testing.T) {
	const width = 48
	each(t, func(t *testing.T, _ schema.Mapping, objects []kibanatest.Object) {
		for _, o := range objects {
			if o.Type != "dashboard" {
				continue
			}
			taken := make(map[[2]int]string)
			bottom, ids := 0, make(map[string]bool)
			for _, p := range o.Panels(t) {
				g := p.GridData
				assert.Equal(t, p.PanelIndex, g.I)
				assert.False(t, ids[g.I], "%s: two panels %s", o.ID, g.I)
				ids[g.I], bottom = true, max(bottom, g.Y+g.H)
				for x := g.X; x < g.X+g.W; x++ {
					for y := g.Y; y < g.Y+g.H; y++ {
						assert.Less(t, x, width, "%s: %s", o.ID, p.PanelIndex)
						if other := taken[[2]int{x, y}]; other != "" {
							t.Fatalf("%s: %s is over %s", o.ID, p.PanelIndex, other)
						}
						taken[[2]int{x, y}] = p.PanelIndex
					}
				}
			}
			// Numbers that do not divide the row leave less than one of them.
			assert.GreaterOrEqual(t, len(taken), (width-3)*bottom, "%s has holes", o.ID)
		}
	})
}

// accessor finds the columns that a visualization names.
var accessor = regexp.MustCompile(`"((?:metric|group)-\d+|time)"`)

func TestChartsUseEachOfTheirColumns(t *testing.T) {
	each(t, func(t *testing.T, _ schema.Mapping, objects []kibanatest.Object) {
		for _, o := range objects {
			if o.Type != "dashboard" {
				continue
			}
			for _, p := range o.Panels(t) {
				if p.Type != "lens" {
					continue
				}
				id, layer := p.Layer(t)
				assert.Equal(t, "lens", p.EmbeddableConfig.Attributes.Type)
				assert.Equal(t, "indexpattern-datasource-layer-"+id, p.EmbeddableConfig.Attributes.References[0].Name)
				assert.Contains(t, []string{"lnsXY", "lnsMetric", "lnsDatatable", "lnsPie"}, p.EmbeddableConfig.Attributes.VisualizationType)
				assert.Len(t, layer.Columns, len(layer.ColumnOrder))
				used := make(map[string]bool)
				for _, m := range accessor.FindAllSubmatch(p.EmbeddableConfig.Attributes.State.Visualization, -1) {
					used[string(m[1])] = true
				}
				for i, name := range layer.ColumnOrder {
					c, ok := layer.Columns[name]
					require.True(t, ok, "%s: %s has no column %s", o.ID, p.PanelIndex, name)
					assert.True(t, used[name], "%s: %s does not show %s", o.ID, p.PanelIndex, name)
					assert.NotEmpty(t, c.Label, "%s: %s", o.ID, p.PanelIndex)
					if i > 0 && c.IsBucketed {
						assert.True(t, layer.Columns[layer.ColumnOrder[i-1]].IsBucketed, "%s: %s has a group after a number", o.ID, p.PanelIndex)
					}
					if by := c.Params.OrderBy.ColumnID; by != "" {
						assert.Contains(t, layer.Columns, by)
					}
				}
				assert.Len(t, used, len(layer.Columns), "%s: %s shows a column that there is not", o.ID, p.PanelIndex)
			}
		}
	})
}

// types are those of the fields of the flows and of the observers, by the names that people
// use.
func types(m schema.Mapping, c schema.Class) map[string]string {
	found := map[string]string{}
	for _, f := range m.FieldsOf(c) {
		switch {
		case f.Stored || f.Path == schema.ID:
		case m == schema.OTel && f.Attribute != nil:
			found[f.Attribute.Name] = f.Type
		default:
			found[f.Path] = f.Type
		}
	}
	return found
}

var (
	lensTypes = map[string]string{"keyword": "string", "ip": "ip", "boolean": "boolean", "date": "date", "date_nanos": "date", "long": "number", "integer": "number", "short": "number"}
	// queried finds the fields of a query.
	queried = regexp.MustCompile(`([\w.@]+) [:>]`)
)

func TestEveryFieldIsInTheTemplates(t *testing.T) {
	each(t, func(t *testing.T, m schema.Mapping, objects []kibanatest.Object) {
		var views [2]string
		for i, c := range []schema.Class{schema.Allowed, schema.Observer} {
			for _, o := range objects {
				if o.Type == "index-pattern" && strings.HasPrefix(o.Text(t, "title"), m.Stream(c, "*")) {
					views[i] = o.ID
				}
			}
		}
		of := map[string]map[string]string{views[0]: types(m, schema.Allowed), views[1]: types(m, schema.Observer)}
		checkQuery := func(view, query string) {
			for _, found := range queried.FindAllStringSubmatch(query, -1) {
				assert.Contains(t, of[view], found[1], query)
			}
		}
		for _, o := range objects {
			switch o.Type {
			case "index-pattern":
				for _, attribute := range []string{"fieldAttrs", "fieldFormatMap"} {
					var fields map[string]json.RawMessage
					o.Inner(t, attribute, &fields)
					require.NotEmpty(t, fields)
					for name := range fields {
						assert.Contains(t, of[o.ID], name)
					}
				}
			case "search":
				q, name := o.SearchSource(t)
				view := o.Refers(name)
				checkQuery(view, q.Query)
				var columns []string
				require.NoError(t, json.Unmarshal(o.Attributes["columns"], &columns))
				for _, column := range columns {
					assert.Contains(t, of[view], column)
				}
			case "dashboard":
				for id, c := range o.Controls(t) {
					assert.Contains(t, []string{"keyword", "ip", "boolean"}, of[o.Refers("controlGroup_"+id+":optionsListDataView")][c.ExplicitInput.FieldName])
				}
				for _, p := range o.Panels(t) {
					if p.Type != "lens" {
						continue
					}
					id, layer := p.Layer(t)
					view := o.Refers(p.PanelIndex + ":indexpattern-datasource-layer-" + id)
					checkQuery(view, p.EmbeddableConfig.Attributes.State.Query.Query)
					for _, c := range layer.Columns {
						if c.Filter != nil {
							checkQuery(view, c.Filter.Query)
						}
						typ, ok := of[view][c.SourceField]
						assert.True(t, ok, "%s: %s shows %s", o.ID, p.PanelIndex, c.SourceField)
						if c.OperationType != "unique_count" {
							assert.Equal(t, lensTypes[typ], c.DataType, "%s: %s shows %s", o.ID, p.PanelIndex, c.SourceField)
						}
					}
				}
			}
		}
	})
}

// TestPanelsOfFlowsCountOnceUnlessEachEndMeasuresItsOwn holds what dashboards rest on. What only
// the reporter measures may be of both ends.
func TestPanelsOfFlowsCountOnceUnlessEachEndMeasuresItsOwn(t *testing.T) {
	const once = `not ((flow.reporter : "destination") and (flow.peer.observed : "true"))`
	measured := []string{
		"flow.tcp.retransmits", "flow.tcp.lost", "flow.tcp.timeouts.unrecovered", "flow.tcp.rtt.mean", "flow.tcp.rtt.max",
		"flow.tcp.handshake.mean", "flow.tcp.window_limited", "flow.tcp.zero_window",
	}
	each(t, func(t *testing.T, m schema.Mapping, objects []kibanatest.Object) {
		checked := 0
		for _, o := range objects {
			if o.Type != "dashboard" {
				continue
			}
			for _, p := range o.Panels(t) {
				if p.Type != "lens" || !strings.HasSuffix(p.EmbeddableConfig.Attributes.References[0].ID, "-flows") {
					continue
				}
				checked++
				query := p.EmbeddableConfig.Attributes.State.Query.Query
				if query == once || strings.HasPrefix(query, "("+once+") and (") {
					continue
				}
				_, layer := p.Layer(t)
				for _, c := range layer.Columns {
					if !c.IsBucketed {
						assert.True(t, slices.Contains(measured, c.SourceField), "%s: %s adds up %s of both ends", o.ID, p.PanelIndex, c.SourceField)
					}
				}
			}
		}
		assert.Greater(t, checked, 50, m)
	})
}
