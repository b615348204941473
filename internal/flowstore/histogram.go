package flowstore

import (
	"fmt"
	"math"
)

// Buckets returns the empty buckets that answer the query, or ErrQuery when the
// step or the range asks for too many. A range without time has none.
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
	return buckets, nil
}

// floor is the largest multiple of step that is not above n.
func floor(n, step int64) int64 {
	rest := n % step
	if rest < 0 {
		rest += step
	}
	return n - rest
}
