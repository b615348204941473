//go:build linux

package capture

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
)

const (
	// readEvents and readBuffers size what lies between readers and owner.
	readEvents  = 512
	readBuffers = 8
)

// Options are what a Capture is made of.
type Options struct {
	// Engines are tried in order. Enabled names those that are wanted.
	Engines []probe.Engine
	Enabled map[string]bool
	Probe   probe.Options

	Interval         time.Duration
	MergeSourcePorts bool
	// MaxFlows bounds the open records; when it is reached they are sent early.
	MaxFlows int

	Observer flow.Observer
	// Node is the first part of every record's ID.
	Node    uint32
	Version string

	// Consume hands records to the pipeline. It may block.
	Consume func(context.Context, plog.Logs) error
	Logger  *zap.Logger
	Observe Observe

	// Now and Monotonic read the clocks; nil means the system's.
	Now       func() time.Time
	Monotonic func() int64
}

// Observe is told what happens, for metrics. All of it comes from one goroutine.
type Observe struct {
	// Interval is called at the end of each interval.
	Interval func(Interval)
}

// Interval describes one interval.
type Interval struct {
	Events      int
	Records     int
	Connections uint64
	Deferred    uint64
	// Waiting is the number of records that the pipeline has not taken yet.
	Waiting int
	Sweep   time.Duration
	Losses  []flow.Loss
}

// Capture records flows from Start to Shutdown.
type Capture struct {
	opts Options

	started, stopped bool
	mu               sync.Mutex // guards started and stopped
	stop             chan struct{}
	done             chan struct{}
	readers          sync.WaitGroup
	deliver          context.CancelFunc

	sources []source
	engines []flow.Engine
	batches chan batch
	free    chan []probe.Event
	swept   chan sweepOutcome

	outbox *outbox

	// Owned by run.
	now, next *table
	places    *places
	peers     *peers
	processes *processNames
	cgroups   *cgroups
	losses    *losses
	scratch   flow.Flow

	begun      time.Time
	epoch      uint32
	counter    uint64
	events     int // of this interval
	sentEarly  int // records of this interval that went before its end
	records    uint64
	offset     int64
	generation uint32
	cutting    bool
	uncut      int // sources whose cut is awaited
	sweep      sweepOutcome
	sweepDone  bool
}

// source is a probe.Source that runs.
type source struct {
	probe.Source
	engine int // its place in engines
}

// batch is what a reader hands over.
type batch struct {
	events []probe.Event
	buffer []probe.Event
	cut    bool
	// failed is why the reader of engine stopped for good.
	failed error
	engine int
}

type sweepOutcome struct {
	probe.SweepResult
	took time.Duration
	err  error
}

// New returns a Capture that does nothing yet.
func New(opts Options) *Capture {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Monotonic == nil {
		opts.Monotonic = monotonic
	}
	return &Capture{opts: opts}
}

func monotonic() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return 0
	}
	return ts.Nano()
}

// Start opens the engines and begins to record. It fails if none can run, and
// says why for each.
func (c *Capture) Start() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.started {
		return errors.New("start capture: already started")
	}
	if err := c.open(); err != nil {
		return err
	}
	c.started = true
	c.begin()
	c.outbox = newOutbox(c.opts.Consume, 2*c.opts.MaxFlows, c.opts.Now)

	c.stop, c.done = make(chan struct{}), make(chan struct{})
	c.batches, c.free = make(chan batch), make(chan []probe.Event, readBuffers)
	c.swept = make(chan sweepOutcome, 1)
	for range readBuffers {
		c.free <- make([]probe.Event, readEvents)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.deliver = cancel
	for _, s := range c.sources {
		c.readers.Add(1)
		go c.read(s)
	}
	go c.outbox.run(ctx)
	go c.run()
	return nil
}

// begin sets up what run owns.
func (c *Capture) begin() {
	c.begun = c.opts.Now()
	c.epoch = uint32(c.begun.Unix())
	c.setOffset()
	keep := flow.KeepSourcePort(!c.opts.MergeSourcePorts)
	c.now, c.next = newTable(keep), newTable(keep)
	c.places, c.peers = newPlaces(), newPeers()
	c.processes, c.cgroups = newProcessNames("/proc"), newCgroups(probe.CgroupRoot())
	c.losses = newLosses(c.begun.UnixNano())
}

// open opens every engine that is wanted and possible.
func (c *Capture) open() error {
	var reasons []string
	for _, e := range c.opts.Engines {
		state := flow.Engine{Name: e.Name}
		switch err := c.openEngine(e, len(c.engines)); {
		case !c.opts.Enabled[e.Name]:
			state.Detail = "turned off in the configuration"
		case err != nil:
			state.Detail = err.Error()
			c.opts.Logger.Warn("Engine is off", zap.String("engine", e.Name), zap.Error(err))
		default:
			state.On = true
			c.opts.Logger.Info("Engine is on", zap.String("engine", e.Name))
		}
		if !state.On {
			reasons = append(reasons, state.Name+": "+state.Detail)
		}
		c.engines = append(c.engines, state)
	}
	if len(c.sources) == 0 {
		c.engines = nil
		return fmt.Errorf("start capture: no engine can run: %s", strings.Join(reasons, "; "))
	}
	return nil
}

func (c *Capture) openEngine(e probe.Engine, index int) error {
	if !c.opts.Enabled[e.Name] {
		return nil
	}
	if err := e.Missing(); err != nil {
		return err
	}
	s, err := e.Open(c.opts.Probe)
	if err != nil {
		return err
	}
	c.sources = append(c.sources, source{Source: s, engine: index})
	return nil
}

// Shutdown reports what is still open, hands on everything, and closes the
// engines. Past ctx it gives up on the pipeline, and counts what it did not take
// as lost. It works without Start, and twice.
func (c *Capture) Shutdown(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.started || c.stopped {
		return nil
	}
	c.stopped = true
	release := context.AfterFunc(ctx, c.deliver)
	defer release()
	close(c.stop)
	<-c.done
	var errs []error
	for _, s := range c.sources {
		errs = append(errs, s.Close())
	}
	c.readers.Wait()
	c.outbox.close()
	c.deliver()
	if state := c.outbox.state(); state.lastErr != nil {
		errs = append(errs, fmt.Errorf("hand on the last records: %w (%d lost since the start)", state.lastErr, state.dropped))
	}
	return errors.Join(errs...)
}

// read feeds the events of one source to run, until the source is closed.
func (c *Capture) read(s source) {
	defer c.readers.Done()
	for {
		buffer := <-c.free
		n, err := s.Read(buffer)
		b := batch{events: buffer[:n], buffer: buffer, cut: errors.Is(err, probe.ErrCut), engine: s.engine}
		closed := errors.Is(err, os.ErrClosed)
		if err != nil && !b.cut && !closed {
			b.failed = err
		}
		select {
		case c.batches <- b:
		case <-c.done:
			return
		}
		if closed || b.failed != nil {
			return
		}
	}
}

// run owns the records.
func (c *Capture) run() {
	defer close(c.done)
	ticker := time.NewTicker(c.opts.Interval)
	defer ticker.Stop()
	stop, stopping := c.stop, false
	last := false // the cut that runs is the last one
	for {
		select {
		case b := <-c.batches:
			c.take(b)
		case outcome := <-c.swept:
			c.sweep, c.sweepDone = outcome, true
			if outcome.err != nil {
				c.uncut = 0 // there may be no cut to wait for
			}
		case <-ticker.C:
			if !c.cutting {
				c.beginCut()
			}
		case <-stop:
			stop, stopping = nil, true
		}
		if c.cutting && c.sweepDone && c.uncut == 0 {
			c.endCut(last)
			if last {
				return
			}
		}
		// A cut that began before the stop does not hold what came after it.
		if stopping && !c.cutting {
			last = true
			c.beginCut()
		}
	}
}

// take merges the events of a batch into the open records.
func (c *Capture) take(b batch) {
	for i := range b.events {
		c.event(&b.events[i])
	}
	c.events += len(b.events)
	c.free <- b.buffer
	if b.failed != nil {
		c.opts.Logger.Error("Engine stopped", zap.String("engine", c.engines[b.engine].Name), zap.Error(b.failed))
		c.engines[b.engine].On = false
		c.engines[b.engine].Detail = b.failed.Error()
	}
	if c.cutting && (b.cut || b.failed != nil) {
		c.uncut--
	}
}

func (c *Capture) event(ev *probe.Event) {
	process := c.processes.of(ev)
	if c.places.learn(ev.Local.Addr(), ev.NetNS) {
		c.peers.learnLocal(ev.Local.Addr())
	}
	if ev.Kind == probe.Listen || ev.Kind == probe.Unlisten {
		c.places.listen(ev, process)
		return
	}
	into := c.now
	if c.cutting && ev.Kind == probe.Closed && ev.Generation == c.generation {
		// The sweep has reported it as open already.
		into = c.next
	}
	switch {
	case ev.Reporter == flow.ReporterSource:
		if ev.Kind != probe.Failed {
			c.peers.reported(ev, process)
		}
		c.add(into, ev, process, flow.Name{}, false)
	default:
		c.places.serve(ev, process)
		if source, ok := c.peers.source(ev); ok || !c.peers.mayReport(ev) {
			c.add(into, ev, process, source, ok)
			return
		}
		c.peers.wait(ev, into)
	}
}

// add merges one event into a record. peer is the process at the source of a
// destination's event, whose source reports too if observed is set.
func (c *Capture) add(into *table, ev *probe.Event, process, peer flow.Name, observed bool) {
	c.build(&c.scratch, ev, process, c.offset)
	c.scratch.PeerObserved = observed
	if ev.Reporter == flow.ReporterDestination {
		c.scratch.Source.Process = peer
	}
	into.add(&c.scratch)
	if into.len() >= c.opts.MaxFlows {
		c.sentEarly += into.len()
		c.emit(flow.Batch{Flows: into.take()})
	}
}

// beginCut starts the sweep that ends the interval.
func (c *Capture) beginCut() {
	c.cutting, c.sweepDone = true, false
	c.generation++
	c.uncut = 0
	var alive []source
	for _, s := range c.sources {
		if c.engines[s.engine].On {
			alive = append(alive, s)
		}
	}
	c.uncut = len(alive)
	go func(generation uint32) {
		begun := time.Now()
		var outcome sweepOutcome
		for _, s := range alive {
			result, err := s.Sweep(generation)
			outcome.Live += result.Live
			outcome.Deferred += result.Deferred
			outcome.err = errors.Join(outcome.err, err)
		}
		outcome.took = time.Since(begun)
		c.swept <- outcome
	}(c.generation)
}

// endCut completes the records of the interval and hands them on. The last
// interval waits for nobody.
func (c *Capture) endCut(last bool) {
	c.cutting = false
	if c.sweep.err != nil {
		c.opts.Logger.Error("Sweep failed", zap.Error(c.sweep.err))
	}
	late := c.settle(last)
	if last {
		c.now.flows = append(c.now.take(), c.next.take()...)
	}
	flows := append(c.now.take(), late.take()...)
	c.now, c.next = c.next, c.now

	end := c.opts.Now().UnixNano()
	batch := flow.Batch{Flows: flows, Losses: c.countLosses(end)}
	batch.Agents = []flow.Agent{c.signOfLife(end)}
	if c.opts.Observe.Interval != nil {
		c.opts.Observe.Interval(Interval{
			Events: c.events, Records: c.sentEarly + len(flows), Connections: c.sweep.Live, Deferred: c.sweep.Deferred,
			Waiting: c.outbox.state().waiting, Sweep: c.sweep.took, Losses: batch.Losses,
		})
	}
	c.emit(batch)
	c.events, c.sentEarly = 0, 0
	c.peers.cut()
	c.places.cut()
	c.cgroups.cut()
	c.setOffset()
}

// settle decides about the events that waited for their source's report. Those
// that waited for an interval already come out as records of their own, so that
// no record counts a connection twice.
func (c *Capture) settle(last bool) *table {
	late := newTable(c.now.keep)
	waiting := c.peers.waiting
	c.peers.waiting = nil
	for i := range waiting {
		w := &waiting[i]
		into := w.into
		if w.late {
			into = late
		}
		source, ok := c.peers.source(&w.event)
		local := c.places.local(w.event.Remote.Addr())
		if !ok && local && !w.late && !last {
			w.late = true
			c.peers.waiting = append(c.peers.waiting, *w)
			continue
		}
		if !local {
			c.peers.learnRemote(w.event.Remote.Addr())
		}
		c.add(into, &w.event, c.processes.of(&w.event), source, ok)
	}
	return late
}

// emit gives records their identity and hands them to the outbox.
func (c *Capture) emit(batch flow.Batch) {
	c.annotate(batch.Flows)
	c.records += uint64(len(batch.Flows))
	for i := range batch.Losses {
		c.counter++
		batch.Losses[i].ID = flow.ID{Node: c.opts.Node, Epoch: c.epoch, Counter: c.counter}
		batch.Losses[i].Observer = c.opts.Observer
	}
	for i := range batch.Agents {
		c.counter++
		batch.Agents[i].ID = flow.ID{Node: c.opts.Node, Epoch: c.epoch, Counter: c.counter}
	}
	c.outbox.put(batch)
}

func (c *Capture) countLosses(end int64) []flow.Loss {
	var sum probe.Losses
	for _, s := range c.sources {
		l, err := s.Losses()
		if err != nil {
			c.opts.Logger.Error("Losses are not known", zap.Error(err))
			continue
		}
		sum.Hook += l.Hook
		sum.Storage += l.Storage
		sum.Ring += l.Ring
		sum.Listeners += l.Listeners
		sum.Packets += l.Packets
		sum.Undecodable += l.Undecodable
	}
	for _, record := range c.outbox.takeReturned() {
		c.losses.returned(&record)
	}
	c.losses.observe(sum, c.outbox.state().dropped)
	return c.losses.records(end)
}

func (c *Capture) signOfLife(at int64) flow.Agent {
	cpu, memory := usage()
	return flow.Agent{
		Observer:    c.opts.Observer,
		Time:        at,
		Started:     c.begun.UnixNano(),
		Version:     c.opts.Version,
		Interval:    int64(c.opts.Interval),
		Engines:     append([]flow.Engine(nil), c.engines...),
		Connections: c.sweep.Live,
		Records:     c.records,
		Lost:        c.losses.lost(),
		CPUTime:     cpu,
		Memory:      memory,
	}
}

// setOffset aligns kernel time with Unix time anew, which makes a clock step
// harmless to the intervals after it.
func (c *Capture) setOffset() {
	c.offset = c.opts.Now().UnixNano() - c.opts.Monotonic()
}

func addrPortOf(e *flow.Endpoint) netip.AddrPort { return netip.AddrPortFrom(e.Address, e.Port) }
