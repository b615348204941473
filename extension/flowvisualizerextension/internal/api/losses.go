package api

import (
	"context"
	"encoding/json"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// maxLosses bounds the list, never the totals.
const maxLosses = 1000

// losses lists what is known to be missing, newest first.
func (h *Handler) losses(ctx context.Context, p params) ([]byte, error) {
	r, err := p.timeRange()
	if err != nil {
		return nil, err
	}
	found, err := h.store.Losses(ctx, r)
	if err != nil {
		return nil, err
	}
	body := lossesBody{Losses: make([]lossBody, 0, min(len(found), maxLosses)), Truncated: len(found) > maxLosses}
	for i := range found {
		l := &found[i]
		switch l.Unit {
		case flow.UnitConnections:
			body.Total.Connections += l.Count
		case flow.UnitRecords:
			body.Total.Records += l.Count
		case flow.UnitPackets:
			body.Total.Packets += l.Count
		}
		if i < maxLosses {
			body.Losses = append(body.Losses, lossOf(l))
		}
	}
	return json.Marshal(body)
}

func lossOf(l *flow.Loss) lossBody {
	return lossBody{
		Host: l.Observer.Host.String(), Start: timestamp(l.Start), End: timestamp(l.End),
		Stage: l.Stage, Unit: l.Unit, Count: l.Count,
	}
}
