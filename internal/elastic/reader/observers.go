package reader

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

// maxLosses bounds the losses of one answer.
const maxLosses = 100_000

// event finds the documents of one kind of record.
func (r *Reader) event(name string) object {
	path, ok := r.eventField(name)
	if !ok {
		return none()
	}
	return term(path, name)
}

// eventField is the field that holds the name of an observer's event.
func (r *Reader) eventField(name string) (path string, ok bool) {
	for _, c := range r.options.Mapping.Constants(schema.Observer, name, "") {
		if c.Values[0] == name {
			return c.Path, true
		}
	}
	return "", false
}

// observerPath is where an attribute of what observers tell of themselves is.
func (r *Reader) observerPath(event, attribute string) string {
	for _, f := range r.options.Mapping.Fields(event) {
		if f.Attribute != nil && f.Attribute.Name == attribute {
			return f.Path
		}
	}
	return ""
}

// Losses implements flowstore.Reader.
func (r *Reader) Losses(ctx context.Context, in flowstore.Range) ([]flow.Loss, error) {
	if in.To <= 0 {
		return nil, ctx.Err()
	}
	query := and(
		r.event(flow.EventLoss),
		object{"range": object{r.observerPath(flow.EventLoss, "flow.end"): object{"gte": timeText(max(in.From, 0))}}},
		object{"range": object{r.observerPath(flow.EventLoss, "flow.start"): object{"lt": timeText(in.To)}}},
	)
	var losses []flow.Loss
	err := r.inView(ctx, r.observers, func(v *view) error {
		complete, err := v.scan(ctx, query, maxLosses, func(h *hit) {
			losses = append(losses, flow.Loss{})
			decode(r, r.lossDecoder, h, &losses[len(losses)-1])
		})
		if err == nil && !complete {
			err = fmt.Errorf("%w: there are more than %d losses: use a shorter time range", flowstore.ErrQuery, maxLosses)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(losses, func(a, b flow.Loss) int {
		return cmp.Or(cmp.Compare(b.End, a.End), cmp.Compare(a.ID.Node, b.ID.Node), cmp.Compare(a.ID.Epoch, b.ID.Epoch), cmp.Compare(a.ID.Counter, b.ID.Counter))
	})
	return losses, nil
}
