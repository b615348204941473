package flowstore

import (
	"fmt"
	"slices"
	"strings"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// Check returns an ErrQuery for a question that makes no sense.
func (q *GroupsQuery) Check() error {
	if q.Limit < 1 {
		return fmt.Errorf("%w: the limit is %d: use 1 or more", ErrQuery, q.Limit)
	}
	if q.Sort.Measure > MeasureCounter {
		return fmt.Errorf("%w: there is no measure %d", ErrQuery, q.Sort.Measure)
	}
	if q.Sort.Measure == MeasureCounter && (q.Sort.Counter == nil || q.Sort.Counter.Role != flow.Counter) {
		return fmt.Errorf("%w: groups are sorted by a counter", ErrQuery)
	}
	for _, f := range q.By {
		if f.Role != flow.Dimension {
			return fmt.Errorf("%w: %s is a %s: only dimensions can be grouped by", ErrQuery, f.Name, f.Role)
		}
	}
	return nil
}

// Of is what g is sorted by.
func (s Sort) Of(g *Group) uint64 {
	switch s.Measure {
	case MeasurePackets:
		return g.Sum.Source.Packets + g.Sum.Destination.Packets
	case MeasureConnections:
		return g.Sum.Connections.Started
	case MeasureDenied:
		return g.Denied
	case MeasureCounter:
		return uint64(s.Counter.Get(&g.Sum).Int)
	default:
		return g.Sum.Source.Bytes + g.Sum.Destination.Bytes
	}
}

// Tally answers a GroupsQuery in memory, for whoever has the records, or has added some
// of them up already.
type Tally struct {
	query  *GroupsQuery
	groups map[string]*Group
	total  Group
}

// NewTally returns a Tally of nothing.
func NewTally(q *GroupsQuery) *Tally {
	t := &Tally{query: q, groups: make(map[string]*Group)}
	if len(q.By) == 0 {
		t.groups[""] = &Group{}
	}
	return t
}

// Add adds one record.
func (t *Tally) Add(f *flow.Flow) {
	g := Group{Key: make([]flow.Value, len(t.query.By)), Records: 1, Sum: *f}
	for i, field := range t.query.By {
		g.Key[i] = field.Get(f)
	}
	if f.Action == flow.Deny {
		g.Denied = f.Connections.Seen
	}
	t.AddGroup(&g)
}

// AddGroup adds the records of g to the group with its key, and keeps the key.
func (t *Tally) AddGroup(g *Group) {
	if g.Records == 0 {
		return
	}
	var printed strings.Builder
	for _, v := range g.Key {
		fmt.Fprintf(&printed, "%d %q %q ", v.Type, v.String(), v.List)
	}
	if t.groups[printed.String()] == nil {
		t.groups[printed.String()] = &Group{Key: g.Key}
	}
	t.groups[printed.String()].add(g)
	t.total.add(g)
}

func (g *Group) add(other *Group) {
	merged := recordsIn(&g.Sum) + recordsIn(&other.Sum)
	if g.Records == 0 {
		g.Sum = other.Sum
	} else {
		g.Sum.Merge(&other.Sum)
	}
	g.Records += other.Records
	g.Denied += other.Denied
	g.Sum.Connections.Open = 0
	// Of what merged records tell, only their number is a sum.
	g.Sum.Aggregation = nil
	if merged > 0 {
		g.Sum.Aggregation = &flow.Aggregation{Records: merged}
	}
}

// recordsIn is how many records were merged into f; 0 if it is none of several.
func recordsIn(f *flow.Flow) uint64 {
	if f.Aggregation == nil {
		return 0
	}
	return f.Aggregation.Records
}

// Len is the number of groups.
func (t *Tally) Len() int { return len(t.groups) }

// Groups returns the answer.
func (t *Tally) Groups() Groups {
	answer := Groups{Total: t.total, Count: len(t.groups)}
	for _, g := range t.groups {
		answer.Groups = append(answer.Groups, *g)
	}
	slices.SortFunc(answer.Groups, func(a, b Group) int {
		if x, y := t.query.Sort.Of(&a), t.query.Sort.Of(&b); x > y {
			return -1
		} else if x < y {
			return 1
		}
		return slices.CompareFunc(a.Key, b.Key, flow.Value.Compare)
	})
	answer.Groups = answer.Groups[:min(t.query.Limit, len(answer.Groups))]
	return answer
}
