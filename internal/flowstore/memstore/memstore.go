// Package memstore is a flowstore.Store that keeps everything in memory and
// answers by looking at every record. It is for tests: short enough to be seen
// to be right, it is what a real store's answers are compared with and what the
// tests of readers run on.
package memstore

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
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
	if err := q.Check(); err != nil {
		return flowstore.FlowsPage{}, err
	}
	found, err := s.selected(ctx, &q.Selection)
	if err != nil {
		return flowstore.FlowsPage{}, err
	}
	slices.SortFunc(found, func(a, b flow.Flow) int { return comparePlaces(placeOf(&a), placeOf(&b)) })
	if !q.After.IsZero() {
		after, err := q.After.Place()
		if err != nil {
			return flowstore.FlowsPage{}, err
		}
		found = slices.DeleteFunc(found, func(f flow.Flow) bool { return comparePlaces(placeOf(&f), after) <= 0 })
	}
	if len(found) <= q.Limit {
		return flowstore.FlowsPage{Flows: found}, nil
	}
	found = found[:q.Limit]
	return flowstore.FlowsPage{Flows: found, Next: placeOf(&found[q.Limit-1]).Cursor()}, nil
}

func placeOf(f *flow.Flow) flowstore.Place { return flowstore.Place{End: f.End, ID: f.ID} }

// comparePlaces orders by end, newest first, then by ID.
func comparePlaces(a, b flowstore.Place) int {
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

// Groups implements flowstore.Reader.
func (s *Store) Groups(ctx context.Context, q flowstore.GroupsQuery) (flowstore.Groups, error) {
	if err := q.Check(); err != nil {
		return flowstore.Groups{}, err
	}
	found, err := s.selected(ctx, &q.Selection)
	if err != nil {
		return flowstore.Groups{}, err
	}
	tally := flowstore.NewTally(&q)
	for i := range found {
		tally.Add(&found[i])
	}
	return tally.Groups(), nil
}

// Histogram implements flowstore.Reader.
func (s *Store) Histogram(ctx context.Context, q flowstore.HistogramQuery) ([]flowstore.Bucket, error) {
	buckets, err := q.Buckets()
	if err != nil || len(buckets) == 0 {
		return nil, err
	}
	found, err := s.selected(ctx, &q.Selection)
	if err != nil {
		return nil, err
	}
	for i := range found {
		q.AddFlow(buckets, &found[i])
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.losses {
		if l.End >= q.Range.From && l.End < q.Range.To {
			buckets[(l.End-q.Range.From)/q.Step].Lost += l.Count
		}
	}
	return buckets, nil
}

// Values implements flowstore.Reader.
func (s *Store) Values(ctx context.Context, q flowstore.ValuesQuery) ([]flowstore.ValueCount, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	found, err := s.selected(ctx, &q.Selection)
	if err != nil {
		return nil, err
	}
	tally := flowstore.NewValueTally(&q)
	for i := range found {
		tally.Add(&found[i])
	}
	return tally.Values(), nil
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
func (s *Store) Agents(ctx context.Context, since int64) ([][]flow.Agent, error) {
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	signs := slices.DeleteFunc(slices.Clone(s.agents), func(a flow.Agent) bool { return a.Time < since })
	slices.SortFunc(signs, func(a, b flow.Agent) int {
		if c := flow.CompareObservers(a.Observer, b.Observer); c != 0 {
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
