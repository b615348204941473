package reader

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

// Histogram implements flowstore.Reader.
func (r *Reader) Histogram(ctx context.Context, q flowstore.HistogramQuery) ([]flowstore.Bucket, error) {
	buckets, err := q.Buckets()
	if err != nil || len(buckets) == 0 {
		return nil, err
	}
	if q.Step%int64(time.Millisecond) != 0 {
		return nil, fmt.Errorf("%w: the step is %s: Elasticsearch counts in milliseconds, use a whole number of them", flowstore.ErrQuery, time.Duration(q.Step))
	}
	selected := r.compile(&q.Selection)
	if selected.inexact != "" {
		err = r.examine(ctx, &q.Selection, selected, "", func(f *flow.Flow) { q.AddFlow(buckets, f) })
	} else {
		err = r.count(ctx, &q, selected.query, buckets)
	}
	if err != nil {
		return nil, err
	}
	return buckets, r.lost(ctx, &q, buckets)
}

// overTime is one bucket of a date_histogram.
type overTime struct {
	Key int64 // milliseconds
	By  struct{ Buckets map[string]counted }
	// Lost is of losses.
	Lost metric
}

// counted is the share of one verdict.
type counted struct {
	Records                    uint64 `json:"doc_count"`
	Seen, Started, Sent, Reply metric
}

func (r *Reader) count(ctx context.Context, q *flowstore.HistogramQuery, query object, buckets []flowstore.Bucket) error {
	sum := func(attribute string) object { return object{"sum": object{"field": r.path(attribute)}} }
	denied := term(r.path("flow.action"), flow.Deny.String())
	found, err := r.overTime(ctx, q.Step, r.flows, r.path("flow.end"), query, object{"by": object{
		"filters": object{"filters": object{"denied": denied, "allowed": not(denied)}},
		"aggs": object{
			"seen": sum("flow.connections.seen"), "started": sum("flow.connections.started"),
			"sent": sum("source.bytes"), "reply": sum("destination.bytes"),
		},
	}})
	if err != nil {
		return err
	}
	for i := range found {
		b := bucketOf(q, buckets, &found[i])
		if b == nil {
			continue
		}
		b.Allowed = found[i].By.Buckets["allowed"].sum(func(c *counted) metric { return c.Started })
		b.Denied = found[i].By.Buckets["denied"].sum(func(c *counted) metric { return c.Seen })
	}
	return nil
}

func (c counted) sum(connections func(*counted) metric) flowstore.BucketSum {
	return flowstore.BucketSum{
		Records: c.Records, Connections: uint64(connections(&c).whole()), Bytes: uint64(c.Sent.whole()) + uint64(c.Reply.whole()),
	}
}

// lost adds what was lost.
func (r *Reader) lost(ctx context.Context, q *flowstore.HistogramQuery, buckets []flowstore.Bucket) error {
	query := and(r.event(flow.EventLoss), r.ended(q.Range))
	found, err := r.overTime(ctx, q.Step, r.observers, r.path("flow.end"), query, object{
		"lost": object{"sum": object{"field": r.observerPath(flow.EventLoss, "flow.loss.count")}},
	})
	if err != nil {
		return err
	}
	for i := range found {
		if b := bucketOf(q, buckets, &found[i]); b != nil {
			b.Lost = uint64(found[i].Lost.whole())
		}
	}
	return nil
}

// overTime asks for a date_histogram of target.
func (r *Reader) overTime(ctx context.Context, step int64, target, path string, query, aggregations object) ([]overTime, error) {
	found, err := r.search(ctx, target, object{
		"size": 0, "query": query, "track_total_hits": false,
		"aggs": object{"time": object{
			"date_histogram": object{"field": path, "fixed_interval": strconv.FormatInt(step/int64(time.Millisecond), 10) + "ms", "min_doc_count": 1},
			"aggs":           aggregations,
		}},
	})
	if err != nil {
		return nil, err
	}
	var histogram struct{ Buckets []overTime }
	if raw, ok := found.Aggregations["time"]; ok { // not where there are no indices
		if err := json.Unmarshal(raw, &histogram); err != nil {
			return nil, fmt.Errorf("%w: %w", errAnswer, err)
		}
	}
	return histogram.Buckets, nil
}

// bucketOf is where an answer belongs; nil is nowhere.
func bucketOf(q *flowstore.HistogramQuery, buckets []flowstore.Bucket, at *overTime) *flowstore.Bucket {
	i := (at.Key*int64(time.Millisecond) - buckets[0].Start) / q.Step
	if i < 0 || i >= int64(len(buckets)) {
		return nil
	}
	return &buckets[i]
}
