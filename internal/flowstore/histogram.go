package flowstore

import (
	"fmt"
	"math"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// Buckets returns the empty buckets that answer the query, or ErrQuery when the
// step or the range asks for too many. A range without time has none.
//
// It widens the query's range to them.
func (q *HistogramQuery) Buckets() ([]Bucket, error) {
	if q.Step < 1 {
		return nil, fmt.Errorf("%w: the step is %d ns: use 1 or more", ErrQuery, q.Step)
	}
	if q.Range.From >= q.Range.To {
		return nil, nil
	}
	first, last := floor(q.Range.From, q.Step), floor(q.Range.To-1, q.Step)
	if last-first < 0 || (last-first)/q.Step >= MaxBuckets || last > math.MaxInt64-q.Step || first > q.Range.From {
		return nil, fmt.Errorf("%w: the range needs more than %d buckets of %d ns: use a longer step or a shorter range",
			ErrQuery, MaxBuckets, q.Step)
	}
	buckets := make([]Bucket, (last-first)/q.Step+1)
	for i := range buckets {
		buckets[i].Start = first + int64(i)*q.Step
	}
	q.Range = Range{From: first, To: last + q.Step}
	return buckets, nil
}

// AddFlow adds a record, which ends within them, to the query's buckets.
func (q *HistogramQuery) AddFlow(buckets []Bucket, f *flow.Flow) {
	b := &buckets[(f.End-buckets[0].Start)/q.Step]
	sum, connections := &b.Allowed, f.Connections.Started
	if f.Action == flow.Deny {
		sum, connections = &b.Denied, f.Connections.Seen
	}
	sum.Records++
	sum.Connections += connections
	sum.Bytes += f.Source.Bytes + f.Destination.Bytes
}

// floor is the largest multiple of step that is not above n.
func floor(n, step int64) int64 {
	rest := n % step
	if rest < 0 {
		rest += step
	}
	return n - rest
}
