package api

import (
	"context"
	"encoding/json"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// fields lists the attributes of a flow record.
func (h *Handler) fields(context.Context, params) ([]byte, error) {
	all := flow.Flows.Fields()
	body := fieldsBody{Fields: make([]fieldBody, len(all))}
	for i := range all {
		f := &all[i]
		unit := f.Unit
		if f.Type == flow.Time {
			unit = "" // on the wire a time is a date, not a count
		}
		body.Fields[i] = fieldBody{
			Name: f.Name, Type: f.Type.String(), Unit: unit, Description: f.Description,
			Role: f.Role.String(), Groupable: groupable(f), Values: f.Values,
		}
	}
	return json.Marshal(body)
}
