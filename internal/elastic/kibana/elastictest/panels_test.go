//go:build linux

package elastictest_test

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/kibana/kibanatest"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/elasticsearch"
)

var shared elasticsearch.Shared

func TestMain(m *testing.M) { shared.Main(m) }

// TestWhatKibanaAsksForIsThere runs every query of the committed files.
func TestWhatKibanaAsksForIsThere(t *testing.T) {
	for _, m := range []schema.Mapping{schema.ECS, schema.OTel} {
		t.Run(m.String(), func(t *testing.T) {
			text, err := os.ReadFile("../../../../deploy/kibana/" + m.String() + ".ndjson")
			require.NoError(t, err)
			s := &site{data: store(t, shared.Get(t), m), objects: kibanatest.Read(t, text), fields: make(map[string]map[string]bool)}
			for i := range s.objects {
				switch o := &s.objects[i]; o.Type {
				case "search":
					t.Run(o.ID, func(t *testing.T) { s.session(t, o) })
				case "dashboard":
					t.Run(o.ID, func(t *testing.T) { s.dashboard(t, o) })
				}
			}
			t.Run("once", s.once)
			t.Run("totals", s.totals)
		})
	}
}

// site is the objects and what is stored.
type site struct {
	*data
	objects []kibanatest.Object
	// fields are those of a data view that can be grouped by, and searched.
	fields map[string]map[string]bool
}

// streams are those of a data view, in this test's namespace.
func (s *site) streams(t *testing.T, view string) string {
	t.Helper()
	for i := range s.objects {
		if o := &s.objects[i]; o.ID == view {
			return strings.ReplaceAll(o.Text(t, "title"), "-*", "-"+s.namespace)
		}
	}
	t.Fatalf("no data view %s", view)
	return ""
}

// usable asks the server whether fields can be grouped by and searched.
func (s *site) usable(t *testing.T, view string, names ...string) {
	t.Helper()
	if s.fields[view] == nil {
		var answer struct {
			Fields map[string]map[string]struct{ Searchable, Aggregatable bool }
		}
		require.NoError(t, s.Do(t.Context(), http.MethodGet, "/"+s.streams(t, view)+"/_field_caps?fields=*", nil, &answer))
		s.fields[view] = make(map[string]bool)
		for name, types := range answer.Fields {
			for _, caps := range types {
				s.fields[view][name] = len(types) == 1 && caps.Searchable && caps.Aggregatable
			}
		}
	}
	for _, name := range names {
		assert.True(t, s.fields[view][name], "%s cannot be used", name)
	}
}

func (s *site) search(t *testing.T, view string, body object, into any) {
	t.Helper()
	require.NoError(t, s.Do(t.Context(), http.MethodPost, "/"+s.streams(t, view)+"/_search", body, into))
}

// session finds documents, and a value for each of its columns.
func (s *site) session(t *testing.T, o *kibanatest.Object) {
	q, name := o.SearchSource(t)
	view := o.Refers(name)
	var columns []string
	require.NoError(t, json.Unmarshal(o.Attributes["columns"], &columns))
	s.usable(t, view, columns...)
	for _, column := range columns {
		var answer struct {
			Hits struct {
				Hits []struct {
					Fields map[string][]any
				}
			}
		}
		query := object{"bool": object{"filter": []object{dsl(q.Query), {"exists": object{"field": column}}}}}
		s.search(t, view, object{"size": 1, "query": query, "_source": false, "fields": []string{column}, "sort": []object{{"@timestamp": "desc"}}}, &answer)
		if assert.Len(t, answer.Hits.Hits, 1, column) {
			assert.NotEmpty(t, answer.Hits.Hits[0].Fields[column])
		}
	}
}

// dashboard asks for every panel and control.
func (s *site) dashboard(t *testing.T, o *kibanatest.Object) {
	for id, c := range o.Controls(t) {
		view := o.Refers("controlGroup_" + id + ":optionsListDataView")
		s.usable(t, view, c.ExplicitInput.FieldName)
		var answer struct {
			Aggregations struct{ Offered struct{ Buckets []any } }
		}
		s.search(t, view, object{"size": 0, "aggs": object{"offered": object{"terms": object{"field": c.ExplicitInput.FieldName}}}}, &answer)
		assert.NotEmpty(t, answer.Aggregations.Offered.Buckets, "control %s", id)
	}
	for _, p := range o.Panels(t) {
		if p.Type != "lens" {
			continue
		}
		_, layer := p.Layer(t)
		most := make(map[string]float64)
		found := s.ask(t, o, &p)
		for _, line := range found {
			for id, n := range line {
				most[id] = max(most[id], n)
			}
		}
		assert.NotEmpty(t, found, p.PanelIndex)
		for id, c := range layer.Columns {
			if !c.IsBucketed {
				assert.Positive(t, most[id], "%s has no %s", p.PanelIndex, c.Label)
			}
		}
	}
}

// ask makes a panel's request.
func (s *site) ask(t *testing.T, o *kibanatest.Object, p *kibanatest.Panel) []map[string]float64 {
	t.Helper()
	id, layer := p.Layer(t)
	view := o.Refers(p.PanelIndex + ":indexpattern-datasource-layer-" + id)
	for _, c := range layer.Columns {
		s.usable(t, view, c.SourceField)
	}
	var answer struct{ Aggregations map[string]json.RawMessage }
	s.search(t, view, object{"size": 0, "query": dsl(p.EmbeddableConfig.Attributes.State.Query.Query), "aggs": aggregations(&layer)}, &answer)
	return lines(&layer, answer.Aggregations)
}

// once compares what panels look at with the rule of package flow.
func (s *site) once(t *testing.T) {
	hidden := 0
	for i := range s.flows {
		if !s.flows[i].CountsOnce() {
			hidden++
		}
	}
	require.Positive(t, hidden)
	for i := range s.objects {
		if o := &s.objects[i]; strings.HasSuffix(o.ID, "search-flows") {
			q, name := o.SearchSource(t)
			var answer struct{ Count int }
			require.NoError(t, s.Do(t.Context(), http.MethodPost, "/"+s.streams(t, o.Refers(name))+"/_count", object{"query": dsl(q.Query)}, &answer))
			assert.Equal(t, len(s.flows)-hidden, answer.Count)
			return
		}
	}
	t.Error("no session shows all flows")
}

// totals compares the large numbers with what the records say.
func (s *site) totals(t *testing.T) {
	started := func(f *flow.Flow) uint64 { return f.Connections.Started }
	outside := func(e *flow.Endpoint) bool {
		return e.Type == flow.EndpointNetwork || e.Type == flow.EndpointNetworkSet
	}
	once := func(of func(*flow.Flow) uint64, which func(*flow.Flow) bool) float64 {
		sum := uint64(0)
		for i := range s.flows {
			if f := &s.flows[i]; f.CountsOnce() && which(f) {
				sum += of(f)
			}
		}
		return float64(sum)
	}
	every := func(*flow.Flow) bool { return true }
	retransmits := uint64(0)
	for i := range s.flows {
		if f := &s.flows[i]; f.Transport == flow.TransportTCP {
			retransmits += f.TCP.Retransmits
		}
	}
	want := map[string]map[string]float64{
		"overview": {
			"connections":          once(started, every),
			"sent-by-sources":      once(func(f *flow.Flow) uint64 { return f.Source.Bytes }, every),
			"sent-by-destinations": once(func(f *flow.Flow) uint64 { return f.Destination.Bytes }, every),
			"denied-attempts":      once(started, func(f *flow.Flow) bool { return f.Action == flow.Deny }),
		},
		"denied": {
			"denied-by-policy": once(started, func(f *flow.Flow) bool {
				return f.Action == flow.Deny && (f.Denial.Class == flow.PolicyDrop || f.Denial.Class == flow.Reject)
			}),
		},
		"policy": {
			"rejected": once(started, func(f *flow.Flow) bool { return f.Denial.Class == flow.Reject }),
		},
		"external": {
			"sent-outside":   once(func(f *flow.Flow) uint64 { return f.Source.Bytes }, func(f *flow.Flow) bool { return outside(&f.Destination) }),
			"connections-in": once(started, func(f *flow.Flow) bool { return outside(&f.Source) }),
		},
		"tcp": {
			"segments-sent-again": float64(retransmits),
			"resets":              once(func(f *flow.Flow) uint64 { return f.Connections.Reset }, func(f *flow.Flow) bool { return f.Transport == flow.TransportTCP }),
		},
		"dns": {
			"queries": once(func(f *flow.Flow) uint64 { return f.DNS.Queries }, every),
		},
		"capacity": {"lost": 3 * lostEach, "agents": 3},
	}
	for page, panels := range want {
		for i := range s.objects {
			o := &s.objects[i]
			if o.Type != "dashboard" || !strings.HasSuffix(o.ID, "-"+page) {
				continue
			}
			for _, p := range o.Panels(t) {
				if total, ok := panels[p.PanelIndex]; ok {
					assert.InEpsilon(t, total, s.ask(t, o, &p)[0]["metric-1"], 1e-9, "%s of %s", p.PanelIndex, o.ID)
					delete(panels, p.PanelIndex)
				}
			}
		}
		assert.Empty(t, panels, "panels of %s that there are not", page)
	}
}
