//go:build linux

package capture

import (
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
)

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
		case <-ticker.C:
			if !c.cutting {
				c.beginCut()
			}
		case <-stop:
			stop, stopping = nil, true
		}
		if c.cutting && c.sweepDone && len(c.uncut) == 0 {
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
	c.translate(b.events)
	c.listen()
	for i := range b.events {
		c.event(&b.events[i])
	}
	c.events += len(b.events)
	c.free <- b.buffer
	if b.failed != nil {
		c.turnOff(b.engine, b.failed)
	}
	if b.cut || b.failed != nil {
		delete(c.uncut, b.engine)
	}
}

// translate completes events by their translations. It says once why it cannot.
func (c *Capture) translate(events []probe.Event) {
	err := c.translations.complete(events)
	if err != nil && c.engines[c.translating].Detail == "" {
		c.engines[c.translating].Detail = err.Error()
		c.opts.Logger.Error("Translations are not known", zap.Error(err))
	}
}

// turnOff notes that an engine has failed for good.
func (c *Capture) turnOff(engine int, err error) {
	c.opts.Logger.Error("Engine stopped", zap.String("engine", c.engines[engine].Name), zap.Error(err))
	c.engines[engine].On = false
	c.engines[engine].Detail = err.Error()
	c.degraded(c.engines[engine])
}

func (c *Capture) event(ev *probe.Event) {
	if ev.Reporter == flow.ReporterForward && ev.Kind != probe.Dropped {
		if c.forwarded == nil || !c.forwarded.hold(ev) {
			c.add(c.now, ev, flow.Name{}, flow.Name{}, false)
		}
		return
	}
	process := c.processes.of(ev)
	// What is dropped may come from anywhere, and claim to be from anywhere.
	if ev.Kind != probe.Dropped && c.places.learn(ev.Local.Addr(), ev.NetNS) {
		c.peers.learnLocal(ev.Local.Addr())
	}
	if ev.Kind == probe.Listen || ev.Kind == probe.Unlisten {
		c.places.listen(ev, process)
		return
	}
	c.commands.of(ev) // what is held has its turn when the process may have gone
	if c.forwarded != nil && ev.Kind != probe.Dropped {
		c.forwarded.reported(ev)
	}
	if c.denies.hold(ev, process, c.cutting) {
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
	} else if ev.Reporter == flow.ReporterSource && c.resolver != nil {
		c.resolver.describe(&c.scratch, ev)
	}
	c.put(into)
}

// put merges the scratch record into a table.
func (c *Capture) put(into *table) {
	into.add(&c.scratch)
	if into.len() >= c.opts.MaxFlows {
		c.sentEarly += into.len()
		c.emit(flow.Batch{Flows: into.take()})
	}
}
