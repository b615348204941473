package flowstoretest

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/memstore"
)

// reading is a store with what it holds.
type reading struct {
	store     Store
	reference *memstore.Store
	flows     []flow.Flow // of the reference, in order
	gen       *Generator
}

// testRead fills one store and asks it everything.
func (b *Backend) testRead(t *testing.T) {
	r := reading{store: b.Open(t), reference: &memstore.Store{}, gen: b.generator(10)}
	for range 8 {
		write(t, r.gen.Batch(75), r.reference, r.store)
	}
	r.flows = readAll(t, r.reference, Everything)
	t.Run("time ranges are half open", r.testRanges)
	t.Run("views", r.testViews)
	t.Run("every operator on every field", r.testOperators)
	t.Run("prefixes", r.testPrefixes)
	t.Run("listed values", r.testListedValues)
	t.Run("random filters", r.testFilters)
	t.Run("paging", r.testPaging)
	t.Run("groups by every dimension", r.testGroupDimensions)
	t.Run("groups", r.testGroups)
	t.Run("histogram", r.testHistogram)
	t.Run("values of every dimension", r.testValues)
	t.Run("value prefixes are literal", r.testValuePrefixes)
	t.Run("losses", r.testLosses)
	t.Run("bad queries", r.testBadQueries)
}

// meaning leaves in the sums of groups only what a sum means. Other answers mean
// all they hold.
func meaning(answer any) any {
	groups, ok := answer.(flowstore.Groups)
	if !ok {
		return answer
	}
	groups.Total.Sum = sumOnly(&groups.Total.Sum)
	groups.Groups = slices.Clone(groups.Groups)
	for i := range groups.Groups {
		groups.Groups[i].Sum = sumOnly(&groups.Groups[i].Sum)
	}
	return groups
}

func sumOnly(s *flow.Flow) flow.Flow {
	end := func(e *flow.Endpoint) flow.Endpoint {
		return flow.Endpoint{Bytes: e.Bytes, Packets: e.Packets, PayloadBytes: e.PayloadBytes}
	}
	const millisecond = 1_000_000
	sum := flow.Flow{
		Start: s.Start - s.Start%millisecond, End: s.End - s.End%millisecond, Source: end(&s.Source), Destination: end(&s.Destination), Connections: s.Connections, TCP: s.TCP, DNS: s.DNS,
		Folded: s.Folded, Aggregation: s.Aggregation,
	}
	sum.Connections.Open = 0
	sum.TCP.FinalState = 0
	return sum
}

// check compares the records of a selection.
func (r *reading) check(t *testing.T, sel flowstore.Selection, about string) {
	t.Helper()
	sameFlows(t, readAll(t, r.reference, sel), readAll(t, r.store, sel), about)
}

func filtered(t *testing.T, text string) flowstore.Selection {
	t.Helper()
	sel := Everything
	sel.Filter = mustParse(t, text)
	return sel
}

// some narrows a selection to a few of the records, for questions of which there are
// thousands.
func (r *reading) some(sel flowstore.Selection) flowstore.Selection {
	from := Start + r.gen.Int64N(span*7/8)
	sel.Range = flowstore.Range{From: from, To: from + span/8}
	return sel
}

// selection is random in every respect.
func (r *reading) selection(t *testing.T) flowstore.Selection {
	sel := flowstore.Selection{Range: Everything.Range, View: flowstore.View(r.gen.IntN(5))}
	if r.gen.IntN(2) == 0 {
		from := r.gen.time()
		sel.Range = flowstore.Range{From: from, To: from + r.gen.Int64N(span)}
	}
	if r.gen.IntN(2) == 0 {
		sel.Filter = mustParse(t, r.gen.Filter(r.flows, 1))
	}
	return sel
}

func (r *reading) testRanges(t *testing.T) {
	end := r.flows[len(r.flows)/2].End
	for name, at := range map[string]flowstore.Range{
		"starts at a record":  {From: end, To: end + span},
		"ends at a record":    {From: end - span, To: end},
		"one nanosecond":      {From: end, To: end + 1},
		"just before":         {From: end - 1, To: end},
		"just after":          {From: end + 1, To: end + 2},
		"empty":               {From: end, To: end},
		"turned round":        {From: end + 1, To: end},
		"long before it all":  {From: 0, To: 1},
		"before and after it": Everything.Range,
	} {
		r.check(t, flowstore.Selection{Range: at, View: flowstore.AllReports}, name)
	}
}

func (r *reading) testViews(t *testing.T) {
	for _, name := range []string{"once", "all", "source", "destination", "forward"} {
		view, err := flowstore.ParseView(name)
		require.NoError(t, err)
		r.check(t, flowstore.Selection{Range: Everything.Range, View: view}, name)
	}
}

func (r *reading) testOperators(t *testing.T) {
	fields := flow.Flows.Fields()
	for i := range fields {
		for _, op := range Operators {
			text := r.gen.Condition(&fields[i], op, r.flows)
			r.check(t, r.some(filtered(t, text)), text)
		}
	}
}

func (r *reading) testPrefixes(t *testing.T) {
	for _, address := range addresses {
		addr := netip.MustParseAddr(address).Unmap()
		for _, bits := range []int{0, 1, 7, 8, 9, 12, 31, 32, 33, 48, 64, 127, 128} {
			if bits > addr.BitLen() {
				continue
			}
			prefix, err := addr.Prefix(bits)
			require.NoError(t, err)
			text := "source.address = " + prefix.String()
			if r.gen.IntN(3) == 0 {
				text = "either.address != " + prefix.String()
			}
			r.check(t, r.some(filtered(t, text)), text)
		}
	}
	for _, text := range []string{
		"source.address in (10.0.0.0/24, fd00::/8, 8.8.8.8)", "destination.address not in (10.0.0.0/8, ::/0)",
		"source.address < 10.0.1.1", "source.address >= ::", "source.address <= 255.255.255.255", "source.address ~ 0.0", "source.address ~ DB8",
	} {
		r.check(t, filtered(t, text), text)
	}
}

// testListedValues asks for attributes that merged records have in lists.
func (r *reading) testListedValues(t *testing.T) {
	for _, text := range []string{
		"source.address = 10.0.0.1", "source.address = 10.0.0.0/8", "source.address = 2001:db8::/32", "source.address = ::/0",
		"source.address in (8.8.8.8, 127.0.0.0/8, fd00::a00:1/128)", "source.address < 10.0.1.1", "source.address ~ DB8", "source.address exists",
		"source.port = 80", "source.port in (22, 443)", "source.port < 443", "source.port >= 4242", "source.port ~ 80", "source.port exists",
		"process.executable.name = curl", "process.executable.name > curl", "process.executable.name ~ CURL", `process.executable.name = ""`,
		"destination.k8s.service.name in (curl, nginx)", "either.address = 10.0.0.0/8", "either.k8s.pod.name = curl", "either.port = 80",
		"source.address = 10.0.0.1 and source.port = 80", "destination.address_count > 5", "source.addresses ~ eth0",
	} {
		for _, text := range []string{text, "not (" + text + ")"} {
			r.check(t, filtered(t, text), text)
		}
	}
	for _, text := range []string{"source.address != 10.0.0.0/8", "source.port not in (22, 80)", "source.port !~ 80", "source.address not exists", "either.port != 80"} {
		r.check(t, filtered(t, text), text)
	}
}

func (r *reading) testFilters(t *testing.T) {
	for range 150 {
		text := r.gen.Filter(r.flows, 4)
		r.check(t, filtered(t, text), text)
	}
}

func (r *reading) testPaging(t *testing.T) {
	for _, limit := range []int{1, 7, 100, 10_000} {
		sel := r.selection(t)
		if limit == 1 {
			sel.Range = flowstore.Range{From: Start, To: Start + span/20}
		}
		got, err := ReadAll(t.Context(), r.store, sel, limit)
		require.NoError(t, err)
		sameFlows(t, readAll(t, r.reference, sel), got, fmt.Sprintf("pages of %d", limit))
	}
	// A page that ends with the last record has no next one.
	n := len(r.flows)
	page, err := r.store.Flows(t.Context(), flowstore.FlowsQuery{Selection: Everything, Limit: n})
	require.NoError(t, err)
	require.Len(t, page.Flows, n)
	require.True(t, page.Next.IsZero())
}

func (r *reading) checkGroups(t *testing.T, q flowstore.GroupsQuery, about string) {
	t.Helper()
	SameAnswer(t, r.reference, r.store, about, func(s flowstore.Reader) (flowstore.Groups, error) { return s.Groups(t.Context(), q) })
}

func (r *reading) testGroupDimensions(t *testing.T) {
	for _, f := range dimensions() {
		r.checkGroups(t, flowstore.GroupsQuery{Selection: Everything, By: []*flow.Field[flow.Flow]{f}, Limit: 1000}, f.Name)
	}
}

func dimensions() []*flow.Field[flow.Flow] {
	var list []*flow.Field[flow.Flow]
	for i := range flow.Flows.Fields() {
		if f := &flow.Flows.Fields()[i]; f.Role == flow.Dimension {
			list = append(list, f)
		}
	}
	return list
}

func (r *reading) testGroups(t *testing.T) {
	all := dimensions()
	sorts := []flowstore.Sort{
		{}, {Measure: flowstore.MeasurePackets}, {Measure: flowstore.MeasureConnections}, {Measure: flowstore.MeasureDenied},
		{Measure: flowstore.MeasureCounter, Counter: flow.Flows.Lookup("flow.tcp.retransmits")},
		{Measure: flowstore.MeasureCounter, Counter: flow.Flows.Lookup("source.payload.bytes")},
	}
	for n := range 40 {
		q := flowstore.GroupsQuery{Selection: r.selection(t), Sort: sorts[n%len(sorts)], Limit: 1 + r.gen.IntN(30)}
		about := fmt.Sprintf("view %d sort %d limit %d filter %v by", q.View, q.Sort.Measure, q.Limit, q.Filter)
		for range r.gen.IntN(5) {
			f := pick(r.gen, all)
			q.By = append(q.By, f)
			about += " " + f.Name
		}
		r.checkGroups(t, q, about)
	}
}

func (r *reading) testHistogram(t *testing.T) {
	check := func(q flowstore.HistogramQuery, about string) {
		SameAnswer(t, r.reference, r.store, about, func(s flowstore.Reader) ([]flowstore.Bucket, error) { return s.Histogram(t.Context(), q) })
	}
	for _, step := range []int64{second, 7 * second, 60 * second, 3600 * second, 24 * 3600 * second} {
		q := flowstore.HistogramQuery{Selection: r.selection(t), Step: step}
		from := Start + r.gen.Int64N(span/2)
		q.Range = flowstore.Range{From: from, To: from + 1 + r.gen.Int64N(span/2)}
		check(q, fmt.Sprintf("step %d filter %v", step, q.Filter))
	}
	q := flowstore.HistogramQuery{Selection: Everything, Step: 60 * second}
	q.Range = flowstore.Range{From: Start, To: Start + span} // aligned: no bucket more
	got, err := r.store.Histogram(t.Context(), q)
	require.NoError(t, err)
	require.Len(t, got, 60)
	check(q, "aligned")
	q.Range.To = q.Range.From
	got, err = r.store.Histogram(t.Context(), q)
	require.NoError(t, err)
	require.Empty(t, got)
}

func (r *reading) checkValues(t *testing.T, q flowstore.ValuesQuery, about string) {
	t.Helper()
	SameAnswer(t, r.reference, r.store, about, func(s flowstore.Reader) ([]flowstore.ValueCount, error) { return s.Values(t.Context(), q) })
}

func (r *reading) testValues(t *testing.T) {
	for _, f := range dimensions() {
		r.checkValues(t, flowstore.ValuesQuery{Selection: Everything, Field: f, Limit: 1000}, f.Name)
		v := []rune(f.Get(&r.flows[r.gen.IntN(len(r.flows))]).String())
		q := flowstore.ValuesQuery{Selection: r.selection(t), Field: f, Limit: 3, Prefix: string(v[:len(v)/2])}
		r.checkValues(t, q, f.Name+" with prefix "+q.Prefix)
	}
}

func (r *reading) testValuePrefixes(t *testing.T) {
	for _, prefix := range []string{"", "c", "CU", "100%", "%", "_", "a_", "a_b", `\`, `back\`, `say "`, "GR", "grö", "GRÖ", "日", "(", "naïve'", "nothing"} {
		for _, name := range []string{"process.executable.name", "source.process.executable.name"} {
			q := flowstore.ValuesQuery{Selection: Everything, Field: flow.Flows.Lookup(name), Limit: 100, Prefix: prefix}
			r.checkValues(t, q, name+" with prefix "+prefix)
		}
	}
	for _, prefix := range []string{"10.", "2001:DB8", "::"} {
		q := flowstore.ValuesQuery{Selection: Everything, Field: flow.Flows.Lookup("source.address"), Limit: 100, Prefix: prefix}
		r.checkValues(t, q, "source.address with prefix "+prefix)
	}
}

func (r *reading) testLosses(t *testing.T) {
	for range 10 {
		from := r.gen.time()
		at := flowstore.Range{From: from, To: from + r.gen.Int64N(300*second)}
		SameAnswer(t, r.reference, r.store, "losses", func(s flowstore.Reader) ([]flow.Loss, error) { return s.Losses(t.Context(), at) })
	}
}

func (r *reading) testBadQueries(t *testing.T) {
	ctx := t.Context()
	counter, dimension := flow.Flows.Lookup("source.bytes"), flow.Flows.Lookup("source.port")
	bounded := flowstore.Selection{Range: flowstore.Range{From: Start, To: Start + span}}
	for name, ask := range map[string]func() error{
		"page of none": func() error { _, err := r.store.Flows(ctx, flowstore.FlowsQuery{Selection: Everything}); return err },
		"page too long": func() error {
			_, err := r.store.Flows(ctx, flowstore.FlowsQuery{Selection: Everything, Limit: flowstore.MaxPage + 1})
			return err
		},
		"no cursor": func() error {
			_, err := r.store.Flows(ctx, flowstore.FlowsQuery{Selection: Everything, Limit: 1, After: "none"})
			return err
		},
		"no groups": func() error { _, err := r.store.Groups(ctx, flowstore.GroupsQuery{Selection: Everything}); return err },
		"group by a counter": func() error {
			_, err := r.store.Groups(ctx, flowstore.GroupsQuery{Selection: Everything, By: []*flow.Field[flow.Flow]{counter}, Limit: 1})
			return err
		},
		"sort by a dimension": func() error {
			_, err := r.store.Groups(ctx, flowstore.GroupsQuery{Selection: Everything, Limit: 1, Sort: flowstore.Sort{Measure: flowstore.MeasureCounter, Counter: dimension}})
			return err
		},
		"sort by no counter": func() error {
			_, err := r.store.Groups(ctx, flowstore.GroupsQuery{Selection: Everything, Limit: 1, Sort: flowstore.Sort{Measure: flowstore.MeasureCounter}})
			return err
		},
		"no step": func() error {
			_, err := r.store.Histogram(ctx, flowstore.HistogramQuery{Selection: bounded})
			return err
		},
		"too many buckets": func() error {
			_, err := r.store.Histogram(ctx, flowstore.HistogramQuery{Selection: bounded, Step: span / (flowstore.MaxBuckets + 1)})
			return err
		},
		"all of time": func() error {
			_, err := r.store.Histogram(ctx, flowstore.HistogramQuery{Selection: Everything, Step: second})
			return err
		},
		"values of a counter": func() error {
			_, err := r.store.Values(ctx, flowstore.ValuesQuery{Selection: Everything, Field: counter, Limit: 1})
			return err
		},
		"values of nothing": func() error {
			_, err := r.store.Values(ctx, flowstore.ValuesQuery{Selection: Everything, Limit: 1})
			return err
		},
		"no values": func() error {
			_, err := r.store.Values(ctx, flowstore.ValuesQuery{Selection: Everything, Field: dimension})
			return err
		},
	} {
		require.ErrorIs(t, ask(), flowstore.ErrQuery, name)
	}
}
