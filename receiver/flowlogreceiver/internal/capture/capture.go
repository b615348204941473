//go:build linux

package capture

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/cmdline"
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
	// CgroupRoot is the control group whose sockets count, as probe.FindScope has it.
	CgroupRoot string

	Interval         time.Duration
	MergeSourcePorts bool
	// MaxFlows bounds the open records; when it is reached they are sent early.
	MaxFlows int
	// MaxTranslations bounds the open connections whose translation is remembered.
	MaxTranslations int
	// CommandLines puts the command lines of processes into records; nil does not.
	CommandLines *cmdline.Options
	DNS          DNSOptions

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

// Observe is told what happens, for metrics and health. What is nil is not called.
type Observe struct {
	// Interval is called at the end of each interval, from one goroutine.
	Interval func(Interval)
	// Degraded is called by Start, and by the same goroutine later, when an engine
	// that is wanted does not run, with the reason.
	Degraded func(error)
}

// Interval describes one interval.
type Interval struct {
	Events      int
	Records     int
	Connections uint64
	Deferred    uint64
	// Waiting is the number of records that the pipeline has not taken yet. Folded
	// is how many more there were, which became part of others.
	Waiting int
	Folded  uint64
	Sweep   time.Duration
	Losses  []flow.Loss
	// Translations counts the look-ups.
	Translations Translations
	// Names is the number of addresses with names, Evicted how many had to go for
	// lack of room.
	Names   int
	Evicted uint64
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

	translator  probe.Translator // nil when nothing is looked up
	translating int              // its place in engines

	outbox *outbox

	// Owned by run.
	now, next *table
	places    *places
	peers     *peers
	denies    *denies
	forwarded *forwarded // nil unless the forward engine runs beside others
	processes *processNames
	cgroups   *cgroups
	commands  *commands
	resolver  *resolver // nil where the dns engine is off
	losses    *losses
	scratch   flow.Flow

	translations *translations // nil without a translator

	begun      time.Time
	epoch      uint32
	counter    uint64
	events     int // of this interval
	sentEarly  int // records of this interval that went before its end
	records    uint64
	folded     uint64 // records, by the end of the last interval
	isFolding  bool   // some were in that interval
	offset     int64
	generation uint32
	cutting    bool
	uncut      map[int]struct{} // engines whose cut is awaited
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
		opts.Monotonic = probe.Monotonic
	}
	return &Capture{opts: opts}
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
	c.swept, c.uncut = make(chan sweepOutcome, 1), map[int]struct{}{}
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
	// Whoever goes by signs of life need not wait for the interval's end.
	c.emit(flow.Batch{Agents: []flow.Agent{c.signOfLife(c.begun.UnixNano(), false)}})
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
	if len(c.sources) > 1 && c.isOn(probe.Forward) {
		c.forwarded = newForwarded()
	}
	c.processes, c.cgroups = newProcessNames("/proc"), newCgroups(probe.CgroupRoot())
	c.denies = newDenies(c.isOn(probe.Drops), c.opts.Interval)
	c.losses = newLosses(c.begun.UnixNano())
	if c.translator != nil {
		c.translations = newTranslations(c.translator, c.opts.MaxTranslations)
	}
	if c.opts.CommandLines != nil {
		var err error
		if c.commands, err = newCommands("/proc", *c.opts.CommandLines); err != nil {
			c.opts.Logger.Warn("Command lines are not recorded", zap.Error(err))
		}
	}
}

// open opens every engine that is wanted and possible.
func (c *Capture) open() error {
	if err := c.findScope(); err != nil {
		return err
	}
	var reasons []string
	for _, e := range c.opts.Engines {
		state := flow.Engine{Name: e.Name}
		switch err := c.openEngine(e, len(c.engines)); {
		case !c.opts.Enabled[e.Name]:
			state.Detail = "turned off in the configuration"
		case errors.Is(err, probe.ErrUnneeded):
			state.Detail = err.Error()
			c.opts.Logger.Info("Engine is off", zap.String("engine", e.Name), zap.Error(err))
		case err != nil:
			state.Detail = err.Error()
			c.degraded(state)
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
		if c.translator != nil {
			_ = c.translator.Close() // there is nothing to translate
			c.translator = nil
		}
		if c.resolver != nil {
			_ = c.resolver.source.Close() // what matters is that nothing is recorded
			c.resolver = nil
		}
		return fmt.Errorf("start capture: no engine can run: %s", strings.Join(reasons, "; "))
	}
	return nil
}

// findScope decides whose sockets count. To record others' is worse than nothing where
// somebody asked for less.
func (c *Capture) findScope() error {
	scope, err := probe.FindScope(c.opts.CgroupRoot)
	switch {
	case err != nil && c.opts.CgroupRoot != "":
		return fmt.Errorf("start capture: cgroup_root: %w", err)
	case err != nil:
		c.opts.Logger.Warn("Sockets of every control group are recorded: which are this node's is not known", zap.Error(err))
	case !scope.Everything():
		c.opts.Logger.Info("Only sockets of this control group and those below it are recorded", zap.String("group", scope.Dir()))
	}
	c.opts.Probe.Scope = scope
	return nil
}

func (c *Capture) degraded(e flow.Engine) {
	if c.opts.Observe.Degraded != nil {
		c.opts.Observe.Degraded(fmt.Errorf("engine %s is off: %s", e.Name, e.Detail))
	}
}

func (c *Capture) openEngine(e probe.Engine, index int) error {
	if !c.opts.Enabled[e.Name] {
		return nil
	}
	if err := e.Missing(); err != nil {
		return err
	}
	if e.OpenTranslator != nil {
		var err error
		c.translator, err = e.OpenTranslator(c.opts.Probe)
		c.translating = index
		return err
	}
	if e.OpenDNS != nil {
		s, err := e.OpenDNS(c.opts.Probe)
		if err == nil {
			c.resolver = newResolver(s, index, c.opts)
		}
		return err
	}
	opts := c.opts.Probe
	opts.Warn = func(err error) {
		c.opts.Logger.Warn("Engine is limited", zap.String("engine", e.Name), zap.Error(err))
	}
	s, err := e.Open(opts)
	if err != nil {
		return err
	}
	c.sources = append(c.sources, source{Source: s, engine: index})
	return nil
}

// isOn tells whether an engine runs.
func (c *Capture) isOn(engine string) bool {
	for i := range c.engines {
		if c.engines[i].Name == engine {
			return c.engines[i].On
		}
	}
	return false
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
	if c.translator != nil {
		errs = append(errs, c.translator.Close())
	}
	if c.resolver != nil {
		errs = append(errs, c.resolver.source.Close())
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
