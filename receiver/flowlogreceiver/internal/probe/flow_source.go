//go:build linux

package probe

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/bpf"
)

const (
	// readAtOnce is how many flows one system call reads.
	readAtOnce = 4096
	// idleUnderPressure replaces longer idle times when half of the flows that the
	// kernel has room for are taken.
	idleUnderPressure = 5 * time.Second
	// idleTCPUnderPressure is longer, for the same connection would not start again.
	idleTCPUnderPressure = 30 * time.Second
)

// flowSource is the Source of every engine that counts packets. The kernel adds
// them up by flow; a sweep reads the sums and tells what is new. Packets for whose
// flow the kernel has no room come one by one through a ring buffer.
type flowSource struct {
	objects flowObjects
	reader  *ringbuf.Reader
	room    int // flows that the kernel counts at once
	idle    idleTimes

	record      ringbuf.Record
	drained     chan struct{} // receives when Read has emptied the ring for a sweep
	ended       chan struct{} // closed by end when Read has failed for good
	end         sync.Once
	undecodable atomic.Uint64

	// sweeping is held by a sweep, and by Close to wait for it.
	sweeping sync.Mutex
	closed   bool
	flows    *flowTable

	queue   queue // of the last sweep, for Read
	mu      sync.Mutex
	packets map[flowKey]countedFlow // from the ring, for the next sweep
}

// flowObjects are what each engine has of its own, of the same kind.
type flowObjects struct {
	flows, events, counters *ebpf.Map
	mark                    *ebpf.Program
	idle                    *ebpf.Variable
}

func newFlowSource(opts *FlowOptions) *flowSource {
	return &flowSource{
		room:    opts.MaxFlows,
		idle:    opts.idleTimes(),
		drained: make(chan struct{}),
		ended:   make(chan struct{}),
		queue:   newQueue(),
		flows:   newFlowTable(2 * opts.MaxFlows),
		packets: make(map[flowKey]countedFlow),
	}
}

// open begins to read from what was loaded.
func (f *flowSource) open(objects flowObjects) (err error) {
	f.objects = objects
	if f.reader, err = ringbuf.NewReader(objects.events); err != nil {
		return fmt.Errorf("open ring buffer: %w", err)
	}
	return nil
}

// prepare sizes the map of flows, and tells the programs until when a flow may be
// older than they are.
func (o *FlowOptions) prepare(spec *ebpf.CollectionSpec) error {
	if flows, ok := spec.Maps[bpf.DatagramMapFlows]; ok {
		flows.MaxEntries = uint32(o.MaxFlows)
	}
	if until, ok := spec.Variables[bpf.DatagramVarOldUntil]; ok {
		return until.Set(uint64(Monotonic()) + uint64(max(o.IdleUDP, o.IdleICMP, o.IdleOther)))
	}
	return nil
}

func (o *FlowOptions) idleTimes() idleTimes {
	return idleTimes{
		Udp: uint64(o.IdleUDP), Icmp: uint64(o.IdleICMP), Other: uint64(o.IdleOther), Tcp: uint64(o.IdleTCP),
		TcpUnanswered: uint64(min(o.IdleTCP, tcpUnanswered)), TcpOver: uint64(min(o.IdleTCP, tcpOver)),
	}
}

// Read returns the events of the last sweep, and takes packets from the ring.
func (f *flowSource) Read(events []Event) (int, error) {
	if n, err := f.queue.take(events); n > 0 || err != nil {
		return n, err
	}
	f.reader.SetDeadline(time.Now().Add(pollInterval))
	for {
		err := f.reader.ReadInto(&f.record)
		switch {
		case err == nil:
			f.keep(f.record.RawSample)
			continue
		case errors.Is(err, os.ErrDeadlineExceeded):
			return 0, nil
		case errors.Is(err, ringbuf.ErrFlushed):
			f.drained <- struct{}{}
			return 0, nil
		}
		f.end.Do(func() { close(f.ended) })
		return 0, fmt.Errorf("read ring buffer: %w", err)
	}
}

// keep adds one packet to those that wait for the next sweep.
func (f *flowSource) keep(sample []byte) {
	e, err := decodeFlow(sample)
	if err != nil {
		f.undecodable.Add(1)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	key := coarsen(f.flows, f.packets, e.Key, &e.Flow)
	known, ok := f.packets[key]
	if !ok {
		f.packets[key] = e.Flow
		return
	}
	mergePackets(&known, &e.Flow)
	f.packets[key] = known
}

// Sweep tells what is new of every flow.
func (f *flowSource) Sweep(uint32) (SweepResult, error) {
	f.sweeping.Lock()
	defer f.sweeping.Unlock()
	if f.closed {
		return SweepResult{}, os.ErrClosed
	}
	err := errors.Join(f.drain(), f.readFlows())
	now := uint64(Monotonic())
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, packet := range f.packets {
		f.flows.addPacket(key, &packet)
	}
	clear(f.packets)
	idle := f.idleNow()
	f.queue.deliver(f.flows.report(now, &idle))
	return SweepResult{Live: f.flows.live}, err
}

// drain waits until Read has taken in what the ring holds.
func (f *flowSource) drain() error {
	if err := f.reader.Flush(); err != nil {
		return fmt.Errorf("flush ring buffer: %w", err)
	}
	select {
	case <-f.drained:
		return nil
	case <-f.ended:
		return os.ErrClosed
	}
}

// readFlows takes in the kernel's sums. A flow that was marked idle in the sweep
// before is taken out of the kernel.
func (f *flowSource) readFlows() error {
	if err := f.mark(); err != nil {
		return err
	}
	var (
		cursor ebpf.MapBatchCursor
		keys   = make([]flowKey, readAtOnce)
		flows  = make([]countedFlow, readAtOnce)
		idle   []flowKey
	)
	for done := false; !done; {
		n, err := f.objects.flows.BatchLookup(&cursor, keys, flows, nil)
		done = errors.Is(err, ebpf.ErrKeyNotExist)
		if err != nil && !done {
			return fmt.Errorf("read flows: %w", err)
		}
		for i := range n {
			if f.flows.addKernel(keys[i], &flows[i]) {
				idle = append(idle, keys[i])
			}
		}
	}
	for i := range idle {
		var last countedFlow
		if err := f.objects.flows.LookupAndDelete(&idle[i], &last); err != nil {
			return fmt.Errorf("take out an idle flow: %w", err)
		}
		f.flows.removeKernel(idle[i], &last)
	}
	return nil
}

// mark has the kernel mark the flows that are idle.
func (f *flowSource) mark() error {
	err := f.objects.idle.Set(bpf.DatagramIdleTimes(f.idleNow()))
	if err == nil {
		_, err = f.objects.mark.Run(&ebpf.RunOptions{})
	}
	if err != nil {
		return fmt.Errorf("mark idle flows: %w", err)
	}
	return nil
}

// idleNow is shorter while many flows take room.
func (f *flowSource) idleNow() idleTimes {
	if len(f.flows.known) > f.room/2 {
		return f.idle.underPressure()
	}
	return f.idle
}

func (f *flowSource) Losses() (Losses, error) {
	var perCPU []uint64
	if err := f.objects.counters.Lookup(bpf.DatagramFlowCounterFLOW_LOST_RING, &perCPU); err != nil {
		return Losses{}, fmt.Errorf("read loss counters: %w", err)
	}
	losses := Losses{Undecodable: f.undecodable.Load()}
	for _, n := range perCPU {
		losses.Packets += n
	}
	return losses, nil
}

// close waits for a sweep that runs, then closes what the engine is made of. It works
// twice.
func (f *flowSource) close(engine ...io.Closer) error {
	f.sweeping.Lock()
	defer f.sweeping.Unlock()
	if f.closed {
		return nil
	}
	f.closed = true
	var errs []error
	for _, c := range engine {
		errs = append(errs, c.Close())
	}
	if f.reader != nil {
		errs = append(errs, f.reader.Close())
	}
	return errors.Join(errs...)
}
