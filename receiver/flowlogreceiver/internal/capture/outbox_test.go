//go:build linux

package capture

import (
	"context"
	"errors"
	"net/netip"
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
	flows   []flow.Flow
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
	p.flows = append(p.flows, batch.Flows...)
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

// talked returns n records of what one workload sent to peers of their own, and of
// what was refused to it; their IDs begin with first.
func talked(first uint64, n int) flow.Batch {
	batch := numbered(first, first+uint64(n)-1)
	for i := range batch.Flows {
		f := &batch.Flows[i]
		f.Reporter, f.Transport, f.Action = flow.ReporterSource, flow.TransportUDP, flow.Allow
		if i%4 == 0 {
			f.Action = flow.Deny
		}
		f.Source = flow.Endpoint{Address: netip.MustParseAddr("10.0.0.1"), Port: uint16(i), Bytes: 100, Packets: 1}
		f.Destination = flow.Endpoint{Address: netip.AddrFrom4([4]byte{10, 1, byte(f.ID.Counter >> 8), byte(f.ID.Counter)}), Port: 53}
		f.Connections = flow.Connections{Seen: 1, Started: 1, Open: 1}
	}
	return batch
}

// total adds up what reached the pipeline by action.
func (p *pipeline) total() map[flow.Action]flow.Flow {
	sums := make(map[flow.Action]flow.Flow)
	for i := range p.flows {
		f := p.flows[i]
		sum := sums[f.Action]
		sum.Source.Bytes += f.Source.Bytes
		sum.Source.Packets += f.Source.Packets
		sum.Connections.Started += f.Connections.Started
		sums[f.Action] = sum
	}
	return sums
}

func TestOutboxNeverWaitsForThePipelineAndFoldsTheOldest(t *testing.T) {
	const limit = 3 * chunkRecords
	p := &pipeline{release: make(chan struct{})}
	o, _ := newTestOutbox(t, p, limit)
	o.put(numbered(1, 1))
	require.Eventually(t, func() bool { // it is with the pipeline, which does not return
		o.mu.Lock()
		defer o.mu.Unlock()
		return len(o.chunks) == 0
	}, 10*time.Second, time.Millisecond)
	for n := range uint64(5) {
		o.put(talked(n*chunkRecords+2, chunkRecords))
	}
	state := o.state()
	require.LessOrEqual(t, state.waiting, limit)
	require.Equal(t, uint64(3*chunkRecords), state.folded)
	require.Zero(t, state.dropped)
	close(p.release)
	o.close()
	state = o.state()
	require.Zero(t, state.waiting)
	require.Equal(t, uint64(1+2*chunkRecords+2), state.sent, "two folded records: of what was allowed, and of what was not")
	require.Len(t, p.flows, int(state.sent))
	for _, f := range p.flows[len(p.flows)-2:] {
		require.Equal(t, netip.MustParseAddr("10.0.0.1"), f.Source.Address, "the workload is known")
		require.Equal(t, uint16(53), f.Destination.Port)
		require.False(t, f.Destination.Address.IsValid())
	}
	require.Equal(t, map[flow.Action]flow.Flow{
		flow.ActionUnknown: {},
		flow.Allow: {
			Source:      flow.Endpoint{Bytes: 5 * chunkRecords * 3 / 4 * 100, Packets: 5 * chunkRecords * 3 / 4},
			Connections: flow.Connections{Started: 5 * chunkRecords * 3 / 4},
		},
		flow.Deny: {
			Source:      flow.Endpoint{Bytes: 5 * chunkRecords / 4 * 100, Packets: 5 * chunkRecords / 4},
			Connections: flow.Connections{Started: 5 * chunkRecords / 4},
		},
	}, p.total())
}

// An outage of any length costs detail, not totals and not memory, and what the
// pipeline may have taken before it failed keeps its ids.
func TestOutboxFoldsThroughAnOutage(t *testing.T) {
	const intervals, each, limit = 300, 50, 1000
	var first []uint64
	p := &pipeline{}
	p.refuse = func(logs plog.Logs) error {
		batch, _ := flow.Decode(logs)
		first = append(first, batch.Flows[0].ID.Counter)
		return errors.New("away")
	}
	o, _ := newTestOutbox(t, p, limit)
	for n := range uint64(intervals) {
		batch := talked(n*each+1, each)
		for i := range batch.Flows { // nothing of the workload's end repeats either
			batch.Flows[i].Destination.Port = uint16(batch.Flows[i].ID.Counter)
		}
		batch.Agents = []flow.Agent{{}}
		o.put(batch)
		p.awaitAsked(t, int(n)+1)
		require.LessOrEqual(t, o.state().waiting, 2*limit)
	}
	p.refuseWith(nil)
	o.close()
	require.Equal(t, outboxState{sent: uint64(len(p.flows)), folded: o.state().folded}, o.state())
	require.Less(t, len(p.flows), 2*limit)
	for _, id := range first {
		require.Equal(t, uint64(1), id, "what was offered is offered again")
	}
	require.Equal(t, sequence(1, each), p.taken[:each])
	sum := p.total()
	allowed, denied := sum[flow.Allow], sum[flow.Deny]
	require.EqualValues(t, intervals*each, allowed.Connections.Started+denied.Connections.Started)
	require.EqualValues(t, intervals*each*100, allowed.Source.Bytes+denied.Source.Bytes)
	require.EqualValues(t, intervals*(each/4+1), denied.Source.Packets)
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
