package flowstore

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/filter"
)

// Check returns an ErrQuery for a question that makes no sense.
func (q *ValuesQuery) Check() error {
	switch {
	case q.Limit < 1:
		return fmt.Errorf("%w: the limit is %d: use 1 or more", ErrQuery, q.Limit)
	case q.Field == nil || q.Field.Role != flow.Dimension:
		return fmt.Errorf("%w: only dimensions have values to list", ErrQuery)
	default:
		return nil
	}
}

// ValueTally answers a ValuesQuery in memory, for whoever has the records, or has counted
// some of them already.
type ValueTally struct {
	query  *ValuesQuery
	counts map[string]*ValueCount
}

// NewValueTally returns a ValueTally of nothing.
func NewValueTally(q *ValuesQuery) *ValueTally {
	return &ValueTally{query: q, counts: make(map[string]*ValueCount)}
}

// Add adds one record.
func (t *ValueTally) Add(f *flow.Flow) {
	v := t.query.Field.Get(f)
	if v.Type != flow.Keywords && v.Type != flow.Map {
		t.AddValue(v, 1)
		return
	}
	for _, item := range v.Items() {
		t.AddValue(flow.Value{Type: flow.Keyword, Str: item}, 1)
	}
}

// AddValue adds records that have v, unless that is absent or not what was asked for.
func (t *ValueTally) AddValue(v flow.Value, records uint64) {
	printed := v.String()
	if !v.Present() || !strings.HasPrefix(filter.LowerASCII(printed), filter.LowerASCII(t.query.Prefix)) {
		return
	}
	if t.counts[printed] == nil {
		t.counts[printed] = &ValueCount{Value: v}
	}
	t.counts[printed].Records += records
}

// Values returns the answer.
func (t *ValueTally) Values() []ValueCount {
	values := make([]ValueCount, 0, len(t.counts))
	for _, count := range t.counts {
		values = append(values, *count)
	}
	slices.SortFunc(values, func(a, b ValueCount) int {
		return cmp.Or(cmp.Compare(b.Records, a.Records), a.Value.Compare(b.Value))
	})
	return values[:min(t.query.Limit, len(values))]
}
