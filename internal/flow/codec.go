package flow

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// ScopeName is the instrumentation scope of the records that Encode writes.
const ScopeName = "github.com/otelcol-flowlogs/otelcol-flowlogs"

// Batch is a set of records of the three kinds, as they travel together.
type Batch struct {
	Flows  []Flow
	Losses []Loss
	Agents []Agent
}

// Len is the number of records of all kinds.
func (b *Batch) Len() int { return len(b.Flows) + len(b.Losses) + len(b.Agents) }

// Encode turns batch into OTLP logs, one resource for each observer in it.
// observed is when the collector got hold of the records.
func Encode(batch *Batch, observed time.Time) plog.Logs {
	e := encoder{
		logs:     plog.NewLogs(),
		observed: pcommon.NewTimestampFromTime(observed),
		scopes:   make(map[Observer]plog.LogRecordSlice, 1),
	}
	for i := range batch.Flows {
		f := &batch.Flows[i]
		lr := e.records(f.Observer, len(batch.Flows)).AppendEmpty()
		e.attributes = putFlow(lr, f, e.observed, e.attributes)
	}
	for i := range batch.Losses {
		l := &batch.Losses[i]
		lr := e.records(l.Observer, len(batch.Losses)).AppendEmpty()
		put(lr, Losses, l, EventLoss, l.End, e.observed, len(Losses.fields))
		warn(lr)
	}
	for i := range batch.Agents {
		a := &batch.Agents[i]
		lr := e.records(a.Observer, len(batch.Agents)).AppendEmpty()
		put(lr, Agents, a, EventAgent, a.Time, e.observed, len(Agents.fields))
	}
	return e.logs
}

// PutObserver writes o into the attributes of a resource, which has none of them yet.
func PutObserver(resource pcommon.Map, o Observer) {
	probe := Flow{Observer: o}
	for i := range Flows.fields {
		if f := &Flows.fields[i]; f.Resource {
			v := f.get(&probe)
			putValue(resource, f.Name, &v)
		}
	}
}

// ObserverOf is the inverse of PutObserver: what the attributes of a resource tell of the
// observer. Those of the wrong type tell nothing.
func ObserverOf(resource pcommon.Map) Observer {
	var f Flow
	for name, pv := range resource.All() {
		field := Flows.Lookup(name)
		if field == nil || !field.Resource {
			continue
		}
		if v, err := fromAttribute(field.Type, pv); err == nil {
			_ = field.set(&f, v) // names are never refused
		}
	}
	return f.Observer
}

// PutFlow writes f into lr, which is empty; its observer is the resource's. To the
// attributes others may be added, whose names the registry does not know.
func PutFlow(lr plog.LogRecord, f *Flow, observed time.Time) {
	putFlow(lr, f, pcommon.NewTimestampFromTime(observed), len(Flows.fields)/2)
}

func putFlow(lr plog.LogRecord, f *Flow, observed pcommon.Timestamp, expect int) (attributes int) {
	put(lr, Flows, f, EventFlow, f.End, observed, expect)
	if f.Action == Deny {
		warn(lr)
	}
	return lr.Attributes().Len()
}

func warn(lr plog.LogRecord) {
	lr.SetSeverityNumber(plog.SeverityNumberWarn)
	lr.SetSeverityText("WARN")
}

type encoder struct {
	logs     plog.Logs
	observed pcommon.Timestamp
	scopes   map[Observer]plog.LogRecordSlice
	// last avoids the map for runs of records of one observer, the usual case.
	last      Observer
	lastScope plog.LogRecordSlice
	used      bool
	// attributes is how many the flow before had: room for all that there may be would be
	// a fifth of what encoding allocates.
	attributes int
}

// records returns where the records of observer go.
func (e *encoder) records(observer Observer, expect int) plog.LogRecordSlice {
	if e.used && e.last == observer {
		return e.lastScope
	}
	records, ok := e.scopes[observer]
	if !ok {
		rl := e.logs.ResourceLogs().AppendEmpty()
		PutObserver(rl.Resource().Attributes(), observer)
		sl := rl.ScopeLogs().AppendEmpty()
		sl.Scope().SetName(ScopeName)
		records = sl.LogRecords()
		records.EnsureCapacity(expect)
		e.scopes[observer] = records
	}
	e.last, e.lastScope, e.used = observer, records, true
	return records
}

// put writes record into lr, with room for as many attributes as are expected.
func put[T any](lr plog.LogRecord, registry *Registry[T], record *T, event string, at int64, observed pcommon.Timestamp, expect int) {
	lr.SetEventName(event)
	lr.SetTimestamp(pcommon.Timestamp(at))
	lr.SetObservedTimestamp(observed)
	lr.SetSeverityNumber(plog.SeverityNumberInfo)
	lr.SetSeverityText("INFO")
	attrs := lr.Attributes()
	attrs.EnsureCapacity(expect)
	var s sections[T]
	for i := range registry.fields {
		f := &registry.fields[i]
		if !f.Resource && !s.absent(f, record) {
			v := f.get(record)
			putValue(attrs, f.Name, &v)
		}
	}
}

// putValue adds an attribute that is known not to be there yet; v stays as it is.
func putValue(attrs pcommon.Map, name string, v *Value) {
	switch v.Type {
	case Keyword:
		attrs.PutStr(name, v.Str)
	case Address:
		attrs.PutStr(name, v.Addr.String())
	case Integer, Time:
		attrs.PutInt(name, v.Int)
	case Boolean:
		attrs.PutBool(name, v.Int != 0)
	case Keywords:
		list := attrs.PutEmptySlice(name)
		list.EnsureCapacity(len(v.List))
		for _, s := range v.List {
			list.AppendEmpty().SetStr(s)
		}
	case Map:
		m := attrs.PutEmptyMap(name)
		m.EnsureCapacity(v.Map.Len())
		for key, value := range v.Map.All() {
			m.PutStr(key, value)
		}
	}
}

// Rejected says which records Decode could not read.
type Rejected struct {
	// Count is how many there were, First why the first of them was refused.
	Count int
	First error
}

func (r *Rejected) add(err error) {
	if r.Count == 0 {
		r.First = err
	}
	r.Count++
}

// Err is nil when nothing was rejected.
func (r *Rejected) Err() error {
	if r.Count == 0 {
		return nil
	}
	return fmt.Errorf("%d of the log records are not flow records: %w", r.Count, r.First)
}

// Decode is the inverse of Encode. Attributes that the registry does not know
// are passed over; a log record that is of none of the three kinds, or that has
// an attribute of the wrong type, is rejected and the others are still decoded.
func Decode(logs plog.Logs) (Batch, Rejected) {
	var (
		batch    Batch
		rejected Rejected
	)
	for _, rl := range logs.ResourceLogs().All() {
		resource := rl.Resource().Attributes()
		for _, sl := range rl.ScopeLogs().All() {
			for i, lr := range sl.LogRecords().All() {
				var err error
				left := sl.LogRecords().Len() - i
				switch name := lr.EventName(); name {
				case EventFlow:
					batch.Flows, err = decode(batch.Flows, Flows, resource, lr, left)
				case EventLoss:
					batch.Losses, err = decode(batch.Losses, Losses, resource, lr, left)
				case EventAgent:
					batch.Agents, err = decode(batch.Agents, Agents, resource, lr, left)
				default:
					err = fmt.Errorf("event name is %q: want %s, %s or %s", name, EventFlow, EventLoss, EventAgent)
				}
				if err != nil {
					rejected.add(err)
				}
			}
		}
	}
	return batch, rejected
}

// DecodeAgent decodes one sign of life of the observer that resource names.
func DecodeAgent(resource pcommon.Map, lr plog.LogRecord) (Agent, error) {
	one, err := decode[Agent](nil, Agents, resource, lr, 1)
	if err != nil {
		return Agent{}, err
	}
	return one[0], nil
}

// decode appends the record in lr to records, or leaves them as they are and
// returns an error. left is how many more may follow, lr included: most logs are
// of one kind, so room for all of them is made at once.
func decode[T any](records []T, registry *Registry[T], resource pcommon.Map, lr plog.LogRecord, left int) ([]T, error) {
	n := len(records)
	if n == cap(records) {
		records = slices.Grow(records, left)
	}
	records = append(records, *new(T))
	record := &records[n]
	for _, attrs := range [...]pcommon.Map{resource, lr.Attributes()} {
		next := 0
		for name, pv := range attrs.All() {
			f := registry.lookupFrom(&next, name)
			if f == nil {
				continue
			}
			v, err := fromAttribute(f.Type, pv)
			if err == nil && f.set != nil {
				err = f.set(record, v)
			}
			if err != nil {
				return records[:n], fmt.Errorf("attribute %s: %w", name, err)
			}
		}
	}
	return records, nil
}

func fromAttribute(want Type, pv pcommon.Value) (Value, error) {
	v := Value{Type: want}
	switch {
	case want == Keyword && pv.Type() == pcommon.ValueTypeStr:
		v.Str = pv.Str()
	case want == Address && pv.Type() == pcommon.ValueTypeStr:
		addr, err := netip.ParseAddr(pv.Str())
		if err != nil {
			return Value{}, err
		}
		v.Addr = addr
	case (want == Integer || want == Time) && pv.Type() == pcommon.ValueTypeInt:
		v.Int = pv.Int()
	case (want == Integer || want == Time) && pv.Type() == pcommon.ValueTypeDouble && pv.Double() == float64(int64(pv.Double())):
		v.Int = int64(pv.Double()) // a step through JSON makes doubles of integers
	case want == Boolean && pv.Type() == pcommon.ValueTypeBool:
		if pv.Bool() {
			v.Int = 1
		}
	case want == Keywords && pv.Type() == pcommon.ValueTypeSlice:
		for _, item := range pv.Slice().All() {
			v.List = append(v.List, item.AsString())
		}
	case want == Map && pv.Type() == pcommon.ValueTypeMap:
		list := make([]Label, 0, pv.Map().Len())
		for key, value := range pv.Map().All() {
			list = append(list, Label{key, value.AsString()})
		}
		v.Map = LabelsOf(list...)
	default:
		return Value{}, fmt.Errorf("want a value of type %s, got %s", want, pv.Type())
	}
	return v, nil
}
