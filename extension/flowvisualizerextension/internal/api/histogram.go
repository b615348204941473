package api

import (
	"context"
	"encoding/json"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

const defaultBuckets = 120

// niceSteps are the widths that a person reads off an axis without thinking.
var niceSteps = [...]time.Duration{
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

// niceStep is the narrowest nice width of which at most buckets cover span
// nanoseconds, wherever the span begins; beyond the list it is whole days.
func niceStep(span int64, buckets int) int64 {
	// A span that begins within a bucket touches one bucket more than it fills.
	fill := int64(max(buckets-1, 1))
	for _, step := range niceSteps {
		if span <= int64(step)*fill {
			return int64(step)
		}
	}
	day := int64(24 * time.Hour)
	return ((span-1)/(day*fill) + 1) * day
}

// histogram adds records up over time. Every bucket is in the answer, so that
// a client need not guess where an empty one goes.
func (h *Handler) histogram(ctx context.Context, p params) ([]byte, error) {
	selection, err := p.selection()
	if err != nil {
		return nil, err
	}
	wanted, err := p.number("buckets", defaultBuckets, flowstore.MaxBuckets)
	if err != nil {
		return nil, err
	}
	asked := selection.Range
	step := niceStep(asked.To-asked.From, wanted)
	first, last := asked.From/step, (asked.To-1)/step
	found, err := h.store.Histogram(ctx, flowstore.HistogramQuery{Selection: selection, Step: step})
	if err != nil {
		return nil, err
	}
	body := histogramBody{
		From: timestamp(asked.From), To: timestamp(asked.To),
		StepMs:  step / int64(time.Millisecond),
		Buckets: make([]bucketBody, last-first+1),
	}
	for i := range body.Buckets {
		body.Buckets[i].Start = timestamp((first + int64(i)) * step)
	}
	for _, b := range found {
		i := b.Start/step - first
		if i < 0 || i >= int64(len(body.Buckets)) {
			continue
		}
		body.Buckets[i].Allow, body.Buckets[i].Deny = sumsOf(b.Allowed), sumsOf(b.Denied)
		body.Buckets[i].Lost = b.Lost
	}
	return json.Marshal(body)
}

func sumsOf(s flowstore.BucketSum) bucketSums {
	return bucketSums{Connections: s.Connections, Bytes: s.Bytes, Records: s.Records}
}
