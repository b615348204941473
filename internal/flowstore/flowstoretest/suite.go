package flowstoretest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/filter"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/memstore"
)

// Store is a store that can be closed.
type Store interface {
	flowstore.Store
	Close() error
}

// Backend is what Run tests.
type Backend struct {
	// Open returns a new, empty store without limits, of which reads see what was
	// written before them, and closes it when the test ends; the suite closes some of
	// them itself before.
	Open func(*testing.T) Store
	// Keep is that of the generators.
	Keep func(*flow.Flow)
}

// Run holds a backend to the contract.
func Run(t *testing.T, b Backend) {
	t.Run("write", b.testWrite)
	t.Run("read", b.testRead)
	t.Run("paging is stable while others write", b.testPagingUnderWrites)
	t.Run("watch", b.testWatch)
	t.Run("cancellation", b.testCancellation)
	t.Run("concurrent writers and readers", b.testConcurrency)
	t.Run("closed", b.testClosed)
}

func (b *Backend) generator(seed uint64) *Generator {
	g := NewGenerator(seed)
	g.Keep = b.Keep
	return g
}

// Everything selects every record.
var Everything = flowstore.Selection{
	Range: flowstore.Range{From: math.MinInt64, To: math.MaxInt64},
	View:  flowstore.AllReports,
}

// Compare are the options under which answers are equal.
var Compare = gocmp.Options{
	gocmp.Comparer(func(a, b flow.Name) bool { return a == b }),
	gocmp.Comparer(func(a, b flow.NameSet) bool { return a == b }),
	gocmp.Comparer(func(a, b flow.Labels) bool { return a == b }),
	gocmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmpopts.EquateEmpty(),
}

func equal(t testing.TB, want, got any, about string) {
	t.Helper()
	if diff := gocmp.Diff(want, got, Compare); diff != "" {
		t.Errorf("%s: the answer differs (-want +got):\n%s", about, shorten(diff))
	}
}

func shorten(diff string) string {
	const most = 4000
	if len(diff) > most {
		return diff[:most] + "\n…"
	}
	return diff
}

// ReadAll pages through the whole selection.
func ReadAll(ctx context.Context, store flowstore.Reader, sel flowstore.Selection, page int) ([]flow.Flow, error) {
	var all []flow.Flow
	q := flowstore.FlowsQuery{Selection: sel, Limit: page}
	for {
		got, err := store.Flows(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, got.Flows...)
		if got.Next.IsZero() {
			return all, nil
		}
		q.After = got.Next
	}
}

func readAll(t testing.TB, store flowstore.Reader, sel flowstore.Selection) []flow.Flow {
	t.Helper()
	all, err := ReadAll(t.Context(), store, sel, flowstore.MaxPage)
	require.NoError(t, err)
	return all
}

// write stores batch in each of the stores.
func write(t testing.TB, batch *flow.Batch, stores ...flowstore.Writer) {
	t.Helper()
	for _, store := range stores {
		require.NoError(t, store.Write(t.Context(), batch))
	}
}

// sameFlows compares records, got in any order of those with one end, and shows the first
// that differs: a diff of tens of thousands would take hours.
func sameFlows(t testing.TB, want, got []flow.Flow, about string) {
	t.Helper()
	if !slices.IsSortedFunc(got, func(a, b flow.Flow) int { return cmp.Compare(b.End, a.End) }) {
		t.Errorf("%s: not the newest first", about)
	}
	got = slices.Clone(got)
	slices.SortFunc(got, func(a, b flow.Flow) int { return cmp.Or(cmp.Compare(b.End, a.End), compareIDs(a.ID, b.ID)) })
	for i := range min(len(want), len(got)) {
		if want[i] != got[i] {
			equal(t, want[i], got[i], fmt.Sprintf("%s: record %d", about, i))
			break
		}
	}
	if len(want) != len(got) {
		t.Errorf("%s: %d records instead of %d", about, len(got), len(want))
	}
}

func compareIDs(a, b flow.ID) int {
	return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Counter, b.Counter))
}

// Same checks that the store holds exactly the records that the reference holds.
func Same(t testing.TB, reference, store flowstore.Reader) {
	t.Helper()
	sameFlows(t, readAll(t, reference, Everything), readAll(t, store, Everything), "flows")
	SameAnswer(t, reference, store, "losses", func(r flowstore.Reader) ([]flow.Loss, error) { return r.Losses(t.Context(), Everything.Range) })
	for _, since := range []int64{0, Start + span/2, Start + span} {
		SameAnswer(t, reference, store, fmt.Sprintf("agents since %d", since), func(r flowstore.Reader) ([][]flow.Agent, error) { return r.Agents(t.Context(), since) })
	}
}

// SameAnswer asks both the same question. The sums of groups are compared in
// what they mean.
func SameAnswer[A any](t testing.TB, reference, store flowstore.Reader, about string, ask func(flowstore.Reader) (A, error)) {
	t.Helper()
	want, err := ask(reference)
	require.NoError(t, err, about)
	got, err := ask(store)
	require.NoError(t, err, about)
	equal(t, meaning(want), meaning(got), about)
}

func (b *Backend) testWrite(t *testing.T) {
	t.Run("an empty store answers", func(t *testing.T) {
		store := b.Open(t)
		require.NoError(t, store.Write(t.Context(), &flow.Batch{}))
		empty := &memstore.Store{}
		Same(t, empty, store)
		stats, err := store.Stats(t.Context())
		require.NoError(t, err)
		require.NotEmpty(t, stats.Kind)
		require.Zero(t, stats.Records)
		require.Zero(t, stats.Oldest)
		SameAnswer(t, empty, store, "groups", func(r flowstore.Reader) (flowstore.Groups, error) {
			return r.Groups(t.Context(), flowstore.GroupsQuery{Selection: Everything, Limit: 5})
		})
	})
	t.Run("what is written comes back, once", func(t *testing.T) {
		store, reference, g := b.Open(t), &memstore.Store{}, b.generator(1)
		var before []*flow.Batch
		for range 12 {
			batch := g.Batch(g.IntN(60))
			if len(before) > 0 && g.IntN(2) == 0 { // a retry that overlaps with new records
				old := pick(g, before)
				batch.Flows = append(batch.Flows, old.Flows...)
				batch.Losses = append(batch.Losses, old.Losses...)
				batch.Agents = append(batch.Agents, old.Agents...)
			}
			if len(batch.Flows) > 1 { // a duplicate within the batch
				batch.Flows = append(batch.Flows, batch.Flows[g.IntN(len(batch.Flows))])
			}
			before = append(before, batch)
			write(t, batch, reference, store)
			Same(t, reference, store)
		}
		for _, batch := range before {
			require.NoError(t, store.Write(t.Context(), batch))
		}
		Same(t, reference, store)
		stats, err := store.Stats(t.Context())
		require.NoError(t, err)
		sorted := readAll(t, reference, Everything)
		require.Equal(t, uint64(len(sorted)), stats.Records)
		require.Equal(t, sorted[0].End, stats.Newest)
		require.Equal(t, sorted[len(sorted)-1].End, stats.Oldest)
	})
	t.Run("a duplicate does not replace the first", func(t *testing.T) {
		store, g := b.Open(t), b.generator(2)
		first := g.Flow()
		second := g.Flow()
		second.ID, second.Action = first.ID, first.Action // an id is of one record
		require.NoError(t, store.Write(t.Context(), &flow.Batch{Flows: []flow.Flow{first, second}}))
		require.NoError(t, store.Write(t.Context(), &flow.Batch{Flows: []flow.Flow{second}}))
		reference := &memstore.Store{}
		write(t, &flow.Batch{Flows: []flow.Flow{first}}, reference)
		Same(t, reference, store)
	})
	t.Run("records without an ID are new and get one", func(t *testing.T) {
		store, g := b.Open(t), b.generator(3)
		f := g.Flow()
		f.ID = flow.ID{}
		batch := &flow.Batch{Flows: []flow.Flow{f, f}}
		require.NoError(t, store.Write(t.Context(), batch))
		require.NoError(t, store.Write(t.Context(), batch))
		require.True(t, batch.Flows[0].ID.IsZero(), "the batch is the caller's")
		all, err := ReadAll(t.Context(), store, Everything, 1)
		require.NoError(t, err)
		require.Len(t, all, 4)
		seen := make(map[flow.ID]bool)
		for _, got := range all {
			require.False(t, got.ID.IsZero())
			require.False(t, seen[got.ID])
			seen[got.ID] = true
		}
	})
	t.Run("text that is not UTF-8 is kept readable", func(t *testing.T) {
		store, g := b.Open(t), b.generator(4)
		f := g.Flow()
		f.Process.Executable = flow.Intern("a\xff\x00b")
		require.NoError(t, store.Write(t.Context(), &flow.Batch{Flows: []flow.Flow{f}}))
		f.Process.Executable = flow.Intern("a\uFFFD\x00b")
		reference := &memstore.Store{}
		write(t, &flow.Batch{Flows: []flow.Flow{f}}, reference)
		Same(t, reference, store)
	})
}

func (b *Backend) testPagingUnderWrites(t *testing.T) {
	store, g := b.Open(t), b.generator(20)
	batch := g.Batch(500)
	write(t, batch, store)
	seen := make(map[flow.ID]int)
	q := flowstore.FlowsQuery{Selection: Everything, Limit: 37}
	for {
		page, err := store.Flows(t.Context(), q)
		require.NoError(t, err)
		for _, f := range page.Flows {
			seen[f.ID]++
		}
		if page.Next.IsZero() {
			break
		}
		q.After = page.Next
		require.NoError(t, store.Write(t.Context(), g.Batch(20)))
	}
	for _, f := range batch.Flows {
		require.Equal(t, 1, seen[f.ID], "record %s", f.ID)
	}
	for id, n := range seen {
		require.Equal(t, 1, n, "record %s", id)
	}
}

func (b *Backend) testWatch(t *testing.T) {
	receive := func(t *testing.T, events <-chan flowstore.Event) (flowstore.Event, bool) {
		select {
		case event, ok := <-events:
			return event, ok
		case <-time.After(time.Minute):
			require.FailNow(t, "nothing arrives")
			return flowstore.Event{}, false
		}
	}
	t.Run("records arrive once", func(t *testing.T) {
		store, g := b.Open(t), b.generator(30)
		events := store.Watch(t.Context())
		for range 20 {
			batch := g.Batch(5)
			require.NoError(t, store.Write(t.Context(), batch))
			var got flow.Batch
			for got.Len() < batch.Len() {
				event, ok := receive(t, events)
				require.True(t, ok)
				require.Zero(t, event.Missed)
				got.Flows = append(got.Flows, event.Batch.Flows...)
				got.Losses = append(got.Losses, event.Batch.Losses...)
				got.Agents = append(got.Agents, event.Batch.Agents...)
			}
			equal(t, canonical(t, batch), canonical(t, &got), "what was watched")
			require.NoError(t, store.Write(t.Context(), batch)) // all stored: nothing to tell
		}
	})
	t.Run("a slow watcher is told what it missed", func(t *testing.T) {
		store, g := b.Open(t), b.generator(31)
		events := store.Watch(t.Context())
		const writes = 200
		for range writes {
			require.NoError(t, store.Write(t.Context(), &flow.Batch{Flows: []flow.Flow{g.Flow()}}))
		}
		told := 0
		for len(events) > 0 {
			event := <-events
			told += event.Missed + event.Batch.Len()
		}
		require.NoError(t, store.Write(t.Context(), &flow.Batch{Flows: []flow.Flow{g.Flow()}}))
		for told < writes+1 {
			event, ok := receive(t, events)
			require.True(t, ok)
			told += event.Missed + event.Batch.Len()
		}
		require.Equal(t, writes+1, told)
	})
	t.Run("a watch ends with its context and with the store", func(t *testing.T) {
		store := b.Open(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancelled, closed := store.Watch(ctx), store.Watch(t.Context())
		cancel()
		_, ok := receive(t, cancelled)
		require.False(t, ok)
		require.NoError(t, store.Close())
		_, ok = receive(t, closed)
		require.False(t, ok)
		_, ok = receive(t, store.Watch(t.Context()))
		require.False(t, ok)
	})
}

// canonical is batch as a store has it, in order of the IDs.
func canonical(t *testing.T, batch *flow.Batch) *flow.Batch {
	t.Helper()
	logs := flow.Encode(batch, time.Unix(0, Start))
	decoded, rejected := flow.Decode(logs)
	require.NoError(t, rejected.Err())
	slices.SortFunc(decoded.Flows, func(a, b flow.Flow) int { return compareIDs(a.ID, b.ID) })
	slices.SortFunc(decoded.Losses, func(a, b flow.Loss) int { return compareIDs(a.ID, b.ID) })
	slices.SortFunc(decoded.Agents, func(a, b flow.Agent) int { return compareIDs(a.ID, b.ID) })
	return &decoded
}

func (b *Backend) testCancellation(t *testing.T) {
	store, g := b.Open(t), b.generator(40)
	require.NoError(t, store.Write(t.Context(), g.Batch(200)))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range everyCall(ctx, store, g) {
		require.ErrorIs(t, err, context.Canceled, name)
	}
	// The store goes on working for others.
	require.NoError(t, store.Write(t.Context(), g.Batch(5)))
	for name, err := range everyCall(t.Context(), store, g) {
		require.NoError(t, err, name)
	}
}

// everyCall calls every method and returns its error.
func everyCall(ctx context.Context, store flowstore.Store, g *Generator) map[string]error {
	errs := EveryQuestion(ctx, store)
	errs["write"] = store.Write(ctx, g.Batch(2))
	return errs
}

// EveryQuestion asks a question by each method and returns its error.
func EveryQuestion(ctx context.Context, store flowstore.Reader) map[string]error {
	errs := make(map[string]error)
	_, errs["flows"] = store.Flows(ctx, flowstore.FlowsQuery{Selection: Everything, Limit: 10})
	_, errs["groups"] = store.Groups(ctx, flowstore.GroupsQuery{Selection: Everything, Limit: 10})
	_, errs["histogram"] = store.Histogram(ctx, flowstore.HistogramQuery{
		Selection: flowstore.Selection{Range: flowstore.Range{From: Start, To: Start + span}}, Step: 60 * second,
	})
	_, errs["values"] = store.Values(ctx, flowstore.ValuesQuery{Selection: Everything, Field: flow.Flows.Lookup("source.port"), Limit: 3})
	_, errs["losses"] = store.Losses(ctx, Everything.Range)
	_, errs["agents"] = store.Agents(ctx, 0)
	_, errs["stats"] = store.Stats(ctx)
	return errs
}

func (b *Backend) testConcurrency(t *testing.T) {
	store := b.Open(t)
	const writers, batches = 4, 15
	reference := &memstore.Store{}
	var wg sync.WaitGroup
	for n := range writers {
		wg.Go(func() {
			g := b.generator(100 + uint64(n))
			for range batches {
				batch := g.Batch(30)
				if err := errors.Join(store.Write(t.Context(), batch), reference.Write(t.Context(), batch)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	done := make(chan struct{})
	var reading sync.WaitGroup
	for n := range 3 {
		reading.Go(func() {
			g := b.generator(200 + uint64(n))
			for {
				select {
				case <-done:
					return
				default:
				}
				expr, err := filter.Parse(g.Filter(nil, 1))
				if err != nil {
					t.Error(err)
					return
				}
				sel := Everything
				sel.Filter = expr
				page, err := store.Flows(t.Context(), flowstore.FlowsQuery{Selection: sel, Limit: 50})
				if err != nil {
					t.Error(err)
					return
				}
				for i := range page.Flows {
					if !sel.Includes(&page.Flows[i]) {
						t.Errorf("filter %s returned %s", expr, page.Flows[i].ID)
					}
				}
			}
		})
	}
	wg.Wait()
	close(done)
	reading.Wait()
	Same(t, reference, store)
}

func (b *Backend) testClosed(t *testing.T) {
	store, g := b.Open(t), b.generator(50)
	require.NoError(t, store.Write(t.Context(), g.Batch(5)))
	require.NoError(t, store.Close())
	for name, err := range everyCall(t.Context(), store, g) {
		require.ErrorIs(t, err, flowstore.ErrClosed, name)
	}
	require.NoError(t, store.Close())
}

func mustParse(t *testing.T, text string) filter.Expr {
	t.Helper()
	expr, err := filter.Parse(text)
	require.NoError(t, err, text)
	return expr
}
