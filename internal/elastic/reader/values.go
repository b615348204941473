package reader

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

const (
	// maxValues bounds the values of a field, which are all in memory until the most
	// frequent are known.
	maxValues = 200_000
	// valuePage is how many values come with one search.
	valuePage = 10_000
)

// Values implements flowstore.Reader. It counts all values, for Elasticsearch's own list of
// the most frequent is a guess where there are several shards.
func (r *Reader) Values(ctx context.Context, q flowstore.ValuesQuery) ([]flowstore.ValueCount, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	tally := flowstore.NewValueTally(&q)
	selected := r.compile(&q.Selection)
	if selected.inexact != "" {
		if err := r.examine(ctx, &q.Selection, selected, "", tally.Add); err != nil {
			return nil, err
		}
		return tally.Values(), nil
	}
	query, seen := selected.query, 0
	if q.Field.Type == flow.Keyword && q.Prefix != "" {
		query = and(query, object{"prefix": object{r.path(q.Field.Name): object{"value": q.Prefix, "case_insensitive": true}}})
	}
	err := r.composite(ctx, query, []*flow.Field[flow.Flow]{q.Field}, valuePage, nil, func(b bucket) error {
		key := b.key()["0"]
		if isList(q.Field) && string(key) == "null" {
			return nil
		}
		v, err := keyValue(q.Field, key)
		if err != nil {
			return err
		}
		var records uint64
		if err := json.Unmarshal(b["doc_count"], &records); err != nil {
			return fmt.Errorf("%w: %w", errAnswer, err)
		}
		if seen++; seen > maxValues {
			return fmt.Errorf("%w: %s has more than %d values: use a shorter time range, or a filter", flowstore.ErrQuery, q.Field.Name, maxValues)
		}
		tally.AddValue(v, records)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return tally.Values(), nil
}
