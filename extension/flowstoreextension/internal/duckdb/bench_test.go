package duckdb

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/filter"
)

const benchStart = int64(1_767_225_600_000_000_000)

// traffic makes records as a busy node sends them: every ten seconds one for
// each of 2,000 talking pairs, which are few beside the records.
type traffic struct {
	rng   *rand.Rand
	pairs []flow.Flow
	next  int
	id    flow.ID
	now   int64
}

func newTraffic() *traffic {
	t := &traffic{rng: rand.New(rand.NewPCG(1, 1)), id: flow.ID{Node: 7, Epoch: 1_767_225_600}, now: benchStart}
	for i := range 2000 {
		f := flow.Flow{
			Observer:         flow.Observer{Host: flow.Intern("node-17"), Node: flow.Intern("node-17"), Cluster: flow.Intern("east")},
			Reporter:         flow.ReporterSource + flow.Reporter(i%2),
			Action:           flow.Allow,
			Transport:        flow.TransportTCP,
			NetworkNamespace: 4026531840 + uint32(i%40),
			Process:          flow.Process{Executable: flow.Intern(fmt.Sprintf("service-%d", i%60)), Cgroup: flow.Intern(fmt.Sprintf("/kubepods/besteffort/pod%08x-1111-2222-3333-444455556666/%d", i%40, i%40))},
		}
		f.Source = flow.Endpoint{Address: netip.AddrFrom4([4]byte{10, 244, byte(i % 40), byte(i % 11)}), Type: flow.EndpointHost, Scope: flow.ScopePrivate, Process: f.Process.Executable}
		f.Destination = flow.Endpoint{Address: netip.AddrFrom4([4]byte{10, 96, byte(i / 500), byte(i % 250)}), Port: uint16(8000 + i%30), Type: flow.EndpointNetwork, Scope: flow.ScopePrivate}
		if i%10 == 0 {
			f.Destination.Address = netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(i % 200)})
			f.Destination.Scope = flow.ScopePublic
		}
		if i%50 == 0 {
			f.Action, f.Denial = flow.Deny, flow.Denial{Reason: flow.Intern("connection_refused"), Class: flow.NoListener}
		}
		t.pairs = append(t.pairs, f)
	}
	return t
}

func (t *traffic) batch(n int) *flow.Batch {
	batch := &flow.Batch{Flows: make([]flow.Flow, n)}
	for i := range batch.Flows {
		if t.next == len(t.pairs) {
			t.next = 0
			t.now += int64(10 * time.Second)
		}
		f := &batch.Flows[i]
		*f = t.pairs[t.next]
		t.next++
		t.id.Counter++
		f.ID = t.id
		f.End = t.now
		f.Start = t.now - int64(10*time.Second)
		seen := 1 + t.rng.Uint64N(30)
		f.Connections = flow.Connections{Seen: seen, Started: seen - 1, Completed: seen - 1, Open: 1}
		f.Source.Packets, f.Destination.Packets = seen*6, seen*5
		f.Source.PayloadBytes = seen*400 + t.rng.Uint64N(500)
		f.Destination.PayloadBytes = seen*3000 + t.rng.Uint64N(20000)
		f.Source.Bytes = f.Source.PayloadBytes + 52*f.Source.Packets
		f.Destination.Bytes = f.Destination.PayloadBytes + 52*f.Destination.Packets
		f.TCP = flow.TCP{RTTSum: seen * (200 + t.rng.Uint64N(100)), RTTSamples: seen, RTTMin: 150 + t.rng.Uint32N(50), RTTMax: 300 + t.rng.Uint32N(400)}
	}
	return batch
}

func BenchmarkWrite(b *testing.B) {
	for _, size := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			store := open(b, b.TempDir())
			source := newTraffic()
			rows := 0
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				batch := source.batch(size)
				b.StartTimer()
				require.NoError(b, store.Write(b.Context(), batch))
				rows += size
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
	b.Run("batch=100/writers=16", func(b *testing.B) {
		store := open(b, b.TempDir())
		source, rows := newTraffic(), 0
		for b.Loop() {
			b.StopTimer()
			batches := make([]*flow.Batch, 160)
			for i := range batches {
				batches[i] = source.batch(100)
			}
			b.StartTimer()
			var wg sync.WaitGroup
			for w := range 16 {
				wg.Go(func() {
					for _, batch := range batches[w*10 : (w+1)*10] {
						if err := store.Write(b.Context(), batch); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
			rows += 16_000
		}
		b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
	})
}

// BenchmarkRead asks a million records, and five million.
func BenchmarkRead(b *testing.B) {
	for _, records := range []int{1_000_000, 5_000_000} {
		b.Run(fmt.Sprintf("records=%d", records), func(b *testing.B) { benchmarkRead(b, records) })
	}
}

func benchmarkRead(b *testing.B, records int) {
	directory := b.TempDir()
	store := open(b, directory)
	source := newTraffic()
	began := time.Now()
	var writing time.Duration
	for range records / 10_000 {
		batch := source.batch(10_000)
		at := time.Now()
		require.NoError(b, store.Write(b.Context(), batch))
		writing += time.Since(at)
	}
	require.NoError(b, store.perform(b.Context(), func(w *writer) error { return w.checkpoint(b.Context()) }))
	b.Logf("%d rows: %.0f rows/s in Write, %.1f bytes each on disk, %s in all", records,
		float64(records)/writing.Seconds(), float64(store.diskBytes())/float64(records), time.Since(began))
	b.Run("open", func(opening *testing.B) {
		for opening.Loop() {
			opening.StopTimer()
			require.NoError(b, store.Close())
			opening.StartTimer()
			store = open(b, directory)
		}
	})

	all := flowstore.Selection{Range: flowstore.Range{From: 0, To: 1 << 62}}
	hour := flowstore.Selection{Range: flowstore.Range{From: source.now - int64(time.Hour), To: source.now}}
	with := func(sel flowstore.Selection, text string) flowstore.Selection {
		expr, err := filter.Parse(text)
		require.NoError(b, err)
		sel.Filter = expr
		return sel
	}
	fields := func(names ...string) []*flow.Field[flow.Flow] {
		var list []*flow.Field[flow.Flow]
		for _, name := range names {
			list = append(list, flow.Flows.Lookup(name))
		}
		return list
	}
	run := func(name string, ask func() error) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				require.NoError(b, ask())
			}
		})
	}
	groups := func(name string, q flowstore.GroupsQuery) {
		run(name, func() error { _, err := store.Groups(b.Context(), q); return err })
	}
	groups("groups/process", flowstore.GroupsQuery{Selection: all, By: fields("process.executable.name"), Limit: 50})
	groups("groups/pair", flowstore.GroupsQuery{Selection: all, By: fields("source.address", "destination.address"), Limit: 50})
	groups("groups/pair+cidr", flowstore.GroupsQuery{Selection: with(all, "either.address = 10.96.0.0/12"), By: fields("source.address", "destination.address"), Limit: 50})
	groups("groups/pair/last hour", flowstore.GroupsQuery{Selection: hour, By: fields("source.address", "destination.address", "destination.port"), Limit: 50})
	run("flows/newest 100", func() error {
		_, err := store.Flows(b.Context(), flowstore.FlowsQuery{Selection: all, Limit: 100})
		return err
	})
	run("flows/denied 100", func() error {
		_, err := store.Flows(b.Context(), flowstore.FlowsQuery{Selection: with(all, "flow.action = deny"), Limit: 100})
		return err
	})
	run("flows/substring", func() error {
		_, err := store.Flows(b.Context(), flowstore.FlowsQuery{Selection: with(all, "process.executable.name ~ ICE-59 and destination.port = 8029"), Limit: 100})
		return err
	})
	run("flows/page of 1000", func() error {
		_, err := store.Flows(b.Context(), flowstore.FlowsQuery{Selection: all, Limit: 1000})
		return err
	})
	run("flows/page of 10000", func() error {
		_, err := store.Flows(b.Context(), flowstore.FlowsQuery{Selection: all, Limit: 10_000})
		return err
	})
	run("histogram", func() error {
		_, err := store.Histogram(b.Context(), flowstore.HistogramQuery{Selection: flowstore.Selection{Range: flowstore.Range{From: benchStart, To: source.now}}, Step: int64(10 * time.Minute)})
		return err
	})
	run("values", func() error {
		_, err := store.Values(b.Context(), flowstore.ValuesQuery{Selection: all, Field: flow.Flows.Lookup("destination.address"), Prefix: "10.96.1", Limit: 20})
		return err
	})
	b.Logf("peak resident memory %d MiB, of records and queries", peakMemory(b)>>20)
}

// peakMemory is the most memory that this process had resident.
func peakMemory(b *testing.B) uint64 {
	var usage unix.Rusage
	require.NoError(b, unix.Getrusage(unix.RUSAGE_SELF, &usage))
	return uint64(usage.Maxrss) << 10
}
