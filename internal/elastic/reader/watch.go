package reader

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

const (
	// defaultPoll is how often a watch asks for what is new.
	defaultPoll = time.Second
	// maxPause is how long a watch waits at most after errors.
	maxPause = 30 * time.Second
	// maxIndices bounds the backing indices that a watch looks at.
	maxIndices = 10_000
)

// Watch implements flowstore.Watcher. It asks for new documents as long as ctx lasts, as who
// asks; what they then may not see any more ends it.
func (r *Reader) Watch(ctx context.Context) <-chan flowstore.Event {
	events := make(chan flowstore.Event)
	r.mu.Lock()
	if r.transport == nil {
		r.mu.Unlock()
		close(events)
		return events
	}
	w := &watch{reader: r, events: events, preference: fmt.Sprintf("watch-%p", events)}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(r.closing, cancel)
	started := make(chan struct{})
	r.watchers.Go(func() {
		defer close(events)
		defer cancel()
		defer stop()
		w.run(ctx, started)
	})
	r.mu.Unlock()
	<-started // so that what is stored from now on is new
	return events
}

// watch is one watcher. Its documents are told from those before by the numbers that each
// shard gives them in order: no clock and no field of theirs is needed.
type watch struct {
	reader *Reader
	events chan flowstore.Event
	// preference has every search of the watch go to the same copies of shards, of which
	// some have documents later than others.
	preference string
	// positions are by the number of the shard, and by index; nil is that of an index in which
	// nothing is new any more.
	positions []map[string]*position
}

// run tells of what is new until ctx ends. It closes started when the first answer, or the
// first error, says what was there before.
func (w *watch) run(ctx context.Context, started chan struct{}) {
	pause := w.reader.options.Poll
	ready := false
	for {
		var err error
		if !ready {
			err = w.begin(ctx)
			ready = err == nil
		} else {
			err = w.poll(ctx)
		}
		if started != nil {
			close(started)
			started = nil
		}
		switch {
		case err == nil:
			pause = w.reader.options.Poll
		case ctx.Err() != nil:
			return
		case errors.Is(err, flowstore.ErrUnauthenticated), errors.Is(err, flowstore.ErrForbidden), errors.Is(err, flowstore.ErrClosed):
			w.reader.options.Logger.Debug("a live view ends", zap.Error(err))
			return
		default:
			w.reader.options.Logger.Debug("a live view waits", zap.Error(err))
			pause = min(2*pause, maxPause)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// perIndex is the aggregation that says how far the documents of a search go.
var perIndex = object{"indices": object{
	"terms": object{"field": "_index", "size": maxIndices},
	"aggs":  object{"last": object{"max": object{"field": "_seq_no"}}},
}}

// begin notes what is there: of the indices that nothing is written to any more only that they
// are, and of the others the last number in each shard. Documents are not looked at: a watch
// begins as fast after a year as after a minute.
func (w *watch) begin(ctx context.Context) error {
	w.positions = nil
	written, finished, err := w.indices(ctx)
	if err != nil {
		return err
	}
	for shard := 0; len(written) > 0; shard++ {
		positions := make(map[string]*position)
		for _, index := range finished {
			positions[index] = nil
		}
		for _, index := range written {
			found, err := w.search(ctx, shard, object{
				"size": 1, "_source": false, "track_total_hits": false, "query": term("_index", index), "sort": []object{{"_seq_no": "desc"}},
			})
			if err != nil || found.Shards.Total == 0 {
				return err
			}
			for _, h := range found.Hits.Hits {
				var last int64
				if len(h.Sort) != 1 || json.Unmarshal(h.Sort[0], &last) != nil {
					return fmt.Errorf("%w: %s is sorted by %s", errAnswer, h.ID, h.Sort)
				}
				positions[index] = &position{floor: last, last: last, recent: make(map[int64]bool)}
			}
		}
		w.positions = append(w.positions, positions)
	}
	return nil
}

// indices are the indices that have documents: those that may be written to, and the others.
func (w *watch) indices(ctx context.Context) (written, finished []string, err error) {
	r := w.reader
	found, err := r.search(ctx, r.flows+","+r.observers, object{
		"size": 0, "track_total_hits": false, "aggs": object{"indices": object{"terms": object{"field": "_index", "size": maxIndices}}},
	})
	if err != nil {
		return nil, nil, err
	}
	indices, err := lasts(found)
	if err != nil {
		return nil, nil, err
	}
	written, finished = generations(slices.Sorted(maps.Keys(indices)))
	return written, finished, nil
}

// search asks one shard of each index; there are none from some number on.
func (w *watch) search(ctx context.Context, shard int, body object) (*answer, error) {
	r := w.reader
	return r.search(ctx, r.flows+","+r.observers, body, preference(fmt.Sprintf("_shards:%d|%s", shard, w.preference)))
}

// lasts are the last sequence numbers of an answer, by index.
func lasts(found *answer) (map[string]int64, error) {
	var indices struct {
		Buckets []struct {
			Key  string
			Last metric
		}
	}
	raw, ok := found.Aggregations["indices"]
	if !ok {
		return nil, nil
	}
	if err := json.Unmarshal(raw, &indices); err != nil {
		return nil, fmt.Errorf("%w: %w", errAnswer, err)
	}
	last := make(map[string]int64, len(indices.Buckets))
	for _, b := range indices.Buckets {
		last[b.Key] = b.Last.whole()
	}
	return last, nil
}

// poll tells of what is new, also when it could not ask for all.
func (w *watch) poll(ctx context.Context) error {
	event := flowstore.Event{Batch: &flow.Batch{}}
	failed := w.gather(ctx, &event)
	if event.Batch.Len() > 0 || event.Missed > 0 {
		select {
		case w.events <- event:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return failed
}

// gather adds what is new to event, and moves the positions.
func (w *watch) gather(ctx context.Context, event *flowstore.Event) error {
	for shard := 0; ; shard++ {
		if shard == len(w.positions) {
			w.positions = append(w.positions, make(map[string]*position))
		}
		found, err := w.search(ctx, shard, object{
			"size": maxHits, "query": w.news(w.positions[shard]), "track_total_hits": true, "sort": []object{{"@timestamp": "desc"}},
			"seq_no_primary_term": true, "docvalue_fields": []string{w.reader.eventPath()}, "aggs": perIndex,
		})
		if err != nil {
			return err
		}
		if found.Shards.Total == 0 {
			w.positions = w.positions[:shard]
			return nil
		}
		if err := w.take(found, w.positions[shard], event); err != nil {
			return err
		}
	}
}

// eventPath is the field that tells losses and signs of life from flows.
func (r *Reader) eventPath() string {
	path, _ := r.eventField(flow.EventLoss)
	return path
}

// add puts the record of a document into batch.
func (r *Reader) add(batch *flow.Batch, h *hit) {
	var event string
	for _, values := range h.Fields {
		if len(values) == 1 {
			_ = json.Unmarshal(values[0], &event) // another type is another field
		}
	}
	switch event {
	case flow.EventLoss:
		batch.Losses = append(batch.Losses, flow.Loss{})
		decode(r, r.lossDecoder, h, &batch.Losses[len(batch.Losses)-1])
	case flow.EventAgent:
		batch.Agents = append(batch.Agents, flow.Agent{})
		decode(r, r.agentDecoder, h, &batch.Agents[len(batch.Agents)-1])
	default:
		batch.Flows = append(batch.Flows, flow.Flow{})
		decode(r, r.flowDecoder, h, &batch.Flows[len(batch.Flows)-1])
	}
}
