package flowaggregationprocessor

import (
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowaggregationprocessor/internal/aggregate"
)

// plan is a configuration on trial. It merges, and counts instead of passing on.
type plan struct {
	name    string
	windows *aggregate.Aggregator
	rules   *rules
	writer  aggregate.Writer
	ids     flow.ID

	// mu is held while records are added, and while windows are taken.
	mu sync.Mutex
	// came is what came to each open window, by its start, of each class.
	came map[int64][]amount

	// outcomes are of each class since they were last read. One goroutine at a time settles
	// and reads them.
	outcomes []outcome
}

// outcome is what came, and what would have been left of it.
type outcome struct{ came, left amount }

func (o *outcome) plus(other outcome) {
	o.came.plus(other.came)
	o.left.plus(other.left)
}

// amount is records and their size, each by itself in OTLP's protobuf form: without the
// resource, which many share.
type amount struct{ records, bytes int64 }

func (a *amount) add(lr plog.LogRecord) {
	a.records++
	a.bytes += int64((&plog.ProtoMarshaler{}).LogRecordSize(lr))
}

func (a *amount) plus(b amount) {
	a.records += b.records
	a.bytes += b.bytes
}

func newPlan(name string, config *Config, settings component.TelemetrySettings, failed func(error)) (*plan, error) {
	p := &plan{name: name, ids: newIDs(time.Now()), came: make(map[int64][]amount)}
	p.writer = aggregate.Writer{Values: config.MaxValues, Now: time.Now, ID: func() flow.ID {
		p.ids.Counter++
		return p.ids
	}}
	var err error
	if p.windows, p.rules, err = newWindows(config, settings, p.ids.Node, time.Now, failed); err != nil {
		return nil, err
	}
	p.outcomes = make([]outcome, len(p.rules.classes))
	return p, nil
}

func (p *plan) add(logs plog.Logs) aggregate.Added {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.windows.Add(logs, p.class, func(plog.ResourceLogs, plog.ScopeLogs, plog.LogRecord) {})
}

// class is that of the rules, which also counts the record.
func (p *plan) class(rec *aggregate.Record) int {
	c := p.rules.class(rec)
	came := p.came[rec.Window()]
	if came == nil {
		came = make([]amount, len(p.rules.classes))
		p.came[rec.Window()] = came
	}
	came[c].add(rec.Log)
	return c
}

// settle counts what windows that are due, or all, would have been written as. What came
// counts with the window that it was for, so that the two belong together.
func (p *plan) settle(all bool) {
	for _, w := range p.take(all) {
		for i := range w.Len() {
			lr := p.writer.Write(w, i, i+1).ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
			p.outcomes[w.Class(i)].left.add(lr)
		}
		p.windows.Done(w)
	}
}

func (p *plan) take(all bool) []*aggregate.Window {
	p.mu.Lock()
	defer p.mu.Unlock()
	taken := p.windows.Take(all)
	for _, w := range taken {
		for start, came := range p.came {
			if start < w.Start || start >= w.End { // of another; w may be several that were joined
				continue
			}
			for c := range came {
				p.outcomes[c].came.plus(came[c])
			}
			delete(p.came, start)
		}
	}
	return taken
}
