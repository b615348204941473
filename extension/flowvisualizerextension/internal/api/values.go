package api

import (
	"context"
	"strconv"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

const (
	defaultValues = 20
	maxValues     = 1000
)

// values lists what a field holds, for completion while a person types.
func (h *Handler) values(ctx context.Context, p params) ([]byte, error) {
	selection, err := p.selection()
	if err != nil {
		return nil, err
	}
	name := p.text("field")
	if name == "" {
		return nil, badParameter("field", "the parameter field is missing: name the field whose values to list")
	}
	field, err := dimension("field", name)
	if err != nil {
		return nil, err
	}
	limit, err := p.number("limit", defaultValues, maxValues)
	if err != nil {
		return nil, err
	}
	found, err := h.store.Values(ctx, flowstore.ValuesQuery{
		Selection: selection, Field: field, Prefix: p.text("prefix"), Limit: limit,
	})
	if err != nil {
		return nil, err
	}
	buf := append(make([]byte, 0, 64+len(found)*48), `{"field":`...)
	buf = appendString(buf, field.Name)
	buf = append(buf, `,"values":[`...)
	for i, v := range found {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = append(buf, `{"value":`...)
		buf = appendValue(buf, v.Value)
		buf = append(buf, `,"records":`...)
		buf = strconv.AppendUint(buf, v.Records, 10)
		buf = append(buf, '}')
	}
	return append(buf, "]}"...), nil
}
