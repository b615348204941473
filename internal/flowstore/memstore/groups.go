package memstore

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

// Groups implements flowstore.Reader.
func (s *Store) Groups(ctx context.Context, q flowstore.GroupsQuery) (flowstore.Groups, error) {
	if q.Limit < 1 {
		return flowstore.Groups{}, fmt.Errorf("%w: limit %d is less than 1", flowstore.ErrQuery, q.Limit)
	}
	if q.Sort.Measure == flowstore.MeasureCounter && (q.Sort.Counter == nil || q.Sort.Counter.Role != flow.Counter) {
		return flowstore.Groups{}, fmt.Errorf("%w: groups are sorted by counters only", flowstore.ErrQuery)
	}
	for _, f := range q.By {
		if f.Role != flow.Dimension {
			return flowstore.Groups{}, fmt.Errorf("%w: %s is a %s, not a dimension", flowstore.ErrQuery, f.Name, f.Role)
		}
	}
	found, err := s.selected(ctx, &q.Selection)
	if err != nil {
		return flowstore.Groups{}, err
	}
	var total flowstore.Group
	groups := make(map[string]*flowstore.Group)
	if len(q.By) == 0 {
		groups[""] = &flowstore.Group{}
	}
	for i := range found {
		f := &found[i]
		key := make([]flow.Value, len(q.By))
		var printed strings.Builder
		for k, field := range q.By {
			key[k] = field.Get(f)
			fmt.Fprintf(&printed, "%d %q %q ", key[k].Type, key[k].String(), key[k].List)
		}
		if groups[printed.String()] == nil {
			groups[printed.String()] = &flowstore.Group{Key: key}
		}
		add(groups[printed.String()], f)
		add(&total, f)
	}
	answer := flowstore.Groups{Total: total, Count: len(groups)}
	for _, g := range groups {
		answer.Groups = append(answer.Groups, *g)
	}
	slices.SortFunc(answer.Groups, func(a, b flowstore.Group) int {
		if x, y := measure(q.Sort, &a), measure(q.Sort, &b); x != y {
			return compare(y, x)
		}
		return slices.CompareFunc(a.Key, b.Key, compareValues)
	})
	answer.Groups = answer.Groups[:min(q.Limit, len(answer.Groups))]
	return answer, nil
}

func add(g *flowstore.Group, f *flow.Flow) {
	g.Records++
	if f.Action == flow.Deny {
		g.Denied += f.Connections.Seen
	}
	merged := recordsIn(&g.Sum) + recordsIn(f)
	if g.Records == 1 {
		g.Sum = *f
	} else {
		g.Sum.Merge(f)
	}
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

func measure(s flowstore.Sort, g *flowstore.Group) uint64 {
	switch s.Measure {
	case flowstore.MeasurePackets:
		return g.Sum.Source.Packets + g.Sum.Destination.Packets
	case flowstore.MeasureConnections:
		return g.Sum.Connections.Started
	case flowstore.MeasureDenied:
		return g.Denied
	case flowstore.MeasureCounter:
		return uint64(s.Counter.Get(&g.Sum).Int)
	default:
		return g.Sum.Source.Bytes + g.Sum.Destination.Bytes
	}
}

// compareValues orders values of one field, an absent one first.
func compareValues(a, b flow.Value) int {
	switch {
	case !a.Present() || !b.Present():
		return compare(uint32(a.Type), uint32(b.Type))
	case a.Type == flow.Keyword:
		return strings.Compare(a.Str, b.Str)
	case a.Type == flow.Address:
		return a.Addr.Compare(b.Addr)
	case a.Type == flow.Keywords:
		return slices.Compare(a.List, b.List)
	case a.Type == flow.Map:
		return flow.CompareLabels(a.Map, b.Map)
	default:
		return compare(a.Int, b.Int)
	}
}
