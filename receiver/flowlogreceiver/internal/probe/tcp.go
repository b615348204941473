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
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/bpf"
)

const (
	// pollInterval is how long events may lie in the ring buffer. The programs
	// wake the reader earlier when they come faster.
	pollInterval = 100 * time.Millisecond
	// sweepPasses bounds how often one sweep is run again for connections that
	// found the ring buffer full; drainWait is the pause for the reader between.
	sweepPasses = 16
	drainWait   = 5 * time.Millisecond
)

// tcp is the Source of the TCP engine.
type tcp struct {
	state  bpf.TCPObjects
	sweep  bpf.TCPSweepObjects
	adopt  bpf.TCPAdoptObjects
	links  []io.Closer
	sweeps *link.Iter
	reader *ringbuf.Reader

	record      ringbuf.Record
	undecodable atomic.Uint64

	// sweeping is held by a sweep, and by Close to wait for it.
	sweeping sync.Mutex
	closed   bool
}

func openTCP(opts Options) (_ Source, err error) {
	t := &tcp{}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.Close())
		}
	}()
	if err := t.load(opts); err != nil {
		return nil, err
	}
	for _, program := range []*ebpf.Program{t.state.TcpChange, t.state.TcpChangeAgain} {
		attached, err := link.AttachTracing(link.TracingOptions{Program: program})
		if err != nil {
			return nil, fmt.Errorf("attach to tracepoint inet_sock_set_state: %w", err)
		}
		t.links = append(t.links, attached)
	}
	if t.sweeps, err = link.AttachIter(link.IterOptions{Program: t.sweep.TcpSweep, Map: t.state.TcpSockets}); err != nil {
		return nil, fmt.Errorf("attach to iterator bpf_sk_storage_map: %w", err)
	}
	t.links = append(t.links, t.sweeps)
	if t.reader, err = ringbuf.NewReader(t.state.TcpEvents); err != nil {
		return nil, fmt.Errorf("open ring buffer: %w", err)
	}
	return t, t.adoptAll()
}

// load loads the programs with one set of maps.
func (t *tcp) load(opts Options) error {
	objects := []object{{bpf.LoadTCP, &t.state}, {bpf.LoadTCPSweep, &t.sweep}, {bpf.LoadTCPAdopt, &t.adopt}}
	err := load(objects, opts, func(spec *ebpf.CollectionSpec) error {
		spec.Maps[bpf.TCPMapTcpEvents].MaxEntries = uint32(opts.RingBufferSize)
		return nil
	})
	if err != nil {
		return fmt.Errorf("load tcp programs: %w", err)
	}
	return opts.Filter.store(t.state.FilterAddresses, t.state.FilterPorts)
}

// adoptAll takes in the sockets that are older than the engine: listeners
// first, for they tell the role of the connections.
func (t *tcp) adoptAll() error {
	files, err := link.AttachIter(link.IterOptions{Program: t.adopt.TcpAdopt})
	if err != nil {
		return fmt.Errorf("attach to iterator task_file: %w", err)
	}
	defer files.Close()
	for _, connections := range []bool{false, true} {
		if err := t.adopt.AdoptConnections.Set(connections); err != nil {
			return fmt.Errorf("adopt sockets: %w", err)
		}
		if err := run(files); err != nil {
			return fmt.Errorf("adopt sockets: %w", err)
		}
	}
	return nil
}

func (t *tcp) Read(events []Event) (int, error) {
	n := 0
	t.reader.SetDeadline(time.Now().Add(pollInterval))
	for n < len(events) {
		err := t.reader.ReadInto(&t.record)
		switch {
		case err == nil:
			if err := decodeTCP(&events[n], t.record.RawSample); err != nil {
				t.undecodable.Add(1)
				continue
			}
			n++
		case errors.Is(err, os.ErrDeadlineExceeded):
			return n, nil
		case errors.Is(err, ringbuf.ErrFlushed):
			return n, ErrCut
		default:
			return n, fmt.Errorf("read ring buffer: %w", err)
		}
	}
	return n, nil
}

func (t *tcp) Sweep(generation uint32) (SweepResult, error) {
	t.sweeping.Lock()
	defer t.sweeping.Unlock()
	if t.closed {
		return SweepResult{}, os.ErrClosed
	}
	result, err := t.runSweep(generation)
	// The interval ends even if the sweep failed: what closed meanwhile is there.
	return result, errors.Join(err, t.reader.Flush())
}

func (t *tcp) runSweep(generation uint32) (result SweepResult, err error) {
	err = errors.Join(t.sweep.SweepGeneration.Set(generation), t.sweep.SweepLive.Set(uint64(0)))
	for pass := 0; err == nil && pass < sweepPasses; pass++ {
		if pass > 0 {
			time.Sleep(drainWait)
		}
		if err = t.sweep.SweepDeferred.Set(uint64(0)); err != nil {
			break
		}
		if err = run(t.sweeps); err != nil {
			break
		}
		if err = t.sweep.SweepDeferred.Get(&result.Deferred); err != nil || result.Deferred == 0 {
			break
		}
	}
	if err == nil {
		err = t.sweep.SweepLive.Get(&result.Live)
	}
	if err != nil {
		return result, fmt.Errorf("sweep live connections: %w", err)
	}
	result.Live += result.Deferred
	return result, nil
}

func (t *tcp) Losses() (Losses, error) {
	var sums [bpf.TCPTcpCounterTCP_COUNTERS]uint64
	for i := range sums {
		var perCPU []uint64
		if err := t.state.TcpCounters.Lookup(uint32(i), &perCPU); err != nil {
			return Losses{}, fmt.Errorf("read loss counters: %w", err)
		}
		for _, n := range perCPU {
			sums[i] += n
		}
	}
	return Losses{
		Storage:     sums[bpf.TCPTcpCounterTCP_LOST_STORAGE],
		Ring:        sums[bpf.TCPTcpCounterTCP_LOST_RING],
		Listeners:   sums[bpf.TCPTcpCounterTCP_LOST_LISTENER],
		Undecodable: t.undecodable.Load(),
	}, nil
}

func (t *tcp) Close() error {
	t.sweeping.Lock()
	defer t.sweeping.Unlock()
	if t.closed {
		return nil
	}
	t.closed = true
	var errs []error
	for _, l := range t.links {
		errs = append(errs, l.Close())
	}
	if t.reader != nil {
		errs = append(errs, t.reader.Close())
	}
	errs = append(errs, t.adopt.Close(), t.sweep.Close(), t.state.Close())
	return errors.Join(errs...)
}
