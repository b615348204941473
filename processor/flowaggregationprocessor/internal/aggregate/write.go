package aggregate

import (
	"encoding/binary"
	"net/netip"
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
	for _, g := range w.order[from:to] {
		rec := wr.record(w, g)
		records, ok := resources[string(rec.resource)]
		if !ok {
			rl := logs.ResourceLogs().AppendEmpty()
			flow.PutObserver(rl.Resource().Attributes(), rec.flow.Observer)
			rec.putOthers(rl.Resource().Attributes(), true)
			sl := rl.ScopeLogs().AppendEmpty()
			sl.Scope().SetName(flow.ScopeName)
			records = sl.LogRecords()
			records.EnsureCapacity(to - from)
			resources[string(rec.resource)] = records
		}
		lr := records.AppendEmpty()
		flow.PutFlow(lr, &rec.flow, now)
		rec.putOthers(lr.Attributes(), false)
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
	entry     *entry
}

func (wr *Writer) record(w *Window, g *group) written {
	plan := w.classes[g.class()].Chain[g.stage()]
	rec := written{flow: flow.Flow{ID: wr.ID(), Aggregation: &flow.Aggregation{Level: plan.Level}}}
	for i, sym := range w.valuesOf(g) {
		if sym == several {
			continue
		}
		a, e := w.schema.of(i), &w.dictionary.entries[sym]
		if a.resource {
			rec.resource = binary.NativeEndian.AppendUint32(append(rec.resource, byte(i)), uint32(sym))
		}
		if v, ok := e.value(a.typ); !ok || a.field.Set(&rec.flow, v) != nil {
			rec.others = append(rec.others, other{a, e})
		}
	}
	for i := range g.measures.slots.all() {
		a := &w.schema.attributes[w.schema.measures[i]]
		// What does not fit has been out of range when it came, too.
		_ = a.field.Set(&rec.flow, flow.Value{Type: a.typ, Int: *g.measures.at(i)})
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

// value returns e as a value of a type of the registry; there is none when it has
// another form.
func (e *entry) value(typ flow.Type) (flow.Value, bool) {
	v := flow.Value{Type: typ}
	switch {
	case typ == flow.Keyword && e.typ == flow.Keyword:
		v.Str = e.text
	case typ == flow.Address && e.typ == flow.Keyword:
		addr, err := netip.ParseAddr(e.text)
		if err != nil {
			return v, false
		}
		v.Addr = addr
	case (typ == flow.Integer || typ == flow.Boolean || typ == flow.Time) && e.typ == flow.Integer:
		v.Int = e.number
	case typ == flow.Keywords && e.typ == flow.Keywords:
		v.List = e.list
	case typ == flow.Map && e.typ == flow.Map:
		v.Map = e.labels
	default:
		return v, false
	}
	return v, true
}

// putOthers adds what a Flow does not have, to a record or its resource.
func (rec *written) putOthers(attrs pcommon.Map, resource bool) {
	for _, o := range rec.others {
		if o.attribute.resource != resource {
			continue
		}
		v := attrs.PutEmpty(o.attribute.name)
		switch {
		case o.entry.other != nil:
			o.entry.other.CopyTo(v)
		case o.entry.typ == flow.Integer:
			v.SetInt(o.entry.number)
		default:
			v.SetStr(o.entry.text)
		}
	}
}
