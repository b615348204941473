// Package memstore is a flowstore.Store that keeps everything in memory and
// answers by looking at every record. It is for tests: short enough to be seen
// to be right, it is what a real store's answers are compared with and what the
// tests of readers run on.
package memstore

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/filter"
)

// ownNode marks the IDs that the store gives to records without one.
const ownNode = 0xffffffff

// Store is the reference implementation of flowstore.Store. The zero Store is
// open and empty.
type Store struct {
	flowstore.Hub

	mu     sync.Mutex
	closed bool
	ids    map[flow.ID]struct{}
	given  uint64 // IDs that the store gave
	flows  []flow.Flow
	losses []flow.Loss
	agents []flow.Agent
}

// Close ends the store; its methods return ErrClosed from then on.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.Hub.Close()
	return nil
}

// open locks the store for a question or a write; it returns without the lock
// when there is an error.
func (s *Store) open(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return flowstore.ErrClosed
	}
	return nil
}

// Write implements flowstore.Writer.
func (s *Store) Write(ctx context.Context, batch *flow.Batch) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	stored := &flow.Batch{
		Flows:  fresh(s, batch.Flows, func(f *flow.Flow) *flow.ID { return &f.ID }),
		Losses: fresh(s, batch.Losses, func(l *flow.Loss) *flow.ID { return &l.ID }),
		Agents: fresh(s, batch.Agents, func(a *flow.Agent) *flow.ID { return &a.ID }),
	}
	s.flows = appendCanonical(s.flows, flow.Flows, stored.Flows)
	s.losses = appendCanonical(s.losses, flow.Losses, stored.Losses)
	s.agents = appendCanonical(s.agents, flow.Agents, stored.Agents)
	s.mu.Unlock()
	if stored.Len() > 0 {
		s.Publish(stored)
	}
	return nil
}

// fresh copies the records that are not stored yet.
func fresh[T any](s *Store, records []T, id func(*T) *flow.ID) []T {
	var kept []T
	for _, record := range records {
		if id(&record).IsZero() {
			s.given++
			*id(&record) = flow.ID{Node: ownNode, Counter: s.given}
		}
		if _, ok := s.ids[*id(&record)]; ok {
			continue
		}
		if s.ids == nil {
			s.ids = make(map[flow.ID]struct{})
		}
		s.ids[*id(&record)] = struct{}{}
		kept = append(kept, record)
	}
	return kept
}

func appendCanonical[T any](kept []T, registry *flow.Registry[T], records []T) []T {
	for i := range records {
		kept = append(kept, canonical(registry, &records[i]))
	}
	return kept
}

// canonical is the record as its attributes have it: addresses without mapping
// and zone, text in UTF-8, counts within an int64. What an attribute cannot
// carry, such as an enumeration's unknown number, is not known.
func canonical[T any](registry *flow.Registry[T], record *T) T {
	var kept T
	fields := registry.Fields()
	for i := range fields {
		v := fields[i].Get(record)
		if !v.Present() {
			continue
		}
		v.Str = strings.ToValidUTF8(v.Str, "\ufffd")
		v.List = slices.Clone(v.List)
		for k := range v.List {
			v.List[k] = strings.ToValidUTF8(v.List[k], "\ufffd")
		}
		_ = fields[i].Set(&kept, v)
	}
	return kept
}

// selected returns the records that selection takes.
func (s *Store) selected(ctx context.Context, selection *flowstore.Selection) ([]flow.Flow, error) {
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var found []flow.Flow
	for i := range s.flows {
		if selection.Includes(&s.flows[i]) {
			found = append(found, s.flows[i])
		}
	}
	return found, nil
}

// Flows implements flowstore.Reader.
func (s *Store) Flows(ctx context.Context, q flowstore.FlowsQuery) (flowstore.FlowsPage, error) {
	if q.Limit < 1 || q.Limit > flowstore.MaxPage {
		return flowstore.FlowsPage{}, fmt.Errorf("%w: limit %d is not from 1 to %d", flowstore.ErrQuery, q.Limit, flowstore.MaxPage)
	}
	found, err := s.selected(ctx, &q.Selection)
	if err != nil {
		return flowstore.FlowsPage{}, err
	}
	slices.SortFunc(found, func(a, b flow.Flow) int { return compareCursors(cursorOf(&a), cursorOf(&b)) })
	if !q.After.IsZero() {
		found = slices.DeleteFunc(found, func(f flow.Flow) bool { return compareCursors(cursorOf(&f), q.After) <= 0 })
	}
	if len(found) <= q.Limit {
		return flowstore.FlowsPage{Flows: found}, nil
	}
	found = found[:q.Limit]
	return flowstore.FlowsPage{Flows: found, Next: cursorOf(&found[q.Limit-1])}, nil
}

func cursorOf(f *flow.Flow) flowstore.Cursor { return flowstore.Cursor{End: f.End, ID: f.ID} }

// compareCursors orders by end, newest first, then by ID.
func compareCursors(a, b flowstore.Cursor) int {
	if a.End != b.End {
		return compare(b.End, a.End)
	}
	return compareIDs(a.ID, b.ID)
}

func compareIDs(a, b flow.ID) int {
	switch {
	case a.Node != b.Node:
		return compare(a.Node, b.Node)
	case a.Epoch != b.Epoch:
		return compare(a.Epoch, b.Epoch)
	default:
		return compare(a.Counter, b.Counter)
	}
}

func compare[N uint32 | uint64 | int64](a, b N) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

// Histogram implements flowstore.Reader.
func (s *Store) Histogram(ctx context.Context, q flowstore.HistogramQuery) ([]flowstore.Bucket, error) {
	if q.Step < 1 {
		return nil, fmt.Errorf("%w: the step is %d ns: use 1 or more", flowstore.ErrQuery, q.Step)
	}
	if q.Range.To <= q.Range.From {
		return nil, nil
	}
	first, last := floor(q.Range.From, q.Step), floor(q.Range.To-1, q.Step)
	if last-first < 0 || (last-first)/q.Step >= flowstore.MaxBuckets { // the first where the difference overflows
		return nil, fmt.Errorf("%w: the range needs more than %d buckets: use a wider step", flowstore.ErrQuery, flowstore.MaxBuckets)
	}
	n := (last-first)/q.Step + 1
	q.Range = flowstore.Range{From: first, To: last + q.Step}
	found, err := s.selected(ctx, &q.Selection)
	if err != nil {
		return nil, err
	}
	buckets := make([]flowstore.Bucket, n)
	for i := range buckets {
		buckets[i].Start = first + int64(i)*q.Step
	}
	for i := range found {
		f := &found[i]
		b := &buckets[(f.End-first)/q.Step]
		sum, connections := &b.Allowed, f.Connections.Started
		if f.Action == flow.Deny {
			sum, connections = &b.Denied, f.Connections.Seen
		}
		sum.Records++
		sum.Connections += connections
		sum.Bytes += f.Source.Bytes + f.Destination.Bytes
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.losses {
		if l.End >= q.Range.From && l.End < q.Range.To {
			buckets[(l.End-first)/q.Step].Lost += l.Count
		}
	}
	return buckets, nil
}

// floor rounds down to a multiple of step, also below zero.
func floor(n, step int64) int64 { return n - ((n%step)+step)%step }

// Values implements flowstore.Reader.
func (s *Store) Values(ctx context.Context, q flowstore.ValuesQuery) ([]flowstore.ValueCount, error) {
	if q.Limit < 1 || q.Field == nil || q.Field.Role != flow.Dimension {
		return nil, fmt.Errorf("%w: want a dimension and a limit of at least 1", flowstore.ErrQuery)
	}
	found, err := s.selected(ctx, &q.Selection)
	if err != nil {
		return nil, err
	}
	counts := make(map[string]*flowstore.ValueCount)
	for i := range found {
		for _, v := range single(q.Field.Get(&found[i])) {
			printed := v.String()
			if !v.Present() || !strings.HasPrefix(filter.LowerASCII(printed), filter.LowerASCII(q.Prefix)) {
				continue
			}
			if counts[printed] == nil {
				counts[printed] = &flowstore.ValueCount{Value: v}
			}
			counts[printed].Records++
		}
	}
	values := make([]flowstore.ValueCount, 0, len(counts))
	for _, count := range counts {
		values = append(values, *count)
	}
	slices.SortFunc(values, func(a, b flowstore.ValueCount) int {
		if a.Records != b.Records {
			return compare(b.Records, a.Records)
		}
		return compareValues(a.Value, b.Value)
	})
	return values[:min(q.Limit, len(values))], nil
}

// single returns the values of a list or a map one by one, and any other value alone.
func single(v flow.Value) []flow.Value {
	if v.Type != flow.Keywords && v.Type != flow.Map {
		return []flow.Value{v}
	}
	items := v.Items()
	values := make([]flow.Value, len(items))
	for i, s := range items {
		values[i] = flow.Value{Type: flow.Keyword, Str: s}
	}
	return values
}

// Losses implements flowstore.Reader.
func (s *Store) Losses(ctx context.Context, r flowstore.Range) ([]flow.Loss, error) {
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var found []flow.Loss
	for _, l := range s.losses {
		if l.End >= r.From && l.Start < r.To {
			found = append(found, l)
		}
	}
	slices.SortFunc(found, func(a, b flow.Loss) int {
		if a.End != b.End {
			return compare(b.End, a.End)
		}
		return compareIDs(a.ID, b.ID)
	})
	return found, nil
}

// Agents implements flowstore.Reader.
func (s *Store) Agents(ctx context.Context) ([][]flow.Agent, error) {
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	signs := slices.Clone(s.agents)
	slices.SortFunc(signs, func(a, b flow.Agent) int {
		if c := compareObservers(a.Observer, b.Observer); c != 0 {
			return c
		}
		if a.Time != b.Time {
			return compare(b.Time, a.Time)
		}
		return compareIDs(b.ID, a.ID)
	})
	var all [][]flow.Agent
	for i, a := range signs {
		switch {
		case i == 0 || a.Observer != signs[i-1].Observer:
			all = append(all, []flow.Agent{a})
		case len(all[len(all)-1]) < 2:
			all[len(all)-1] = append(all[len(all)-1], a)
		}
	}
	return all, nil
}

func compareObservers(a, b flow.Observer) int {
	if c := compareNames(a.Host, b.Host); c != 0 {
		return c
	}
	if c := compareNames(a.Node, b.Node); c != 0 {
		return c
	}
	return compareNames(a.Cluster, b.Cluster)
}

// compareNames orders an unknown name before the empty one.
func compareNames(a, b flow.Name) int {
	if !a.Known() && b.Known() {
		return -1
	}
	if a.Known() && !b.Known() {
		return 1
	}
	return strings.Compare(a.String(), b.String())
}

// Stats implements flowstore.Reader.
func (s *Store) Stats(ctx context.Context) (flowstore.Stats, error) {
	if err := s.open(ctx); err != nil {
		return flowstore.Stats{}, err
	}
	defer s.mu.Unlock()
	stats := flowstore.Stats{Kind: "memory", Records: uint64(len(s.flows))}
	for i := range s.flows {
		end := s.flows[i].End
		if i == 0 || end < stats.Oldest {
			stats.Oldest = end
		}
		if i == 0 || end > stats.Newest {
			stats.Newest = end
		}
	}
	return stats, nil
}
