//go:build linux

package capture

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// pipeline takes what the outbox sends, and refuses what it is told to.
type pipeline struct {
	mu      sync.Mutex
	refuse  func(plog.Logs) error
	taken   []uint64 // counters of the records' IDs
	asked   int
	release chan struct{} // each call waits for it, if there is one
}

func (p *pipeline) consume(ctx context.Context, logs plog.Logs) error {
	if p.release != nil {
		select {
		case <-p.release:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	if p.refuse != nil {
		if err := p.refuse(logs); err != nil {
			return err
		}
	}
	batch, _ := flow.Decode(logs)
	for _, f := range batch.Flows {
		p.taken = append(p.taken, f.ID.Counter)
	}
	for _, l := range batch.Losses {
		p.taken = append(p.taken, l.ID.Counter)
	}
	return nil
}

func (p *pipeline) refuseWith(refuse func(plog.Logs) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = refuse
}

func (p *pipeline) awaitAsked(t *testing.T, times int) {
	t.Helper()
	require.Eventually(t, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.asked >= times
	}, 10*time.Second, time.Millisecond)
}

func newTestOutbox(t *testing.T, p *pipeline, limit int) (o *outbox, cancel context.CancelFunc) {
	t.Helper()
	o = newOutbox(p.consume, limit, time.Now)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	go o.run(ctx)
	return o, cancel
}

// numbered returns flow records with the IDs first to last.
func numbered(first, last uint64) flow.Batch {
	var batch flow.Batch
	for n := first; n <= last; n++ {
		batch.Flows = append(batch.Flows, flow.Flow{ID: flow.ID{Node: 1, Epoch: 1, Counter: n}, End: 1})
	}
	return batch
}

func sequence(first, last uint64) []uint64 {
	var numbers []uint64
	for n := first; n <= last; n++ {
		numbers = append(numbers, n)
	}
	return numbers
}

func TestOutboxSendsInOrderAndInChunks(t *testing.T) {
	p := &pipeline{}
	o, _ := newTestOutbox(t, p, 1<<20)
	o.put(numbered(1, 2*chunkRecords+1))
	o.put(numbered(2*chunkRecords+2, 2*chunkRecords+2))
	o.close()
	require.Equal(t, sequence(1, 2*chunkRecords+2), p.taken)
	require.Equal(t, 4, p.asked)
	require.Equal(t, outboxState{sent: 2*chunkRecords + 2}, o.state())
}

func TestOutboxTriesAgainWhatWasRefusedForNow(t *testing.T) {
	p := &pipeline{refuse: func(plog.Logs) error { return errors.New("busy") }}
	o, _ := newTestOutbox(t, p, 1<<20)
	o.put(numbered(1, 3))
	p.awaitAsked(t, 1)
	p.refuseWith(nil)
	o.put(numbered(4, 5))
	o.close()
	require.Equal(t, sequence(1, 5), p.taken)
	require.Equal(t, outboxState{sent: 5}, o.state())
}

func TestOutboxDropsWhatWasRefusedForGood(t *testing.T) {
	p := &pipeline{refuse: func(plog.Logs) error { return consumererror.NewPermanent(errors.New("never")) }}
	o, _ := newTestOutbox(t, p, 1<<20)
	batch := numbered(1, 3)
	batch.Losses = []flow.Loss{{ID: flow.ID{Counter: 9}, Count: 7}}
	o.put(batch)
	p.awaitAsked(t, 1)
	p.refuseWith(nil)
	o.put(numbered(4, 4))
	o.close()
	require.Equal(t, []uint64{4}, p.taken)
	require.Equal(t, outboxState{sent: 1, dropped: 3}, o.state())
	require.Equal(t, batch.Losses, o.takeReturned(), "a loss that nobody heard of is told again")
	require.Empty(t, o.takeReturned())
}

func TestOutboxKeepsOnlyWhatAPartialErrorReturns(t *testing.T) {
	p := &pipeline{}
	first := true
	p.refuse = func(logs plog.Logs) error {
		if !first {
			return nil
		}
		first = false
		batch, _ := flow.Decode(logs)
		p.taken = append(p.taken, batch.Flows[0].ID.Counter)
		rest := flow.Encode(&flow.Batch{Flows: batch.Flows[1:]}, time.Now())
		return consumererror.NewLogs(errors.New("some of it"), rest)
	}
	o, _ := newTestOutbox(t, p, 1<<20)
	o.put(numbered(1, 3))
	p.awaitAsked(t, 1)
	o.close()
	require.Equal(t, sequence(1, 3), p.taken)
	require.Equal(t, outboxState{sent: 3}, o.state())
}

func TestOutboxNeverWaitsForThePipelineAndDropsTheOldest(t *testing.T) {
	const limit = 3 * chunkRecords
	p := &pipeline{release: make(chan struct{})}
	o, _ := newTestOutbox(t, p, limit)
	for n := range uint64(5) {
		o.put(numbered(n*chunkRecords+1, (n+1)*chunkRecords))
	}
	state := o.state()
	require.Equal(t, limit, state.waiting)
	require.Equal(t, uint64(2*chunkRecords), state.dropped)
	close(p.release)
	o.close()
	state = o.state()
	require.Zero(t, state.waiting)
	require.Equal(t, uint64(5*chunkRecords), state.sent+state.dropped)
	require.Len(t, p.taken, int(state.sent))
	require.Equal(t, uint64(5*chunkRecords), p.taken[len(p.taken)-1], "the newest is kept")
}

func TestOutboxBoundsCallsThatCarryFewRecords(t *testing.T) {
	p := &pipeline{release: make(chan struct{})}
	o, _ := newTestOutbox(t, p, 1<<20)
	for range maxChunks + 100 {
		o.put(flow.Batch{Agents: []flow.Agent{{}}})
	}
	o.mu.Lock()
	require.LessOrEqual(t, len(o.chunks), maxChunks)
	o.mu.Unlock()
	close(p.release)
	o.close()
}

func TestOutboxGivesUpWhenItsTimeIsOver(t *testing.T) {
	p := &pipeline{release: make(chan struct{})} // never released
	o, cancel := newTestOutbox(t, p, 1<<20)
	o.put(numbered(1, 3))
	cancel()
	o.close()
	state := o.state()
	require.ErrorIs(t, state.lastErr, context.Canceled)
	require.Equal(t, uint64(3), state.dropped)
}
