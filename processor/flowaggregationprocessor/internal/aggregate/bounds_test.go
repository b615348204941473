package aggregate_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowaggregationprocessor/internal/aggregate"
)

// adversaries make records that are as many kinds as they can.
var adversaries = map[string]func(r *rand.Rand, f *flow.Flow){
	"a port scan": func(r *rand.Rand, f *flow.Flow) {
		f.Action = flow.Deny
		f.Destination.Address, f.Destination.Port = netip.AddrFrom4([4]byte{10, 9, byte(r.IntN(256)), byte(r.IntN(256))}), uint16(r.IntN(1<<16))
	},
	"random addresses": func(r *rand.Rand, f *flow.Flow) {
		var a [16]byte
		for i := range a {
			a[i] = byte(r.IntN(256))
		}
		f.Action = flow.Deny
		f.Source = flow.Endpoint{Type: flow.EndpointNetwork, Address: netip.AddrFrom16(a), Port: uint16(r.IntN(1 << 16))}
	},
	"labels": func(r *rand.Rand, f *flow.Flow) {
		f.Source.Kubernetes = &flow.Kubernetes{PodLabels: flow.LabelsOfMap(map[string]string{fmt.Sprint(r.IntN(1 << 30)): fmt.Sprint(r.IntN(1 << 30))})}
	},
	"workloads": func(r *rand.Rand, f *flow.Flow) {
		f.Source.Kubernetes = &flow.Kubernetes{Namespace: flow.Intern("n"), WorkloadName: flow.Intern(fmt.Sprint(r.IntN(1 << 30)))}
	},
	"processes": func(r *rand.Rand, f *flow.Flow) {
		f.Process = flow.Process{Executable: flow.Intern(fmt.Sprint(r.IntN(1 << 30))), PID: r.Uint32(), CommandLine: flow.Intern(fmt.Sprint(r.IntN(1 << 30)))}
	},
	"times": func(r *rand.Rand, f *flow.Flow) {
		f.End = 1 + r.Int64N(4e18)
		f.Start = f.End
	},
	"open connections": func(r *rand.Rand, f *flow.Flow) {
		f.Source.Address = netip.AddrFrom4([4]byte{10, byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256))})
		f.Connections = flow.Connections{Seen: 1, Open: 1}
	},
}

func TestMemoryIsBoundedAndNoTotalIsLost(t *testing.T) {
	const limit, records = 1 << 20, 20_000
	for name, change := range adversaries {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(5, 6))
			b := newBench(t, func(_ *aggregate.Aggregator, o *aggregate.Options) { o.Memory = limit })
			var bytes, connections, most uint64
			var folded, level uint64
			for at := 0; at < records; at += 500 {
				flows := make([]flow.Flow, 500)
				for i := range flows {
					flows[i] = between(pod("web", 0), pod("db", 0), 1, 10)
					change(r, &flows[i])
					bytes += flows[i].Source.Bytes + flows[i].Destination.Bytes
					connections += flows[i].Connections.Started
				}
				b.add(flows...)
				most = max(most, uint64(b.State().Memory))
			}
			for _, f := range b.take(true) {
				bytes -= f.Source.Bytes + f.Destination.Bytes
				connections -= f.Connections.Started
				folded += f.Folded
				level = max(level, uint64(f.Aggregation.Level))
				if f.Folded == 0 {
					assert.LessOrEqual(t, f.Aggregation.Level, flow.LevelWorkloads, "what is coarser than was asked for says so")
				}
			}
			assert.Zero(t, bytes)
			assert.Zero(t, connections)
			assert.LessOrEqual(t, most, uint64(limit+limit/4))
		})
	}
}

// TestTheLimitIsWhatIsTaken compares what an Aggregator says that it takes with the heap.
func TestTheLimitIsWhatIsTaken(t *testing.T) {
	batches, _ := minute(t)
	for _, level := range []flow.Level{flow.LevelAll, flow.LevelWorkloads} {
		b := newBench(t, func(a *aggregate.Aggregator, o *aggregate.Options) {
			o.Classes, o.MaxIDs = []aggregate.Class{{Chain: a.Level(level)}}, 0
		})
		before := heap()
		for _, logs := range batches {
			b.Add(logs, func(*aggregate.Record) int { return 0 }, nil)
		}
		took, says := heap()-before, b.State().Memory
		t.Logf("level %s: %d groups, says %d bytes, the heap grew by %d", level, b.State().Groups, says, took)
		assert.InEpsilon(t, took, says, 0.25)
		runtime.KeepAlive(batches)
		runtime.KeepAlive(b)
	}
}

func heap() int {
	var s runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&s)
	return int(s.HeapAlloc)
}

func TestOverflowIsOneRecordForANodeAndAnAction(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	b := newBench(t, func(_ *aggregate.Aggregator, o *aggregate.Options) { o.Memory = 300_000 })
	for range 5000 {
		f := between(pod("web", 0), pod("db", 0), 1, 10)
		adversaries["workloads"](r, &f)
		b.add(f)
	}
	var overflow []flow.Flow
	for _, f := range b.take(true) {
		if f.Aggregation.Level == flow.LevelOverflow {
			overflow = append(overflow, f)
		}
	}
	require.Len(t, overflow, 1)
	assert.Equal(t, flow.Allow, overflow[0].Action)
	assert.Equal(t, "node-0", overflow[0].Observer.Node.String())
	assert.Equal(t, flow.ReporterSource, overflow[0].Reporter)
	assert.Equal(t, overflow[0].Aggregation.Records, overflow[0].Folded)
}

func TestSamplingIsRightOnAverage(t *testing.T) {
	const flows, rate = 20_000, 10
	b := newBench(t, func(_ *aggregate.Aggregator, o *aggregate.Options) { o.Classes[0].Sample = rate })
	kept := 0
	for i := range flows {
		f := between(pod("web", 0), pod("db", 0), 1, 10)
		f.Source.Address = netip.AddrFrom4([4]byte{10, 3, byte(i >> 8), byte(i)})
		f.Source.Bytes = 7
		one := b.add(f)
		two := b.add(f)
		assert.Equal(t, one, two, "all records of a flow share one fate")
		kept += one.Records + two.Records
	}
	out := b.take(true)
	require.Len(t, out, 1)
	assert.EqualValues(t, rate, out[0].SamplingRate)
	assert.EqualValues(t, kept, out[0].Aggregation.Records)
	assert.EqualValues(t, kept*rate*7, out[0].Source.Bytes)
	assert.InEpsilon(t, 2*flows*7, out[0].Source.Bytes, 0.1)

	again := newBench(t, func(_ *aggregate.Aggregator, o *aggregate.Options) { o.Classes[0].Sample = 1 })
	again.add(out...)
	assert.EqualValues(t, rate, again.take(true)[0].SamplingRate, "the rate stays downstream")
}

func TestMoreAttributesThanThereIsRoomFor(t *testing.T) {
	b := newBench(t, nil)
	logs := flow.Encode(&flow.Batch{Flows: []flow.Flow{between(pod("web", 0), pod("db", 0), 1, 10)}}, time.Now())
	attrs := logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes()
	for i := range 100 {
		attrs.PutStr(fmt.Sprint("extra.", i), "x")
	}
	b.addLogs(logs)
	assert.NotZero(t, b.State().Unknown)
	w := b.Take(true)[0]
	out := b.writer.Write(w, 0, 1).ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes()
	_, ok := out.Get("extra.0")
	assert.True(t, ok)
}
