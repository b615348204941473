package flowstoretest

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/filter"
)

// Model answers every query from slices; it is what a store's answers are
// compared with. It may be read by many goroutines once it is filled.
type Model struct {
	Flows  []flow.Flow
	Losses []flow.Loss
	Agents []flow.Agent
	ids    map[flow.ID]bool
}

// Write adds what is new in batch, in the form in which a store keeps it.
func (m *Model) Write(batch *flow.Batch) {
	for _, f := range batch.Flows {
		if m.add(f.ID) {
			f.Source.Address, f.Destination.Address = f.Source.Address.Unmap(), f.Destination.Address.Unmap()
			m.Flows = append(m.Flows, f)
		}
	}
	for _, l := range batch.Losses {
		if m.add(l.ID) {
			m.Losses = append(m.Losses, l)
		}
	}
	for _, a := range batch.Agents {
		if m.add(a.ID) {
			m.Agents = append(m.Agents, a)
		}
	}
}

func (m *Model) add(id flow.ID) bool {
	if m.ids == nil {
		m.ids = make(map[flow.ID]bool)
	}
	if m.ids[id] {
		return false
	}
	m.ids[id] = true
	return true
}

func compareID(a, b flow.ID) int {
	return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Counter, b.Counter))
}

func (m *Model) selected(sel *flowstore.Selection) []flow.Flow {
	var out []flow.Flow
	for i := range m.Flows {
		if sel.Includes(&m.Flows[i]) {
			out = append(out, m.Flows[i])
		}
	}
	return out
}

// Sorted returns the selected records in the order of Reader.Flows.
func (m *Model) Sorted(sel *flowstore.Selection) []flow.Flow {
	out := m.selected(sel)
	slices.SortFunc(out, func(a, b flow.Flow) int {
		return cmp.Or(cmp.Compare(b.End, a.End), compareID(a.ID, b.ID))
	})
	return out
}

// Groups answers the query.
func (m *Model) Groups(q *flowstore.GroupsQuery) flowstore.Groups {
	var answer flowstore.Groups
	byKey := make(map[string]*flowstore.Group)
	var all []*flowstore.Group
	if len(q.By) == 0 {
		all = append(all, &flowstore.Group{Key: []flow.Value{}})
		byKey[""] = all[0]
	}
	for _, f := range m.selected(&q.Selection) {
		var key strings.Builder
		values := make([]flow.Value, len(q.By))
		for i, field := range q.By {
			values[i] = field.Get(&f)
			key.WriteByte(byte('0' + values[i].Type))
			key.WriteString(values[i].String() + "\x00")
		}
		group := byKey[key.String()]
		if group == nil {
			group = &flowstore.Group{Key: values}
			byKey[key.String()] = group
			all = append(all, group)
		}
		addTo(group, &f)
		addTo(&answer.Total, &f)
	}
	slices.SortFunc(all, func(a, b *flowstore.Group) int {
		return cmp.Or(cmp.Compare(measure(b, q.Sort), measure(a, q.Sort)), slices.CompareFunc(a.Key, b.Key, compareValues))
	})
	answer.Count = len(all)
	for i, group := range all {
		if i < q.Limit {
			answer.Groups = append(answer.Groups, meaning(*group))
		}
	}
	answer.Total = meaning(answer.Total)
	return answer
}

func addTo(group *flowstore.Group, f *flow.Flow) {
	if group.Records == 0 {
		group.Sum = *f
	} else {
		group.Sum.Merge(f)
	}
	group.Records++
	if f.Action == flow.Deny {
		group.Denied += f.Connections.Seen
	}
}

// meaning leaves in a group's sum only what a sum means.
func meaning(group flowstore.Group) flowstore.Group {
	s := &group.Sum
	end := func(e *flow.Endpoint) flow.Endpoint {
		return flow.Endpoint{Bytes: e.Bytes, Packets: e.Packets, PayloadBytes: e.PayloadBytes}
	}
	s.Connections.Open = 0
	group.Sum = flow.Flow{
		Start: s.Start, End: s.End, Source: end(&s.Source), Destination: end(&s.Destination), Connections: s.Connections, TCP: s.TCP,
	}
	return group
}

func measure(group *flowstore.Group, sort flowstore.Sort) uint64 {
	s := &group.Sum
	switch sort.Measure {
	case flowstore.MeasurePackets:
		return s.Source.Packets + s.Destination.Packets
	case flowstore.MeasureConnections:
		return s.Connections.Started
	case flowstore.MeasureDenied:
		return group.Denied
	case flowstore.MeasureCounter:
		return uint64(sort.Counter.Get(s).Int)
	default:
		return s.Source.Bytes + s.Destination.Bytes
	}
}

// compareValues orders values of one type, an absent one first.
func compareValues(a, b flow.Value) int {
	switch {
	case !a.Present() || !b.Present():
		return cmp.Compare(a.Type, b.Type)
	case a.Type == flow.Address:
		return a.Addr.Compare(b.Addr)
	case a.Type == flow.Keyword:
		return bytes.Compare([]byte(a.Str), []byte(b.Str))
	default:
		return cmp.Compare(a.Int, b.Int)
	}
}

// Histogram answers the query.
func (m *Model) Histogram(q *flowstore.HistogramQuery) []flowstore.Bucket {
	var buckets []flowstore.Bucket
	first := q.Range.From - q.Range.From%q.Step // generated times are positive
	for start := first; start < q.Range.To; start += q.Step {
		buckets = append(buckets, flowstore.Bucket{Start: start})
	}
	sel := q.Selection
	sel.Range = flowstore.Range{From: first, To: first + int64(len(buckets))*q.Step}
	for _, f := range m.selected(&sel) {
		bucket := &buckets[(f.End-first)/q.Step]
		to, connections := &bucket.Allowed, f.Connections.Started
		if f.Action == flow.Deny {
			to, connections = &bucket.Denied, f.Connections.Seen
		}
		to.Records++
		to.Connections += connections
		to.Bytes += f.Source.Bytes + f.Destination.Bytes
	}
	for _, l := range m.Losses {
		if l.End >= sel.Range.From && l.End < sel.Range.To {
			buckets[(l.End-first)/q.Step].Lost += l.Count
		}
	}
	return buckets
}

// Values answers the query.
func (m *Model) Values(q *flowstore.ValuesQuery) []flowstore.ValueCount {
	var out []flowstore.ValueCount
	at := make(map[string]int)
	for _, f := range m.selected(&q.Selection) {
		v := q.Field.Get(&f)
		if !v.Present() || !strings.HasPrefix(filter.LowerASCII(v.String()), filter.LowerASCII(q.Prefix)) {
			continue
		}
		i, ok := at[v.String()]
		if !ok {
			i = len(out)
			at[v.String()] = i
			out = append(out, flowstore.ValueCount{Value: v})
		}
		out[i].Records++
	}
	slices.SortFunc(out, func(a, b flowstore.ValueCount) int {
		return cmp.Or(cmp.Compare(b.Records, a.Records), compareValues(a.Value, b.Value))
	})
	return out[:min(len(out), q.Limit)]
}

// LossesIn answers Reader.Losses.
func (m *Model) LossesIn(r flowstore.Range) []flow.Loss {
	var out []flow.Loss
	for _, l := range m.Losses {
		if l.End >= r.From && l.Start < r.To {
			out = append(out, l)
		}
	}
	slices.SortFunc(out, func(a, b flow.Loss) int { return cmp.Or(cmp.Compare(b.End, a.End), compareID(a.ID, b.ID)) })
	return out
}

// NewestAgents answers Reader.Agents.
func (m *Model) NewestAgents() [][]flow.Agent {
	byObserver := make(map[flow.Observer][]flow.Agent)
	for _, a := range m.Agents {
		byObserver[a.Observer] = append(byObserver[a.Observer], a)
	}
	var out [][]flow.Agent
	for _, list := range byObserver {
		slices.SortFunc(list, func(a, b flow.Agent) int { return cmp.Or(cmp.Compare(b.Time, a.Time), compareID(b.ID, a.ID)) })
		out = append(out, list[:min(2, len(list))])
	}
	slices.SortFunc(out, func(a, b []flow.Agent) int {
		x, y := a[0].Observer, b[0].Observer
		return cmp.Or(compareNames(x.Host, y.Host), compareNames(x.Node, y.Node), compareNames(x.Cluster, y.Cluster))
	})
	return out
}

func compareNames(a, b flow.Name) int {
	if a.Known() != b.Known() {
		if b.Known() {
			return -1
		}
		return 1
	}
	return strings.Compare(a.String(), b.String())
}
