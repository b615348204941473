package reader

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/request"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

// Stats implements flowstore.Reader. They are of what the caller sees; how many bytes that
// takes is only for those who hold the privilege monitor, and 0 for others.
func (r *Reader) Stats(ctx context.Context) (flowstore.Stats, error) {
	stats := flowstore.Stats{Kind: "elasticsearch", Location: r.options.Location}
	newest, records, err := r.extreme(ctx, "desc")
	if err != nil {
		return flowstore.Stats{}, err
	}
	oldest, _, err := r.extreme(ctx, "asc")
	if err != nil {
		return flowstore.Stats{}, err
	}
	stats.Records, stats.Newest, stats.Oldest = records, newest, oldest
	stats.Bytes, err = r.bytes(ctx)
	return stats, err
}

// extreme is the first end in an order, and how many records there are. The timestamp, which
// is the end to the millisecond, has an index that leads there; of the ends themselves each
// would be looked at.
func (r *Reader) extreme(ctx context.Context, order string) (end int64, records uint64, err error) {
	found, err := r.search(ctx, r.flows, object{
		"size": 1, "_source": false, "track_total_hits": true,
		"sort": []object{{"@timestamp": order}, {r.path("flow.end"): object{"order": order, "format": "strict_date_optional_time_nanos"}}},
	})
	if err != nil || len(found.Hits.Hits) == 0 {
		return 0, 0, err
	}
	var at time.Time
	if sort := found.Hits.Hits[0].Sort; len(sort) != 2 || json.Unmarshal(sort[1], &at) != nil {
		return 0, found.Hits.Total.Value, nil // a document without an end
	}
	return at.UnixNano(), found.Hits.Total.Value, nil
}

func (r *Reader) bytes(ctx context.Context) (uint64, error) {
	var stats struct {
		All struct {
			Total struct {
				Store struct {
					Size uint64 `json:"size_in_bytes"`
				} `json:"store"`
			} `json:"total"`
		} `json:"_all"`
	}
	err := r.do(ctx, request.Request{
		Method: http.MethodGet, Path: "/" + r.flows + "," + r.observers + "/_stats/store", Query: "filter_path=_all.total.store.size_in_bytes&ignore_unavailable=true",
		What: "ask for the size of indices",
	}, &stats)
	if errors.Is(err, flowstore.ErrForbidden) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("size of the data streams: %w", err)
	}
	return stats.All.Total.Store.Size, nil
}
