package api

import (
	"context"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

const (
	defaultFlows = 100
	maxFlows     = 1000
)

// flows answers with one page of records.
func (h *Handler) flows(ctx context.Context, p params) ([]byte, error) {
	q, err := p.flowsQuery(defaultFlows, maxFlows)
	if err != nil {
		return nil, err
	}
	page, err := h.store.Flows(ctx, q)
	if err != nil {
		return nil, err
	}
	buf := make([]byte, 0, 64+len(page.Flows)*1024)
	buf = append(buf, `{"flows":[`...)
	for i := range page.Flows {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = appendFlow(buf, &page.Flows[i])
	}
	buf = append(buf, ']')
	if !page.Next.IsZero() {
		buf = append(buf, `,"next":`...)
		buf = appendString(buf, string(page.Next))
	}
	return append(buf, '}'), nil
}

func (p params) flowsQuery(missing, most int) (flowstore.FlowsQuery, error) {
	selection, err := p.selection()
	if err != nil {
		return flowstore.FlowsQuery{}, err
	}
	limit, err := p.number("limit", missing, most)
	if err != nil {
		return flowstore.FlowsQuery{}, err
	}
	after, err := p.cursor("cursor")
	if err != nil {
		return flowstore.FlowsQuery{}, err
	}
	if order := p.text("order"); order != "" && order != "desc" {
		return flowstore.FlowsQuery{}, badParameter("order", "unknown order %q: records come newest first (desc)", order)
	}
	return flowstore.FlowsQuery{Selection: selection, Limit: limit, After: after}, nil
}
