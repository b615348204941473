package flow_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow/flowtest"
)

var comparable = cmp.Options{
	cmp.Comparer(func(a, b flow.Name) bool { return a == b }),
	cmp.Comparer(func(a, b flow.NameSet) bool { return a == b }),
	cmp.Comparer(func(a, b flow.Labels) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmpopts.EquateEmpty(),
}

// roundTrip encodes batch, passes it through the wire format and decodes it.
func roundTrip(t *testing.T, batch *flow.Batch) flow.Batch {
	t.Helper()
	wire, err := (&plog.ProtoMarshaler{}).MarshalLogs(flow.Encode(batch, time.Unix(1, 0)))
	require.NoError(t, err)
	logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(wire)
	require.NoError(t, err)
	got, rejected := flow.Decode(logs)
	require.NoError(t, rejected.Err())
	return got
}

func TestRandomFlowsSurviveTheCodec(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	batch := flow.Batch{Flows: make([]flow.Flow, 2000)}
	for i := range batch.Flows {
		batch.Flows[i] = flowtest.Flow(r)
	}
	got := roundTrip(t, &batch)
	// Records come back by observer, in their order within each.
	want := slices.Clone(batch.Flows)
	first := make(map[flow.Observer]int)
	for _, f := range want {
		if _, ok := first[f.Observer]; !ok {
			first[f.Observer] = len(first)
		}
	}
	slices.SortStableFunc(want, func(a, b flow.Flow) int { return first[a.Observer] - first[b.Observer] })
	assert.Empty(t, cmp.Diff(want, got.Flows, comparable))
}

func TestAbsentIsNotZeroOrEmpty(t *testing.T) {
	empty := flow.Intern("")
	batch := flow.Batch{Flows: []flow.Flow{
		{},
		{Denial: flow.Denial{Reason: empty}, Process: flow.Process{Executable: empty}, Observer: flow.Observer{Host: empty}},
	}}
	got := roundTrip(t, &batch)
	assert.Empty(t, cmp.Diff(batch.Flows, got.Flows, comparable))
	assert.False(t, got.Flows[0].Denial.Reason.Known())
	assert.True(t, got.Flows[1].Denial.Reason.Known())

	attributes := flow.Encode(&batch, time.Now()).ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes()
	_, ok := attributes.Get("source.port")
	assert.False(t, ok, "a port of 0 is not known")
	bytes, ok := attributes.Get("source.bytes")
	assert.True(t, ok, "no bytes are zero bytes")
	assert.Zero(t, bytes.Int())
}

func TestLossesAndAgentsSurviveTheCodec(t *testing.T) {
	observer := flow.Observer{Host: flow.Intern("a"), Node: flow.Intern("n"), Cluster: flow.Intern("c")}
	batch := flow.Batch{
		Losses: []flow.Loss{{}, {
			ID: flow.ID{Node: 1, Epoch: 2, Counter: 3}, Observer: observer, Start: 1, End: 2,
			Stage: flow.StageRingBuffer, Unit: flow.UnitConnections, Count: math.MaxInt64,
		}},
		Agents: []flow.Agent{{}, {
			ID: flow.ID{Node: 1, Epoch: 2, Counter: 4}, Observer: observer, Time: 5, Started: 4, Version: "1", Interval: 3,
			Engines: []flow.Engine{
				{Name: "tcp", On: true}, {Name: "udp"}, {Name: "nat", Detail: "no: really, no"}, {Name: "drops", On: true, Detail: "some"},
			},
			Connections: 1, Records: 2, Lost: 3, CPUTime: 4, Memory: 5,
		}},
	}
	got := roundTrip(t, &batch)
	assert.Empty(t, cmp.Diff(batch, got, comparable))
	assert.Equal(t, 4, got.Len())
}

func TestLogRecordsSayWhatTheyAre(t *testing.T) {
	observer := flow.Observer{Host: flow.Intern("machine")}
	observed := time.Unix(100, 5)
	logs := flow.Encode(&flow.Batch{
		Flows:  []flow.Flow{{Observer: observer, End: 7, Action: flow.Allow}, {Observer: observer, End: 8, Action: flow.Deny}},
		Losses: []flow.Loss{{Observer: observer, End: 9}},
		Agents: []flow.Agent{{Observer: observer, Time: 10}},
	}, observed)
	require.Equal(t, 1, logs.ResourceLogs().Len(), "one observer, one resource")
	assert.Equal(t, map[string]any{"host.name": "machine"}, logs.ResourceLogs().At(0).Resource().Attributes().AsRaw())
	records := logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords()
	require.Equal(t, 4, records.Len())
	for i, want := range []struct {
		event    string
		at       pcommon.Timestamp
		severity plog.SeverityNumber
		text     string
	}{
		{"network.flow", 7, plog.SeverityNumberInfo, "INFO"},
		{"network.flow", 8, plog.SeverityNumberWarn, "WARN"},
		{"network.flow.loss", 9, plog.SeverityNumberWarn, "WARN"},
		{"network.flow.agent", 10, plog.SeverityNumberInfo, "INFO"},
	} {
		lr := records.At(i)
		assert.Equal(t, want.event, lr.EventName())
		assert.Equal(t, want.at, lr.Timestamp())
		assert.Equal(t, pcommon.NewTimestampFromTime(observed), lr.ObservedTimestamp())
		assert.Equal(t, want.severity, lr.SeverityNumber())
		assert.Equal(t, want.text, lr.SeverityText())
		_, ok := lr.Attributes().Get("host.name")
		assert.False(t, ok, "the observer is the resource")
	}
}

// oneFlow returns logs with one record of the kind and its attributes.
func oneFlow() (plog.Logs, pcommon.Map) {
	logs := flow.Encode(&flow.Batch{Flows: []flow.Flow{{}}}, time.Now())
	return logs, logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes()
}

func TestDecodeRejectsWhatItCannotRead(t *testing.T) {
	for name, test := range map[string]struct {
		put  func(pcommon.Map)
		want string
	}{
		"text for a number":     {func(m pcommon.Map) { m.PutStr("source.port", "80") }, "attribute source.port: want a value of type integer, got Str"},
		"number for a text":     {func(m pcommon.Map) { m.PutInt("flow.deny.reason", 1) }, "attribute flow.deny.reason: want a value of type keyword, got Int"},
		"number for a truth":    {func(m pcommon.Map) { m.PutInt("flow.peer.observed", 1) }, "attribute flow.peer.observed: want a value of type boolean, got Int"},
		"text for a time":       {func(m pcommon.Map) { m.PutStr("flow.end", "now") }, "attribute flow.end: want a value of type time, got Str"},
		"no address":            {func(m pcommon.Map) { m.PutStr("source.address", "localhost") }, "attribute source.address: ParseAddr"},
		"port too large":        {func(m pcommon.Map) { m.PutInt("source.port", 65536) }, "attribute source.port: 65536 is out of range"},
		"negative count":        {func(m pcommon.Map) { m.PutInt("source.bytes", -1) }, "attribute source.bytes: -1 is out of range"},
		"broken number":         {func(m pcommon.Map) { m.PutDouble("source.bytes", 1.5) }, "attribute source.bytes: want a value of type integer, got Double"},
		"number beyond int64":   {func(m pcommon.Map) { m.PutDouble("source.bytes", 1e19) }, "attribute source.bytes: want a value of type integer, got Double"},
		"no number":             {func(m pcommon.Map) { m.PutDouble("source.bytes", math.NaN()) }, "attribute source.bytes: want a value of type integer, got Double"},
		"unknown action":        {func(m pcommon.Map) { m.PutStr("flow.action", "maybe") }, `attribute flow.action: unknown action "maybe"`},
		"unknown transport":     {func(m pcommon.Map) { m.PutStr("network.transport", "quic") }, `attribute network.transport: unknown transport "quic"`},
		"broken id":             {func(m pcommon.Map) { m.PutStr("flow.id", "1-2") }, `attribute flow.id: parse flow id "1-2"`},
		"text for a map":        {func(m pcommon.Map) { m.PutStr("source.k8s.pod.labels", "a=b") }, "attribute source.k8s.pod.labels: want a value of type map, got Str"},
		"list for a text":       {func(m pcommon.Map) { m.PutEmptySlice("flow.deny.reason") }, "attribute flow.deny.reason: want a value of type keyword, got Slice"},
		"derived of wrong type": {func(m pcommon.Map) { m.PutInt("network.type", 4) }, "attribute network.type: want a value of type keyword, got Int"},
	} {
		t.Run(name, func(t *testing.T) {
			logs, attributes := oneFlow()
			test.put(attributes)
			good := flow.Encode(&flow.Batch{Flows: []flow.Flow{{End: 5}}}, time.Now())
			good.ResourceLogs().MoveAndAppendTo(logs.ResourceLogs())
			got, rejected := flow.Decode(logs)
			assert.Equal(t, 1, rejected.Count)
			require.ErrorContains(t, rejected.Err(), "1 of the log records are not flow records: "+test.want)
			require.Len(t, got.Flows, 1, "the others are decoded")
			assert.EqualValues(t, 5, got.Flows[0].End)
		})
	}
}

func TestDecodeRejectsForeignRecords(t *testing.T) {
	logs, _ := oneFlow()
	record := logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().AppendEmpty()
	record.SetEventName("device.app.lifecycle")
	logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().AppendEmpty()
	got, rejected := flow.Decode(logs)
	assert.Len(t, got.Flows, 1)
	assert.Equal(t, 2, rejected.Count)
	assert.EqualError(t, rejected.Err(), `2 of the log records are not flow records: event name is "device.app.lifecycle": want network.flow, network.flow.loss or network.flow.agent`)
	assert.NoError(t, (&flow.Rejected{}).Err())
}

func TestDecodeTakesWhatOthersMayHaveDone(t *testing.T) {
	logs, attributes := oneFlow()
	attributes.PutStr("custom", "passed over")
	attributes.PutDouble("source.bytes", 42) // through JSON
	attributes.PutStr("source.address", "::ffff:10.0.0.1")
	attributes.PutStr("destination.address", "fe80::1%eth0")
	attributes.PutStr("network.type", "ipv6") // derived: the address decides
	// A processor may reorder attributes.
	attributes.Remove("flow.end")
	attributes.PutInt("flow.end", 9)
	got, rejected := flow.Decode(logs)
	require.NoError(t, rejected.Err())
	require.Len(t, got.Flows, 1)
	f := got.Flows[0]
	assert.EqualValues(t, 42, f.Source.Bytes)
	assert.EqualValues(t, 9, f.End)
	assert.Equal(t, netip.MustParseAddr("10.0.0.1"), f.Source.Address)
	assert.Equal(t, netip.MustParseAddr("fe80::1"), f.Destination.Address)
	assert.Equal(t, flow.IPv4, f.NetworkType())
}

func TestCountsBeyondInt64AreClamped(t *testing.T) {
	got := roundTrip(t, &flow.Batch{Flows: []flow.Flow{{Source: flow.Endpoint{Bytes: math.MaxUint64}}}})
	assert.EqualValues(t, math.MaxInt64, got.Flows[0].Source.Bytes)
}

// FuzzDecode feeds logs from anywhere: nothing panics, every record is decoded
// or counted, and what was decoded survives another round.
func FuzzDecode(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 4))
	batch := flow.Batch{Flows: []flow.Flow{{}, flowtest.Flow(r), flowtest.Flow(r)}, Losses: []flow.Loss{{Count: 1}}, Agents: []flow.Agent{{Engines: []flow.Engine{{Name: "tcp", On: true}}}}}
	for _, seed := range []flow.Batch{{}, batch} {
		wire, err := (&plog.ProtoMarshaler{}).MarshalLogs(flow.Encode(&seed, time.Unix(1, 0)))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire)
		f.Add(bytes.ReplaceAll(wire, []byte("tcp"), []byte("???")))
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(wire)
		if err != nil {
			t.Skip("not OTLP")
		}
		decoded, rejected := flow.Decode(logs)
		if n := decoded.Len() + rejected.Count; n != logs.LogRecordCount() {
			t.Fatalf("%d of %d records are accounted for", n, logs.LogRecordCount())
		}
		again, rejected := flow.Decode(flow.Encode(&decoded, time.Unix(1, 0)))
		if rejected.Err() != nil || again.Len() != decoded.Len() {
			t.Fatalf("%d records of %d survive a second round: %v", again.Len(), decoded.Len(), rejected.Err())
		}
	})
}

func TestRegistryNamesAreTheOnlyAttributes(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	logs := flow.Encode(&flow.Batch{Flows: []flow.Flow{flowtest.Flow(r)}}, time.Now())
	for name := range logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().All() {
		assert.NotNil(t, flow.Flows.Lookup(name), name)
		assert.False(t, strings.ContainsAny(name, "\"\\ "), name)
	}
}
