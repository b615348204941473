//go:build linux

package capture

import (
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
)

// beginCut starts the sweep that ends the interval.
func (c *Capture) beginCut() {
	c.cutting, c.sweepDone = true, false
	c.generation++
	var alive []source
	for _, s := range c.sources {
		if c.engines[s.engine].On {
			alive = append(alive, s)
			c.uncut[s.engine] = struct{}{}
		}
	}
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
	c.settleDenies(last)
	late := c.settle(last)
	if last {
		c.now.flows = append(c.now.take(), c.next.take()...)
	}
	flows := append(c.now.take(), late.take()...)
	c.now, c.next = c.next, c.now

	end := c.opts.Now().UnixNano()
	outbox := c.outbox.state()
	batch := flow.Batch{Flows: flows, Losses: c.countLosses(end, outbox.dropped)}
	batch.Agents = []flow.Agent{c.signOfLife(end, last)}
	folded := c.noteFolded(&outbox)
	if c.opts.Observe.Interval != nil {
		names, evicted := c.resolver.count()
		c.opts.Observe.Interval(Interval{
			Events: c.events, Records: c.sentEarly + len(flows), Connections: c.sweep.Live, Deferred: c.sweep.Deferred,
			Waiting: outbox.waiting, Folded: folded, Sweep: c.sweep.took, Losses: batch.Losses,
			Translations: c.translations.takeCounts(),
			Names:        names, Evicted: evicted,
		})
	}
	c.emit(batch)
	c.events, c.sentEarly = 0, 0
	c.peers.cut()
	c.denies.cut()
	if c.forwarded != nil {
		c.forwarded.cut(c.opts.Monotonic())
	}
	c.places.cut()
	c.cgroups.cut()
	c.commands.cut()
	if c.resolver != nil {
		c.resolver.cut(c.opts.Monotonic())
	}
	c.setOffset()
}

// settleDenies tells what was denied in the interval. The last interval waits for
// nobody.
func (c *Capture) settleDenies(last bool) {
	denials, others := c.denies.settle(last, c.places.local)
	for i := range denials {
		c.buildDenial(&c.scratch, &denials[i], c.offset)
		c.resolver.nameDenial(&c.scratch, &denials[i].event)
		c.put(c.now)
	}
	for i := range others {
		h := &others[i]
		if h.event.Kind != probe.Failed {
			c.peers.reported(&h.event, h.process)
		}
		c.add(c.now, &h.event, h.process, flow.Name{}, false)
	}
}

// settle decides about the events that waited for the reports of others. Those
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
		from := sourceOf(&w.event).Addr()
		local := c.places.local(from)
		if !ok && local && !w.late && !last {
			w.late = true
			c.peers.waiting = append(c.peers.waiting, *w)
			continue
		}
		if !local {
			c.peers.learnRemote(from)
		}
		c.add(into, &w.event, c.processes.of(&w.event), source, ok)
	}
	if c.forwarded != nil {
		for _, ev := range c.forwarded.settle(last) {
			c.add(late, &ev, flow.Name{}, flow.Name{}, false)
		}
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

// noteFolded returns how many records were folded in the interval. It says so when that
// begins.
func (c *Capture) noteFolded(outbox *outboxState) uint64 {
	folded := outbox.folded - c.folded
	if folded > 0 && !c.isFolding {
		c.opts.Logger.Warn("The pipeline takes fewer records than there are: the oldest are added up without their peers, totals stay exact",
			zap.Int("waiting", outbox.waiting), zap.NamedError("refused", outbox.lastErr))
	}
	c.folded, c.isFolding = outbox.folded, folded > 0
	return folded
}

func (c *Capture) countLosses(end int64, dropped uint64) []flow.Loss {
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
	dns := c.dnsLosses()
	sum.DNS += dns.DNS
	sum.Undecodable += dns.Undecodable
	for _, record := range c.outbox.takeReturned() {
		c.losses.returned(&record)
	}
	c.losses.observe(sum, dropped)
	return c.losses.records(end)
}

// signOfLife is the sign that is sent at a time. The last says so, for what happens
// from then on nobody records.
func (c *Capture) signOfLife(at int64, last bool) flow.Agent {
	cpu, memory := usage()
	return flow.Agent{
		Observer:    c.opts.Observer,
		Time:        at,
		Started:     c.begun.UnixNano(),
		Version:     c.opts.Version,
		Interval:    int64(c.opts.Interval),
		Ended:       last,
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
