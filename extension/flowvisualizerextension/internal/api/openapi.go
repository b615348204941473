package api

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// openapiSource describes the API but for what the registry knows better.
//
//go:embed openapi.json
var openapiSource []byte

// openapi answers with the OpenAPI document of the API.
func (h *Handler) openapi(context.Context, params) ([]byte, error) { return openapiDocument() }

// openapiDocument puts the record's attributes into the document.
var openapiDocument = sync.OnceValues(func() ([]byte, error) {
	var document map[string]any
	if err := json.Unmarshal(openapiSource, &document); err != nil {
		return nil, fmt.Errorf("read the embedded OpenAPI document: %w", err)
	}
	components, _ := document["components"].(map[string]any)
	schemas, _ := components["schemas"].(map[string]any)
	properties := make(map[string]any)
	counters := make(map[string]any)
	var always, everyCounter []string
	fields := flow.Flows.Fields()
	for i := range fields {
		f := &fields[i]
		properties[f.Name] = schemaOf(f)
		if f.Absent == "" {
			always = append(always, f.Name)
		}
		if f.Role == flow.Counter {
			counters[f.Name] = map[string]any{"type": "integer", "minimum": 0, "description": f.Description}
			everyCounter = append(everyCounter, f.Name)
		}
	}
	schemas["Flow"] = map[string]any{
		"type": "object", "description": "One flow record; absent attributes are left out.",
		"properties": properties, "required": always, "additionalProperties": false,
	}
	schemas["Sums"] = map[string]any{
		"type": "object", "description": "Sums of the records' counters.",
		"properties": counters, "required": everyCounter, "additionalProperties": false,
	}
	return json.Marshal(document)
})

// schemaOf describes how a field's value is written.
func schemaOf(f *flow.Field[flow.Flow]) map[string]any {
	schema := map[string]any{"description": f.Description}
	switch f.Type {
	case flow.Integer:
		schema["type"], schema["format"] = "integer", "int64"
	case flow.Boolean:
		schema["type"] = "boolean"
	case flow.Time:
		schema["type"], schema["format"] = "string", "date-time"
	case flow.Keywords:
		items := map[string]any{"type": "string"}
		if len(f.Values) > 0 {
			items["enum"] = f.Values
		}
		schema["type"], schema["items"] = "array", items
		return schema
	case flow.Map:
		schema["type"], schema["additionalProperties"] = "object", map[string]any{"type": "string"}
	default:
		schema["type"] = "string"
	}
	if len(f.Values) > 0 {
		schema["enum"] = f.Values
	}
	return schema
}
