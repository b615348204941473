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
	e := NewEncoder(observed, batch.Len())
	for i := range batch.Flows {
		e.Flow(&batch.Flows[i])
	}
	for i := range batch.Losses {
		e.Loss(&batch.Losses[i])
	}
	for i := range batch.Agents {
		a := &batch.Agents[i]
		encode(e, Agents, a, a.Observer, EventAgent, a.Time)
	}
	return e.Logs()
}

// Encoder is Encode for records that come one by one.
type Encoder struct {
	logs     plog.Logs
	observed pcommon.Timestamp
	expect   int
	scopes   map[Observer]plog.LogRecordSlice
	// last avoids the map for runs of records of one observer, the usual case.
	last      Observer
	lastScope plog.LogRecordSlice
	used      bool
	// event and attributes are the kind and the size of the record before.
	event      string
	attributes int
}

// NewEncoder returns an Encoder that makes room for expect records.
func NewEncoder(observed time.Time, expect int) *Encoder {
	return &Encoder{
		logs:     plog.NewLogs(),
		observed: pcommon.NewTimestampFromTime(observed),
		expect:   expect,
		scopes:   make(map[Observer]plog.LogRecordSlice, 1),
	}
}

// Logs returns what was encoded.
func (e *Encoder) Logs() plog.Logs { return e.logs }

// Flow adds f and returns its log record, to which attributes may be added that the
// registry does not know.
func (e *Encoder) Flow(f *Flow) plog.LogRecord {
	lr := encode(e, Flows, f, f.Observer, EventFlow, f.End)
	if f.Action == Deny {
		warn(lr)
	}
	return lr
}

// Loss adds l.
func (e *Encoder) Loss(l *Loss) { warn(encode(e, Losses, l, l.Observer, EventLoss, l.End)) }

func warn(lr plog.LogRecord) {
	lr.SetSeverityNumber(plog.SeverityNumberWarn)
	lr.SetSeverityText("WARN")
}

// records returns where the records of observer go.
func (e *Encoder) records(observer Observer) plog.LogRecordSlice {
	if e.used && e.last == observer {
		return e.lastScope
	}
	records, ok := e.scopes[observer]
	if !ok {
		rl := e.logs.ResourceLogs().AppendEmpty()
		probe := Flow{Observer: observer}
		for i := range Flows.fields {
			if f := &Flows.fields[i]; f.Resource {
				v := f.get(&probe)
				put(rl.Resource().Attributes(), f.Name, &v)
			}
		}
		sl := rl.ScopeLogs().AppendEmpty()
		sl.Scope().SetName(ScopeName)
		records = sl.LogRecords()
		records.EnsureCapacity(e.expect)
		e.scopes[observer] = records
	}
	e.last, e.lastScope, e.used = observer, records, true
	return records
}

func encode[T any](e *Encoder, registry *Registry[T], record *T, observer Observer, event string, at int64) plog.LogRecord {
	lr := e.records(observer).AppendEmpty()
	lr.SetEventName(event)
	lr.SetTimestamp(pcommon.Timestamp(at))
	lr.SetObservedTimestamp(e.observed)
	lr.SetSeverityNumber(plog.SeverityNumberInfo)
	lr.SetSeverityText("INFO")
	attrs := lr.Attributes()
	attrs.EnsureCapacity(e.expectAttributes(event, len(registry.fields)))
	var s sections[T]
	for i := range registry.fields {
		f := &registry.fields[i]
		if !f.Resource && !s.absent(f, record) {
			v := f.get(record)
			put(attrs, f.Name, &v)
		}
	}
	e.event, e.attributes = event, attrs.Len()
	return lr
}

// expectAttributes guesses how many attributes a record will have: as many as
// the one before, if that was of the same kind. Room for all of them would be a
// fifth of what encoding allocates.
func (e *Encoder) expectAttributes(event string, most int) int {
	if e.event == event {
		return e.attributes
	}
	return most
}

// put adds an attribute that is known not to be there yet; v stays as it is.
func put(attrs pcommon.Map, name string, v *Value) {
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
