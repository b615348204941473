package api

import (
	"encoding/csv"
	"io"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/memstore"
)

// TestMergedRecords asks for one that stands for three and lists their addresses.
func TestMergedRecords(t *testing.T) {
	store := &memstore.Store{}
	merged := flow.Flow{
		ID: flow.ID{Node: 1, Counter: 1}, End: ago(time.Second), Destination: flow.Endpoint{Port: 443},
		Aggregation: &flow.Aggregation{Level: flow.LevelWorkloads, Records: 3},
	}
	list := flow.Flows.Lookup("source.addresses")
	require.NoError(t, list.Set(&merged, flow.Value{Type: flow.Keywords, List: []string{"10.0.0.7", "10.0.0.8"}}))
	require.NoError(t, flow.Flows.Lookup("source.address_count").Set(&merged, flow.Value{Type: flow.Integer, Int: 3}))
	require.NoError(t, store.Write(t.Context(), &flow.Batch{Flows: []flow.Flow{merged}}))
	h := newHandler(t, store)

	record := object{"source.addresses": []any{"10.0.0.7", "10.0.0.8"}, "source.address_count": 3.0, "flow.aggregation.level": "2", "flow.aggregation.records": 3.0}
	page := read[object](t, ask(t, h, basePath+"/flows?q="+url.QueryEscape("source.address = 10.0.0.8/31")), http.StatusOK)
	require.Len(t, page["flows"], 1)
	got := page["flows"].([]any)[0].(object)
	for name, want := range record {
		assert.Equal(t, want, got[name], name)
	}
	assert.NotContains(t, got, "source.address")
	page = read[object](t, ask(t, h, basePath+"/flows?q="+url.QueryEscape("source.address != 10.0.0.7")), http.StatusOK)
	assert.Empty(t, page["flows"])

	groups := read[object](t, ask(t, h, basePath+"/groups?by=source.address"), http.StatusOK)["groups"].([]any)
	require.Len(t, groups, 1)
	assert.Equal(t, object{}, groups[0].(object)["key"], "several have none of their own")
	assert.Equal(t, 3.0, groups[0].(object)["sums"].(object)["flow.aggregation.records"])

	rows, err := csv.NewReader(ask(t, h, basePath+"/flows.csv").Body).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 2)
	assert.Equal(t, "10.0.0.7,10.0.0.8", rows[1][slices.Index(rows[0], "source.addresses")])
	ndjson, err := io.ReadAll(ask(t, h, basePath+"/flows.ndjson").Body)
	require.NoError(t, err)
	assert.Contains(t, string(ndjson), `"source.addresses":["10.0.0.7","10.0.0.8"]`)
}
