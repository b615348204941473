// Package kibanatest reads saved objects as Kibana's import does, for tests of what was
// written, and stands in for a Kibana that takes them. It shares no code with what writes
// them.
package kibanatest

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// Object is a line of the file.
type Object struct {
	ID, Type                                   string
	CoreMigrationVersion, TypeMigrationVersion string
	Managed                                    bool
	Attributes                                 map[string]json.RawMessage
	References                                 []Reference
}

// Reference is one of an object's.
type Reference struct{ ID, Name, Type string }

// Query is what a panel, a session or a column looks at.
type Query struct{ Query, Language string }

// Panel is one of a dashboard.
type Panel struct {
	Type, Title, PanelIndex, PanelRefName string
	GridData                              struct {
		I          string
		X, Y, W, H int
	}
	EmbeddableConfig struct {
		Attributes struct {
			Title, Type, VisualizationType string
			References                     []Reference
			State                          State
			Links                          []struct {
				ID, Type, DestinationRefName string
				Order                        int
			}
		}
		Enhancements struct {
			DynamicActions struct {
				Events []struct {
					EventID  string
					Triggers []string
					Action   struct{ FactoryID, Name string }
				}
			}
		}
	}
}

// State is what Lens keeps of a chart.
type State struct {
	Query            Query
	Visualization    json.RawMessage
	DatasourceStates struct {
		FormBased struct{ Layers map[string]Layer }
	}
}

// Layer is what a chart asks Elasticsearch for.
type Layer struct {
	ColumnOrder []string
	Columns     map[string]Column
}

// Column is a group or a number.
type Column struct {
	Label, DataType, OperationType, SourceField, Scale string
	IsBucketed                                         bool
	Filter                                             *Query
	Params                                             struct {
		Size, Percentile int
		OrderBy          struct{ Type, ColumnID string }
		OrderDirection   string
	}
}

// Control is one of a dashboard.
type Control struct {
	Type          string
	ExplicitInput struct{ ID, FieldName, Title string }
}

// Read decodes a file.
func Read(tb testing.TB, text []byte) []Object {
	tb.Helper()
	var objects []Object
	for line := range bytes.Lines(text) {
		var o Object
		require.NoError(tb, json.Unmarshal(line, &o))
		objects = append(objects, o)
	}
	return objects
}

// Text is an attribute that is a text.
func (o *Object) Text(tb testing.TB, attribute string) string {
	tb.Helper()
	var text string
	require.NoError(tb, json.Unmarshal(o.Attributes[attribute], &text), "%s of %s", attribute, o.ID)
	return text
}

// Inner decodes an attribute that is a text of JSON.
func (o *Object) Inner(tb testing.TB, attribute string, into any) {
	tb.Helper()
	require.NoError(tb, json.Unmarshal([]byte(o.Text(tb, attribute)), into), "%s of %s", attribute, o.ID)
}

// Panels are those of a dashboard.
func (o *Object) Panels(tb testing.TB) []Panel {
	tb.Helper()
	var panels []Panel
	o.Inner(tb, "panelsJSON", &panels)
	return panels
}

// Controls are those of a dashboard, by their ids.
func (o *Object) Controls(tb testing.TB) map[string]Control {
	tb.Helper()
	var group struct{ PanelsJSON string }
	require.NoError(tb, json.Unmarshal(o.Attributes["controlGroupInput"], &group))
	var controls map[string]Control
	require.NoError(tb, json.Unmarshal([]byte(group.PanelsJSON), &controls))
	return controls
}

// SearchSource is the query of a Discover session or a dashboard.
func (o *Object) SearchSource(tb testing.TB) (q Query, indexRefName string) {
	tb.Helper()
	var meta struct{ SearchSourceJSON string }
	require.NoError(tb, json.Unmarshal(o.Attributes["kibanaSavedObjectMeta"], &meta))
	var source struct {
		Query        Query
		IndexRefName string
	}
	require.NoError(tb, json.Unmarshal([]byte(meta.SearchSourceJSON), &source))
	return source.Query, source.IndexRefName
}

// Refers returns the id that a reference of the object names, "" if it has none of that name.
func (o *Object) Refers(name string) string {
	for _, r := range o.References {
		if r.Name == name {
			return r.ID
		}
	}
	return ""
}

// Layer is the only one of a Lens panel, and LayerID its name.
func (p *Panel) Layer(tb testing.TB) (id string, layer Layer) {
	tb.Helper()
	layers := p.EmbeddableConfig.Attributes.State.DatasourceStates.FormBased.Layers
	require.Len(tb, layers, 1, p.Title)
	for id, layer = range layers {
	}
	return id, layer
}
