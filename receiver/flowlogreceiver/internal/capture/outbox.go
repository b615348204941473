//go:build linux

package capture

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

const (
	// chunkRecords is how many records the pipeline gets at once: some 4 MB.
	chunkRecords = 2048
	// maxChunks bounds the calls that wait, for those that carry few records.
	maxChunks = 1024
)

// outbox hands records to the pipeline from a goroutine of its own. What the
// pipeline refuses for now is kept and tried again with the next interval; past
// the limit the oldest records go, and are counted.
type outbox struct {
	consume func(context.Context, plog.Logs) error
	limit   int // flow records to keep
	now     func() time.Time

	wake chan struct{}
	done chan struct{}

	mu      sync.Mutex
	chunks  []flow.Batch
	waiting int // flow records in chunks
	sent    uint64
	dropped uint64 // flow records
	// returned holds losses whose records were dropped, to be reported again.
	returned []flow.Loss
	lastErr  error
	closing  bool
}

func newOutbox(consume func(context.Context, plog.Logs) error, limit int, now func() time.Time) *outbox {
	return &outbox{consume: consume, limit: limit, now: now, wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// put takes over batch. It never blocks on the pipeline.
func (o *outbox) put(batch flow.Batch) {
	o.mu.Lock()
	for len(batch.Flows) > chunkRecords {
		o.chunks = append(o.chunks, flow.Batch{Flows: batch.Flows[:chunkRecords:chunkRecords]})
		o.waiting += chunkRecords
		batch.Flows = batch.Flows[chunkRecords:]
	}
	if batch.Len() > 0 {
		o.chunks = append(o.chunks, batch)
		o.waiting += len(batch.Flows)
	}
	for (o.waiting > o.limit || len(o.chunks) > maxChunks) && len(o.chunks) > 1 {
		oldest := o.chunks[0]
		o.chunks[0] = flow.Batch{}
		o.chunks = o.chunks[1:]
		o.drop(&oldest)
	}
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// drop counts c, which is no longer in chunks, as lost. Call with mu held.
func (o *outbox) drop(c *flow.Batch) {
	o.waiting -= len(c.Flows)
	o.dropped += uint64(len(c.Flows))
	o.returned = append(o.returned, c.Losses...)
}

// run delivers until close, and then everything that is left, once.
func (o *outbox) run(ctx context.Context) {
	defer close(o.done)
	for {
		<-o.wake
		last := o.isClosing()
		for o.deliverOne(ctx, last) {
		}
		if last {
			return
		}
	}
}

func (o *outbox) isClosing() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.closing
}

// deliverOne sends the oldest chunk and reports whether to go on at once.
func (o *outbox) deliverOne(ctx context.Context, last bool) bool {
	o.mu.Lock()
	if len(o.chunks) == 0 {
		o.mu.Unlock()
		return false
	}
	c := o.chunks[0]
	o.chunks[0] = flow.Batch{}
	o.chunks = o.chunks[1:]
	o.mu.Unlock()

	err := o.consume(ctx, flow.Encode(&c, o.now()))

	o.mu.Lock()
	defer o.mu.Unlock()
	o.lastErr = err
	if err == nil {
		o.waiting -= len(c.Flows)
		o.sent += uint64(len(c.Flows))
		return true
	}
	var partial consumererror.Logs
	if errors.As(err, &partial) {
		// The pipeline took the others.
		rest, _ := flow.Decode(partial.Data())
		taken := len(c.Flows) - len(rest.Flows)
		o.waiting -= taken
		o.sent += uint64(taken)
		c = rest
	}
	if last || consumererror.IsPermanent(err) {
		o.drop(&c)
		return true
	}
	o.chunks = append([]flow.Batch{c}, o.chunks...)
	return false
}

// outboxState is a snapshot of the outbox.
type outboxState struct {
	sent, dropped uint64
	waiting       int
	lastErr       error
}

func (o *outbox) state() outboxState {
	o.mu.Lock()
	defer o.mu.Unlock()
	return outboxState{sent: o.sent, dropped: o.dropped, waiting: o.waiting, lastErr: o.lastErr}
}

// takeReturned returns the losses that were not delivered; the caller reports
// them again.
func (o *outbox) takeReturned() []flow.Loss {
	o.mu.Lock()
	defer o.mu.Unlock()
	returned := o.returned
	o.returned = nil
	return returned
}

// close makes run deliver what is left and return. run's context limits how
// long that takes.
func (o *outbox) close() {
	o.mu.Lock()
	o.closing = true
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
	<-o.done
}
