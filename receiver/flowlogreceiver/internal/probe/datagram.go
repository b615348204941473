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
	// readAtOnce is how many flows one system call reads.
	readAtOnce = 4096
	// idleUnderPressure replaces longer idle times when half of the flows that the
	// kernel has room for are taken.
	idleUnderPressure = 5 * time.Second
)

// datagram is the Source of the datagram engine. The kernel adds packets up by
// flow; a sweep reads the sums and tells what is new. Packets for whose flow the
// kernel has no room come one by one through a ring buffer.
type datagram struct {
	objects bpf.DatagramObjects
	adopt   bpf.DatagramAdoptObjects
	links   []io.Closer
	reader  *ringbuf.Reader
	options DatagramOptions

	record      ringbuf.Record
	drained     chan struct{} // receives when Read has emptied the ring for a sweep
	ended       chan struct{} // closed by end when Read has failed for good
	end         sync.Once
	lost        atomic.Uint64
	undecodable atomic.Uint64

	// sweeping is held by a sweep, and by Close to wait for it.
	sweeping sync.Mutex
	closed   bool
	flows    *datagramFlows

	mu      sync.Mutex
	packets map[bpf.DatagramDatagramKey]bpf.DatagramDatagramFlow // from the ring, for the next sweep
	out     []Event                                              // of the last sweep, for Read
	cut     bool                                                 // behind them
}

func openDatagram(opts Options) (_ Source, err error) {
	d := &datagram{
		options: opts.Datagram,
		drained: make(chan struct{}),
		ended:   make(chan struct{}),
		flows:   newDatagramFlows(2 * opts.Datagram.MaxFlows),
		packets: make(map[bpf.DatagramDatagramKey]bpf.DatagramDatagramFlow),
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	if err := d.load(opts); err != nil {
		return nil, err
	}
	if err := d.attach(); err != nil {
		return nil, err
	}
	if d.reader, err = ringbuf.NewReader(d.objects.DatagramEvents); err != nil {
		return nil, fmt.Errorf("open ring buffer: %w", err)
	}
	return d, nil
}

func (d *datagram) load(opts Options) error {
	objects := []object{{bpf.LoadDatagram, &d.objects}, {bpf.LoadDatagramAdopt, &d.adopt}}
	err := load(objects, opts, func(spec *ebpf.CollectionSpec) error {
		if flows, ok := spec.Maps[bpf.DatagramMapDatagramFlows]; ok {
			flows.MaxEntries = uint32(opts.Datagram.MaxFlows)
		}
		if until, ok := spec.Variables[bpf.DatagramVarOldUntil]; ok {
			return until.Set(uint64(Monotonic()) + uint64(max(opts.Datagram.IdleUDP, opts.Datagram.IdleICMP, opts.Datagram.IdleOther)))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("load datagram programs: %w", err)
	}
	return opts.Filter.store(d.objects.FilterAddresses, d.objects.FilterPorts)
}

// attach names the sockets first, those to come and those that are there, so that
// the first packet finds its process.
func (d *datagram) attach() error {
	root := CgroupRoot()
	for i, hook := range []struct {
		program *ebpf.Program
		at      ebpf.AttachType
	}{
		{d.objects.DatagramCreate, ebpf.AttachCGroupInetSockCreate},
		{d.objects.DatagramOut, ebpf.AttachCGroupInetEgress},
		{d.objects.DatagramIn, ebpf.AttachCGroupInetIngress},
	} {
		attached, err := link.AttachCgroup(link.CgroupOptions{Path: root, Attach: hook.at, Program: hook.program})
		if err != nil {
			return fmt.Errorf("attach to cgroup %s: %w", root, err)
		}
		d.links = append(d.links, attached)
		if i == 0 {
			if err := d.adoptAll(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *datagram) adoptAll() error {
	files, err := link.AttachIter(link.IterOptions{Program: d.adopt.DatagramAdopt})
	if err != nil {
		return fmt.Errorf("attach to iterator task_file: %w", err)
	}
	defer files.Close()
	if err := run(files); err != nil {
		return fmt.Errorf("adopt sockets: %w", err)
	}
	return nil
}

// Read returns the events of the last sweep, and takes packets from the ring.
func (d *datagram) Read(events []Event) (int, error) {
	if n, cut := d.take(events); n > 0 {
		return n, nil
	} else if cut {
		return 0, ErrCut
	}
	d.reader.SetDeadline(time.Now().Add(pollInterval))
	for {
		err := d.reader.ReadInto(&d.record)
		switch {
		case err == nil:
			d.keep(d.record.RawSample)
			continue
		case errors.Is(err, os.ErrDeadlineExceeded):
			return 0, nil
		case errors.Is(err, ringbuf.ErrFlushed):
			d.drained <- struct{}{}
			return 0, nil
		}
		d.end.Do(func() { close(d.ended) })
		return 0, fmt.Errorf("read ring buffer: %w", err)
	}
}

// take moves events from the last sweep, and reports whether its cut is next.
func (d *datagram) take(events []Event) (n int, cut bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n = copy(events, d.out)
	d.out = d.out[n:]
	if n == 0 && d.cut {
		d.cut = false
		return 0, true
	}
	return n, false
}

// keep adds one packet to those that wait for the next sweep.
func (d *datagram) keep(sample []byte) {
	e, err := decodeDatagram(sample)
	if err != nil {
		d.undecodable.Add(1)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	known, ok := d.packets[e.Key]
	switch {
	case ok:
		addSum(&known.Sent, &e.Flow.Sent)
		addSum(&known.Received, &e.Flow.Received)
		known.Last = max(known.Last, e.Flow.Last)
		d.packets[e.Key] = known
	case len(d.packets) < d.flows.limit:
		d.packets[e.Key] = e.Flow
	default:
		d.lost.Add(e.Flow.Sent.Packets + e.Flow.Received.Packets)
	}
}

// Sweep tells what is new of every flow.
func (d *datagram) Sweep(uint32) (SweepResult, error) {
	d.sweeping.Lock()
	defer d.sweeping.Unlock()
	if d.closed {
		return SweepResult{}, os.ErrClosed
	}
	if err := d.drain(); err != nil {
		return SweepResult{}, err
	}
	err := d.readFlows()
	now := uint64(Monotonic())
	d.mu.Lock()
	defer d.mu.Unlock()
	for key, packet := range d.packets {
		if !d.flows.addPacket(key, &packet) {
			d.lost.Add(packet.Sent.Packets + packet.Received.Packets)
		}
	}
	clear(d.packets)
	d.deliver(d.flows.report(now, d.idleTimes()))
	return SweepResult{Live: d.flows.live}, err
}

// deliver hands events to Read, and the cut behind them: the interval ends even if
// something could not be read. Where a sweep failed Read may not have taken all
// of the one before; that stays in front. Call with mu held.
func (d *datagram) deliver(events []Event) {
	d.out = append(d.out, events...)
	d.cut = true
}

// drain waits until Read has taken in what the ring holds.
func (d *datagram) drain() error {
	if err := d.reader.Flush(); err != nil {
		return fmt.Errorf("flush ring buffer: %w", err)
	}
	select {
	case <-d.drained:
		return nil
	case <-d.ended:
		return os.ErrClosed
	}
}

// readFlows takes in the kernel's sums. A flow that was marked idle in the sweep
// before is taken out of the kernel.
func (d *datagram) readFlows() error {
	if err := d.mark(); err != nil {
		return err
	}
	var (
		cursor ebpf.MapBatchCursor
		keys   = make([]bpf.DatagramDatagramKey, readAtOnce)
		flows  = make([]bpf.DatagramDatagramFlow, readAtOnce)
		idle   []bpf.DatagramDatagramKey
	)
	for done := false; !done; {
		n, err := d.objects.DatagramFlows.BatchLookup(&cursor, keys, flows, nil)
		done = errors.Is(err, ebpf.ErrKeyNotExist)
		if err != nil && !done {
			return fmt.Errorf("read flows: %w", err)
		}
		for i := range n {
			if d.flows.addKernel(keys[i], &flows[i]) {
				idle = append(idle, keys[i])
			}
		}
	}
	for i := range idle {
		var last bpf.DatagramDatagramFlow
		if err := d.objects.DatagramFlows.LookupAndDelete(&idle[i], &last); err != nil {
			return fmt.Errorf("take out an idle flow: %w", err)
		}
		d.flows.removeKernel(idle[i], &last)
	}
	return nil
}

// mark has the kernel mark the flows that are idle.
func (d *datagram) mark() error {
	idle := d.idleTimes()
	err := errors.Join(
		d.objects.IdleUdp.Set(uint64(idle.udp)),
		d.objects.IdleIcmp.Set(uint64(idle.icmp)),
		d.objects.IdleOther.Set(uint64(idle.other)),
	)
	if err == nil {
		_, err = d.objects.DatagramMark.Run(&ebpf.RunOptions{})
	}
	if err != nil {
		return fmt.Errorf("mark idle flows: %w", err)
	}
	return nil
}

// idleTimes are shorter while many flows take room.
func (d *datagram) idleTimes() idleTimes {
	times := idleTimes{d.options.IdleUDP, d.options.IdleICMP, d.options.IdleOther}
	if len(d.flows.known) > d.options.MaxFlows/2 {
		times.udp = min(times.udp, idleUnderPressure)
		times.icmp = min(times.icmp, idleUnderPressure)
		times.other = min(times.other, idleUnderPressure)
	}
	return times
}

func (d *datagram) Losses() (Losses, error) {
	var perCPU []uint64
	if err := d.objects.DatagramCounters.Lookup(bpf.DatagramDatagramCounterDATAGRAM_LOST_RING, &perCPU); err != nil {
		return Losses{}, fmt.Errorf("read loss counters: %w", err)
	}
	losses := Losses{Packets: d.lost.Load(), Undecodable: d.undecodable.Load()}
	for _, n := range perCPU {
		losses.Packets += n
	}
	return losses, nil
}

func (d *datagram) Close() error {
	d.sweeping.Lock()
	defer d.sweeping.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	var errs []error
	for _, l := range d.links {
		errs = append(errs, l.Close())
	}
	if d.reader != nil {
		errs = append(errs, d.reader.Close())
	}
	errs = append(errs, d.adopt.Close(), d.objects.Close())
	return errors.Join(errs...)
}
