package aggregate

import (
	"encoding/binary"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// Writer makes log records of groups.
type Writer struct {
	// Values is how many values a list shows.
	Values int
	// ID returns the id of the next record.
	ID func() flow.ID
	// Now is the clock.
	Now func() time.Time
}

// Write returns the records of the groups of a window that was taken, from one up to
// another.
func (wr *Writer) Write(w *Window, from, to int) plog.Logs {
	logs, now := plog.NewLogs(), wr.Now()
	resources := make(map[string]plog.LogRecordSlice)
	for _, g := range w.groups[from:to] {
		rec := wr.record(w, g)
		records, ok := resources[string(rec.resource)]
		if !ok {
			rl := logs.ResourceLogs().AppendEmpty()
			flow.PutObserver(rl.Resource().Attributes(), rec.flow.Observer)
			rec.putOthers(rl.Resource().Attributes(), w.dictionary, true)
			sl := rl.ScopeLogs().AppendEmpty()
			sl.Scope().SetName(flow.ScopeName)
			records = sl.LogRecords()
			records.EnsureCapacity(to - from)
			resources[string(rec.resource)] = records
		}
		lr := records.AppendEmpty()
		flow.PutFlow(lr, &rec.flow, now)
		rec.putOthers(lr.Attributes(), w.dictionary, false)
	}
	return logs
}

// written is a group on its way out.
type written struct {
	flow flow.Flow
	// others are values that a Flow does not have.
	others []other
	// resource has the symbols of what belongs to the resource.
	resource []byte
}

type other struct {
	attribute *attribute
	symbol    symbol
}

func (wr *Writer) record(w *Window, g *group) written {
	plan := w.classes[g.class].Chain[g.stage]
	rec := written{flow: flow.Flow{ID: wr.ID(), Aggregation: &flow.Aggregation{Level: plan.Level}}}
	for i := range g.values.slots.all() {
		sym := g.values.at(i)
		if sym == several {
			continue
		}
		a := w.schema.dimensions[i]
		if a.resource {
			rec.resource = binary.NativeEndian.AppendUint32(append(rec.resource, byte(i)), uint32(sym))
		}
		if v, ok := w.dictionary.value(sym, a.typ); !ok || a.field.Set(&rec.flow, v) != nil {
			rec.others = append(rec.others, other{a, sym})
		}
	}
	for i := range g.measured().all() {
		a := w.schema.measures[i]
		// What does not fit has been out of range when it came, too.
		_ = a.field.Set(&rec.flow, flow.Value{Type: a.typ, Int: g.measure(i)})
	}
	for _, l := range g.lists {
		wr.list(w, l, &rec.flow)
	}
	return rec
}

// list writes the values of an attribute that has several.
func (wr *Writer) list(w *Window, l *distinct, f *flow.Flow) {
	names := flow.Listings()[l.listing]
	n, estimated := l.count()
	values := l.most(w.dictionary, wr.Values)
	if names.List == names.Of {
		_ = flow.Flows.Lookup(names.Of).Set(f, flow.Value{Type: flow.Keywords, List: values}) // any list will do
		values = flow.Flows.Lookup(names.Of).Get(f).List
	} else {
		f.Aggregation.Lists[l.listing].Values = values
	}
	if n <= uint64(len(values)) {
		return
	}
	f.Aggregation.Lists[l.listing].Count = n
	if estimated {
		f.Aggregation.Estimated = f.Aggregation.Estimated.Union(flow.NameSetOf(flow.Intern(names.Count)))
	}
}

// putOthers adds what a Flow does not have, to a record or its resource.
func (rec *written) putOthers(attrs pcommon.Map, d *dictionary, resource bool) {
	for _, o := range rec.others {
		if o.attribute.resource != resource {
			continue
		}
		v := attrs.PutEmpty(o.attribute.name)
		switch e := d.at(o.symbol); e.typ {
		case flow.Keyword:
			v.SetStr(e.text)
		case flow.Integer:
			v.SetInt(e.number)
		default:
			d.allOthers[e.number].CopyTo(v)
		}
	}
}
