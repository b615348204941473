package flowaggregationprocessor

import (
	"math/rand/v2"
	"testing"
	"time"

	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow/flowtest"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowaggregationprocessor/internal/metadata"
)

const recordsAttribute = "flow.aggregation.records"

// anyValue puts a value of any type, which may be one that v must not have.
func anyValue(r *rand.Rand, v pcommon.Value) {
	switch r.IntN(9) {
	case 0:
		v.SetStr([]string{"", "10.0.0.1", "bogus", "deny", "pod"}[r.IntN(5)])
	case 1:
		v.SetInt([]int64{0, -1, 1, 1 << 40, -1 << 63}[r.IntN(5)])
	case 2:
		v.SetDouble([]float64{0, -1, 0.5, 1e300, 7}[r.IntN(5)])
	case 3:
		v.SetBool(r.IntN(2) == 0)
	case 4:
		v.SetEmptyBytes().Append(byte(r.IntN(256)))
	case 5:
		v.SetEmptySlice().AppendEmpty().SetStr([]string{"", "not_synced", "bogus"}[r.IntN(3)])
	case 6:
		v.SetEmptySlice().AppendEmpty().SetInt(7)
	case 7:
		v.SetEmptyMap().PutStr("app", "web")
	case 8: // no value
	}
}

// disturb gives some attributes of each record and of each resource values of any type.
func disturb(r *rand.Rand, logs plog.Logs) {
	fields := flow.Flows.Fields()
	name := func() string {
		if r.IntN(8) == 0 {
			return []string{"http.route", "", "tenant"}[r.IntN(3)]
		}
		return fields[r.IntN(len(fields))].Name
	}
	for _, rl := range logs.ResourceLogs().All() {
		anyValue(r, rl.Resource().Attributes().PutEmpty(name()))
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				for range r.IntN(4) {
					anyValue(r, lr.Attributes().PutEmpty(name()))
				}
				lr.Attributes().Remove(recordsAttribute)
			}
		}
	}
}

// through sends logs through a processor and returns what it makes of them.
func through(t testing.TB, logs plog.Logs, change func(*Config)) []plog.Logs {
	t.Helper()
	config := createDefaultConfig().(*Config)
	config.Interval, config.MemoryLimitMiB, config.Deduplicate = time.Hour, 1, false
	change(config)
	sink := new(consumertest.LogsSink)
	m, err := newMerger(processortest.NewNopSettings(metadata.Type), config, sink)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := m.ConsumeLogs(t.Context(), logs); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	return sink.AllLogs()
}

// counted is how many records came or went that are no flows, and how many that are; a
// merged one counts for those that it was made of.
func counted(all ...plog.Logs) (others, flows int) {
	for _, logs := range all {
		for _, rl := range logs.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, lr := range sl.LogRecords().All() {
					switch n, ok := lr.Attributes().Get(recordsAttribute); {
					case lr.EventName() != flow.EventFlow:
						others++
					case ok:
						flows += int(n.Int())
					default:
						flows++
					}
				}
			}
		}
	}
	return others, flows
}

func checkNoneIsLost(t testing.TB, logs plog.Logs) {
	t.Helper()
	others, flows := counted(logs)
	for level := range 4 {
		out := through(t, logs, func(c *Config) { c.Allowed.Level, c.Denied.Level = level, level })
		if gotOthers, gotFlows := counted(out...); gotOthers != 2*others || gotFlows != 2*flows {
			t.Fatalf("level %d: of %d flow records and %d others %d and %d are left", level, 2*flows, 2*others, gotFlows, gotOthers)
		}
	}
}

func TestAttributesOfAnyTypeLoseNoRecord(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 2))
		flows := make([]flow.Flow, 1+r.IntN(20))
		for i := range flows {
			flows[i] = flowtest.Flow(r)
		}
		logs := encode(flow.Batch{Flows: flows, Losses: []flow.Loss{{Count: 1}}})
		disturb(r, logs)
		checkNoneIsLost(t, logs)
	}
}

// FuzzConsumeLogs takes logs from anywhere: nothing panics, and every record goes on, is
// merged, or both.
func FuzzConsumeLogs(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, seed := range []plog.Logs{encode(flow.Batch{Flows: []flow.Flow{flowtest.Flow(r), record(1, flow.Deny)}}), plog.NewLogs()} {
		disturb(r, seed)
		wire, err := (&plog.ProtoMarshaler{}).MarshalLogs(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire)
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(wire)
		if err != nil {
			t.Skip("not OTLP")
		}
		for _, rl := range logs.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, lr := range sl.LogRecords().All() {
					lr.Attributes().RemoveIf(func(name string, _ pcommon.Value) bool { return name == recordsAttribute })
				}
			}
		}
		checkNoneIsLost(t, logs)
	})
}
