//go:build linux

package capture

import (
	"context"
	"errors"
	"slices"
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
	// maxFolded bounds the folded records of an interval that tell of their reporter's
	// end: more than the workloads of a node, each with some ports.
	maxFolded = 4096
)

// outbox hands records to the pipeline from a goroutine of its own. What the
// pipeline refuses for now is kept and tried again with the next interval. Past
// the limit the oldest records are folded: detail goes, totals stay. Only what the
// pipeline refuses for good is lost, and counted.
type outbox struct {
	consume   func(context.Context, plog.Logs) error
	limit     int // flow records to keep
	maxFolded int
	now       func() time.Time

	wake chan struct{}
	done chan struct{}

	mu     sync.Mutex
	chunks []flow.Batch
	// offered is set when the pipeline refused the first chunk. It may yet have
	// taken it, so it goes there again under the same ids and is never folded.
	offered bool
	folding *table // what was folded since the last interval's end
	waiting int    // flow records in chunks
	sent    uint64
	dropped uint64 // flow records
	folded  uint64 // flow records that became part of others
	// returned holds losses whose records were dropped, to be reported again.
	returned []flow.Loss
	lastErr  error
	closing  bool
}

func newOutbox(consume func(context.Context, plog.Logs) error, limit int, now func() time.Time) *outbox {
	return &outbox{
		consume: consume, limit: limit, maxFolded: min(maxFolded, limit/2), now: now, folding: newTable(false),
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
}

// put takes over batch. It never blocks on the pipeline. A batch with a sign of life
// ends an interval.
func (o *outbox) put(batch flow.Batch) {
	o.mu.Lock()
	o.append(batch)
	o.makeRoom()
	if len(batch.Agents) > 0 {
		o.append(flow.Batch{Flows: o.folding.take()})
	}
	o.mu.Unlock()
	o.rouse()
}

// rouse has run look at what there is, now or once it has done so.
func (o *outbox) rouse() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// append puts batch at the end, cut into chunks. Call with mu held.
func (o *outbox) append(batch flow.Batch) {
	o.waiting += len(batch.Flows)
	for len(batch.Flows) > chunkRecords {
		o.chunks = append(o.chunks, flow.Batch{Flows: batch.Flows[:chunkRecords:chunkRecords]})
		batch.Flows = batch.Flows[chunkRecords:]
	}
	if batch.Len() > 0 {
		o.chunks = append(o.chunks, batch)
	}
}

// makeRoom folds the oldest chunks until the limit holds, but never the newest. Call
// with mu held.
func (o *outbox) makeRoom() {
	first := 0
	if o.offered {
		first = 1
	}
	n := first
	for ; (o.waiting > o.limit || len(o.chunks)-(n-first) > maxChunks) && n < len(o.chunks)-1; n++ {
		o.fold(&o.chunks[n])
	}
	o.chunks = slices.Delete(o.chunks, first, n)
}

// fold adds the records of c, which leaves chunks, to few. Call with mu held.
func (o *outbox) fold(c *flow.Batch) {
	for i := range c.Flows {
		f := &c.Flows[i]
		if f.Folded == 0 {
			o.folded++
		}
		f.Fold(flow.OwnEnd)
		if o.folding.len() >= o.maxFolded && !o.folding.holds(f) {
			f.Fold(flow.NoEnd)
		}
		o.folding.add(f)
	}
	o.forget(c)
}

// drop counts c, which is no longer in chunks, as lost. Call with mu held.
func (o *outbox) drop(c *flow.Batch) {
	o.dropped += uint64(len(c.Flows))
	o.forget(c)
}

// forget lets go of c, which is not sent as it is. A sign of life is out of date by now;
// a loss is told anew. Call with mu held.
func (o *outbox) forget(c *flow.Batch) {
	o.waiting -= len(c.Flows)
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
	o.offered = false
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
	o.chunks = slices.Insert(o.chunks, 0, c)
	o.offered = true
	return false
}

// outboxState is a snapshot of the outbox.
type outboxState struct {
	sent, dropped, folded uint64
	waiting               int
	lastErr               error
}

func (o *outbox) state() outboxState {
	o.mu.Lock()
	defer o.mu.Unlock()
	return outboxState{sent: o.sent, dropped: o.dropped, folded: o.folded, waiting: o.waiting, lastErr: o.lastErr}
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
	o.append(flow.Batch{Flows: o.folding.take()})
	o.closing = true
	o.mu.Unlock()
	o.rouse()
	<-o.done
}
