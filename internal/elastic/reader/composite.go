package reader

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// bucket is one of a composite aggregation: its key, its count, and its aggregations.
type bucket map[string]json.RawMessage

// key has a part for each field, by its number.
func (b bucket) key() map[string]json.RawMessage {
	var parts map[string]json.RawMessage
	_ = json.Unmarshal(b["key"], &parts) // a missing part says the same
	return parts
}

// composite calls each with every combination of the values of some fields, an absent value
// among them.
func (r *Reader) composite(ctx context.Context, query object, by []*flow.Field[flow.Flow], page int, aggregations object, each func(bucket) error) error {
	sources := make([]object, len(by))
	for i, f := range by {
		sources[i] = object{strconv.Itoa(i): object{"terms": object{"field": r.path(f.Name), "missing_bucket": true}}}
	}
	return r.buckets(ctx, r.flows, query, sources, page, aggregations, each)
}

// buckets pages through a composite aggregation of target.
func (r *Reader) buckets(ctx context.Context, target string, query object, sources []object, page int, aggregations object, each func(bucket) error) error {
	return r.inView(ctx, target, func(v *view) error {
		composite := object{"size": page, "sources": sources}
		for {
			by := object{"composite": composite}
			if aggregations != nil {
				by["aggs"] = aggregations
			}
			found, err := v.search(ctx, object{"size": 0, "query": query, "track_total_hits": false, "aggs": object{"by": by}})
			if err != nil {
				return err
			}
			var groups struct {
				After   json.RawMessage `json:"after_key"`
				Buckets []bucket
			}
			if raw, ok := found.Aggregations["by"]; ok { // not where there are no indices
				if err := json.Unmarshal(raw, &groups); err != nil {
					return fmt.Errorf("%w: %w", errAnswer, err)
				}
			}
			for _, b := range groups.Buckets {
				if err := each(b); err != nil {
					return err
				}
			}
			if len(groups.Buckets) < page {
				return nil
			}
			composite["after"] = groups.After
		}
	})
}

// keyValue reads one part of a key. An attribute that records always have is zero where a
// document has none.
func keyValue(f *flow.Field[flow.Flow], raw json.RawMessage) (flow.Value, error) {
	v := flow.Value{Type: f.Type}
	if string(raw) == "null" || len(raw) == 0 {
		if f.Absent != "" {
			return flow.Value{}, nil
		}
		return v, nil
	}
	var err error
	switch f.Type {
	case flow.Address:
		err = json.Unmarshal(raw, &v.Addr)
		v.Addr = v.Addr.Unmap()
	case flow.Integer:
		err = json.Unmarshal(raw, &v.Int)
	case flow.Boolean:
		var is bool
		if err = json.Unmarshal(raw, &is); is {
			v.Int = 1
		}
	default:
		v.Type = flow.Keyword // of a list one
		err = json.Unmarshal(raw, &v.Str)
	}
	if err != nil {
		return flow.Value{}, fmt.Errorf("%w: a value of %s: %w", errAnswer, f.Name, err)
	}
	return v, nil
}
