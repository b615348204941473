package api

import (
	"net/http"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

func TestOpenAPIDocumentIsValidAndComplete(t *testing.T) {
	require.NoError(t, described.Validate(t.Context()))
	h := newHandler(t, nil)
	served := make(map[string]bool)
	for _, route := range h.routes() {
		served[route.path] = true
		assert.NotNil(t, described.Paths.Find(route.path), "%s is served and not described", route.path)
	}
	for path := range described.Paths.Map() {
		assert.True(t, served[path], "%s is described and not served", path)
	}
	answer := read[object](t, ask(t, h, basePath+"/openapi.json"), http.StatusOK)
	assert.Equal(t, "3.0.3", answer["openapi"])
}

func TestOpenAPIDescribesEveryAttribute(t *testing.T) {
	schema := described.Components.Schemas["Flow"].Value
	for _, f := range flow.Flows.Fields() {
		property := schema.Properties[f.Name]
		require.NotNil(t, property, f.Name)
		assert.Equal(t, f.Description, property.Value.Description)
	}
	assert.Len(t, schema.Properties, len(flow.Flows.Fields()))
}

func TestOpenAPILimitsAreTheServers(t *testing.T) {
	for path, limits := range map[string]map[string][2]int{
		"/flows":        {"limit": {defaultFlows, maxFlows}},
		"/flows.csv":    {"limit": {defaultExport, maxExport}},
		"/flows.ndjson": {"limit": {defaultExport, maxExport}},
		"/groups":       {"limit": {defaultGroups, maxGroups}},
		"/values":       {"limit": {defaultValues, maxValues}},
		"/histogram":    {"buckets": {defaultBuckets, 5000}},
	} {
		for name, want := range limits {
			parameter := described.Paths.Find(path).Get.Parameters.GetByInAndName(openapi3.ParameterInQuery, name)
			require.NotNil(t, parameter, "%s %s", path, name)
			schema := parameter.Schema.Value
			assert.EqualValues(t, want[0], schema.Default, "%s %s default", path, name)
			assert.EqualValues(t, want[1], *schema.Max, "%s %s maximum", path, name)
		}
	}
}
