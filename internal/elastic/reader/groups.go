package reader

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

const (
	// maxGroups bounds the groups of one answer, which are all in memory until the largest
	// are known: a kilobyte each.
	maxGroups = 50_000
	// groupPage is how many groups come with one search: some megabytes.
	groupPage = 2000
)

// sum is a field that groups add up, or have an extreme of.
type sum struct {
	field    *flow.Field[flow.Flow]
	function string
}

// sums follow Flow.Merge.
var sums = groupSums()

func groupSums() []sum {
	counts := make(map[string]bool) // they tell of one merged record
	for _, l := range flow.Listings() {
		counts[l.Count] = true
	}
	var list []sum
	for i := range flow.Flows.Fields() {
		f := &flow.Flows.Fields()[i]
		switch {
		case f.Role == flow.Counter:
			list = append(list, sum{f, "sum"})
		case f.Merge == flow.MergeLeast:
			list = append(list, sum{f, "min"})
		case f.Merge == flow.MergeMost && !counts[f.Name]:
			list = append(list, sum{f, "max"})
		}
	}
	return list
}

// name of an aggregation.
func (s *sum) name() string { return s.function + " " + s.field.Name }

// sumsOf are the aggregations that add up a group.
func (r *Reader) sumsOf() object {
	aggregations := object{
		"denied": object{
			"filter": term(r.path("flow.action"), flow.Deny.String()),
			"aggs":   object{"seen": object{"sum": object{"field": r.path("flow.connections.seen")}}},
		},
	}
	for i := range sums {
		aggregations[sums[i].name()] = object{sums[i].function: object{"field": r.path(sums[i].field.Name)}}
	}
	return aggregations
}

// Groups implements flowstore.Reader.
func (r *Reader) Groups(ctx context.Context, q flowstore.GroupsQuery) (flowstore.Groups, error) {
	if err := q.Check(); err != nil {
		return flowstore.Groups{}, err
	}
	tally := flowstore.NewTally(&q)
	selected := r.compile(&q.Selection)
	listed := slices.IndexFunc(q.By, isList)
	var err error
	switch {
	case selected.inexact != "":
		err = r.examine(ctx, &q.Selection, selected, "", tally.Add)
	case listed >= 0:
		err = r.examine(ctx, &q.Selection, selected, q.By[listed].Name, tally.Add)
	case len(q.By) == 0:
		err = r.groupAll(ctx, selected.query, tally)
	default:
		err = r.groupBy(ctx, selected.query, q.By, tally)
	}
	if err != nil {
		return flowstore.Groups{}, err
	}
	return tally.Groups(), nil
}

// isList reports whether a field may have several values, of which Elasticsearch would make
// a group each.
func isList(f *flow.Field[flow.Flow]) bool { return f.Type == flow.Keywords || f.Type == flow.Map }

// examine looks at the records themselves, for what Elasticsearch cannot add up: where it
// cannot tell which are meant, or where a list is one value. by names the list.
func (r *Reader) examine(ctx context.Context, s *flowstore.Selection, selected selection, by string, each func(*flow.Flow)) error {
	return r.inView(ctx, r.flows, func(v *view) error {
		complete, err := v.scan(ctx, selected.query, maxExamined, func(h *hit) {
			var f flow.Flow
			decode(r, r.flowDecoder, h, &f)
			if selected.inexact == "" || s.Includes(&f) {
				each(&f)
			}
		})
		if err == nil && !complete {
			why := "it cannot group by " + by + ", which is a list"
			if selected.inexact != "" {
				why = "it cannot tell of which of them the condition holds: " + selected.inexact
			}
			err = fmt.Errorf("%w: Elasticsearch would have to hand over more than %d records, for %s; use a shorter time range, or another condition as well",
				flowstore.ErrQuery, maxExamined, why)
		}
		return err
	})
}

// groupAll adds up everything.
func (r *Reader) groupAll(ctx context.Context, query object, tally *flowstore.Tally) error {
	found, err := r.search(ctx, r.flows, object{"size": 0, "query": query, "track_total_hits": true, "aggs": r.sumsOf()})
	if err != nil {
		return err
	}
	group := flowstore.Group{Records: found.Hits.Total.Value}
	if err := readSums(found.Aggregations, &group); err != nil {
		return err
	}
	tally.AddGroup(&group)
	return nil
}

// groupBy pages through all groups: which are the largest is known when all are.
func (r *Reader) groupBy(ctx context.Context, query object, by []*flow.Field[flow.Flow], tally *flowstore.Tally) error {
	return r.composite(ctx, query, by, groupPage, r.sumsOf(), func(b bucket) error {
		group := flowstore.Group{Key: make([]flow.Value, len(by))}
		key := b.key()
		var err error
		for i, f := range by {
			if group.Key[i], err = keyValue(f, key[strconv.Itoa(i)]); err != nil {
				return err
			}
		}
		if err := json.Unmarshal(b["doc_count"], &group.Records); err != nil {
			return fmt.Errorf("%w: %w", errAnswer, err)
		}
		if err := readSums(b, &group); err != nil {
			return err
		}
		tally.AddGroup(&group)
		if tally.Len() > maxGroups {
			return fmt.Errorf("%w: there are more than %d groups: use a shorter time range, a filter, or fewer fields to group by", flowstore.ErrQuery, maxGroups)
		}
		return nil
	})
}

// readSums reads the sums of a group.
func readSums(aggregations map[string]json.RawMessage, group *flowstore.Group) error {
	if group.Records == 0 {
		return nil
	}
	var denied struct{ Seen metric }
	if err := json.Unmarshal(aggregations["denied"], &denied); err != nil {
		return fmt.Errorf("%w: %w", errAnswer, err)
	}
	group.Denied = uint64(denied.Seen.whole())
	for i := range sums {
		s := &sums[i]
		var m metric
		if err := json.Unmarshal(aggregations[s.name()], &m); err != nil {
			return fmt.Errorf("%w: %w", errAnswer, err)
		}
		n := m.whole()
		if s.field.Type == flow.Time {
			n *= 1_000_000 // Elasticsearch adds times up in milliseconds
		}
		if n == 0 {
			continue
		}
		if err := s.field.Set(&group.Sum, flow.Value{Type: s.field.Type, Int: n}); err != nil {
			return fmt.Errorf("%w: %w", errAnswer, err)
		}
	}
	return nil
}

// metric is the answer of an aggregation to one number, which is null of no documents.
type metric struct{ Value float64 }

// whole is the number, or the largest that there is.
func (m metric) whole() int64 {
	if m.Value >= math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(math.Round(m.Value))
}
