package document_test

import (
	"bytes"
	"encoding/json"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/document"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// record returns a flow record with these attributes beside its timestamp.
func record(t testing.TB, attributes map[string]any) plog.LogRecord {
	t.Helper()
	lr := plog.NewLogRecord()
	lr.SetEventName(flow.EventFlow)
	lr.SetTimestamp(1796000010e9)
	require.NoError(t, lr.Attributes().FromRaw(attributes))
	return lr
}

func encoder(t testing.TB, o document.Options) *document.Encoder {
	t.Helper()
	e, err := document.NewEncoder(o)
	require.NoError(t, err)
	return e
}

// fields returns the document of a record by the full names of its fields.
func fields(t testing.TB, o document.Options, lr plog.LogRecord) map[string]any {
	t.Helper()
	doc, _, err := encoder(t, o).Append(nil, pcommon.NewResource(), lr)
	require.NoError(t, err)
	return flatten(t, doc)
}

func flatten(t testing.TB, doc []byte) map[string]any {
	t.Helper()
	var root map[string]any
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	require.NoError(t, d.Decode(&root))
	flat := make(map[string]any)
	var walk func(string, map[string]any)
	walk = func(prefix string, object map[string]any) {
		for name, value := range object {
			if child, ok := value.(map[string]any); ok {
				walk(prefix+name+".", child)
			} else {
				flat[prefix+name] = value
			}
		}
	}
	walk("", root)
	return flat
}

func TestWhatIsNoFlowRecordIsRefusedWithTheReason(t *testing.T) {
	many := make(map[string]any)
	for i := range 33 {
		many["mine."+strings.Repeat("x", i+1)] = i
	}
	for want, change := range map[string]func(plog.LogRecord){
		`the event name "device.boot" is no flow record (network.flow, network.flow.loss, network.flow.agent): send`: func(lr plog.LogRecord) { lr.SetEventName("device.boot") },
		"log record has no timestamp": func(lr plog.LogRecord) { lr.SetTimestamp(0) },
		"is after 2262":               func(lr plog.LogRecord) { lr.SetTimestamp(math.MaxUint64) },
		"attribute source.port: want a value of type integer, got Str":        put("source.port", "80"),
		"attribute source.port: want a value of type integer, got Double":     put("source.port", 80.5),
		"attribute source.bytes: want a value of type integer, got Double":    put("source.bytes", math.NaN()),
		"attribute source.packets: want a value of type integer, got Double":  put("source.packets", math.Inf(1)),
		"attribute source.port: 3000000000 is out of range":                   put("source.port", 3000000000),
		"attribute network.icmp.type: -40000 is out of range":                 put("network.icmp.type", -40000),
		`attribute source.address: "10.0.0.256" is no IP address`:             put("source.address", "10.0.0.256"),
		`attribute source.addresses: "" is no IP address`:                     put("source.addresses", []any{""}),
		"attribute source.addresses: want a value of type keywords, got Str":  put("source.addresses", "10.0.0.1"),
		"attribute source.k8s.pod.labels: want a value of type map, got Str":  put("source.k8s.pod.labels", "a=b"),
		"attribute flow.peer.observed: want a value of type boolean, got Int": put("flow.peer.observed", 1),
		"attribute flow.reporter: want a value of type keyword, got Int":      put("flow.reporter", 1),
		`attribute flow.action: unknown action "drop"`:                        put("flow.action", "drop"),
		"attribute flow.start: -1 is before 1970":                             put("flow.start", -1),
		`attribute flow.id: parse flow id "x"`:                                put("flow.id", "x"),
		"is no id: it has 52 characters":                                      put("flow.id", strings.Repeat("0", 47)+"1-2-3"),
		"an attribute has no name":                                            put("", "x"),
		"delete what is not needed":                                           func(lr plog.LogRecord) { require.NoError(t, lr.Attributes().FromRaw(many)) },
		`attribute "my_team" makes a field that another makes already: rename`: func(lr plog.LogRecord) {
			lr.Attributes().PutStr("my.team", "a")
			lr.Attributes().PutStr("my_team", "b")
		},
	} {
		lr := record(t, nil)
		change(lr)
		dst := []byte("before")
		got, target, err := encoder(t, document.Options{}).Append(dst, pcommon.NewResource(), lr)
		assert.ErrorContains(t, err, want)
		assert.Equal(t, "before", string(got))
		assert.Zero(t, target)
	}
}

func put(name string, value any) func(plog.LogRecord) {
	return func(lr plog.LogRecord) {
		if err := lr.Attributes().PutEmpty(name).FromRaw(value); err != nil {
			panic(err)
		}
	}
}

func TestAnAttributeThatIsThereTwiceIsRefused(t *testing.T) {
	const twice = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1","eventName":"network.flow","attributes":[
		{"key":"NAME","value":{"intValue":"1"}},{"key":"NAME","value":{"intValue":"1"}}]}]}]}]}`
	for name, want := range map[string]string{"source.port": "attribute source.port is there twice", "mine": "makes a field that another makes already"} {
		logs, err := new(plog.JSONUnmarshaler).UnmarshalLogs([]byte(strings.ReplaceAll(twice, "NAME", name)))
		require.NoError(t, err)
		rl := logs.ResourceLogs().At(0)
		for _, m := range []schema.Mapping{schema.ECS, schema.OTel} {
			_, _, err = encoder(t, document.Options{Mapping: m}).Append(nil, rl.Resource(), rl.ScopeLogs().At(0).LogRecords().At(0))
			assert.ErrorContains(t, err, want, "%s %s", m, name)
		}
	}
}

func TestOptionsThatServersRefuseAreRefused(t *testing.T) {
	for want, o := range map[string]document.Options{
		`namespace "Prod" has upper-case letters: write "prod"`: {Namespace: "Prod"},
		"unknown mapping 7": {Mapping: 7},
		"unknown id mode 7": {ID: 7},
	} {
		_, err := document.NewEncoder(o)
		assert.ErrorContains(t, err, want)
	}
}

func TestTheIDIsTheRecordsOwn(t *testing.T) {
	for id, want := range map[any]string{"1a-2b-3c": "1a-2b-3c", "ffffffff-ffffffff-ffffffffffffffff": "ffffffff-ffffffff-ffffffffffffffff", "": "", "0-0-0": ""} {
		lr := record(t, map[string]any{"flow.id": id})
		doc, target, err := encoder(t, document.Options{}).Append(nil, pcommon.NewResource(), lr)
		require.NoError(t, err)
		assert.Equal(t, want, target.ID)
		if want != "" {
			assert.NotContains(t, string(doc), want, "the id is in no field")
		}
		_, target, err = encoder(t, document.Options{ID: document.IDAuto}).Append(nil, pcommon.NewResource(), lr)
		require.NoError(t, err)
		assert.Empty(t, target.ID)
	}
}

func TestCountersAboveTheLargestIntegerAreClamped(t *testing.T) {
	got := fields(t, document.Options{}, record(t, map[string]any{"source.bytes": 1e300, "destination.bytes": int64(5), "source.packets": float64(1 << 40)}))
	assert.Equal(t, json.Number("9223372036854775807"), got["source.bytes"])
	assert.Equal(t, json.Number("9223372036854775807"), got["network.bytes"])
	assert.Equal(t, json.Number("1099511627776"), got["source.packets"])
}

func TestTheRecordGoesBeforeTheResource(t *testing.T) {
	resource := pcommon.NewResource()
	resource.Attributes().PutStr("host.name", "gateway")
	resource.Attributes().PutStr("team", "ops")
	resource.Attributes().PutStr("zone", "a")
	doc, _, err := encoder(t, document.Options{}).Append(nil, resource, record(t, map[string]any{"host.name": "node", "team": "shop"}))
	require.NoError(t, err)
	got := flatten(t, doc)
	assert.Equal(t, "node", got["host.name"])
	assert.Equal(t, "shop", got["labels.team"])
	assert.Equal(t, "a", got["labels.zone"])
}

func TestTimesAreWrittenAsRFC3339(t *testing.T) {
	for ns, want := range map[int64]string{
		0: "1970-01-01T00:00:00Z", 1: "1970-01-01T00:00:00.000000001Z", 1796000000120000000: "2026-11-30T00:53:20.12Z",
		951782399999999999: "2000-02-28T23:59:59.999999999Z", math.MaxInt64: "2262-04-11T23:47:16.854775807Z",
	} {
		assert.Equal(t, want, fields(t, document.Options{}, record(t, map[string]any{"flow.start": ns}))["event.start"])
	}
}

func TestCommunityID(t *testing.T) {
	for _, c := range []struct {
		transport string
		from, to  string
		want      any
	}{
		// From the specification's examples.
		{"tcp", "128.232.110.120:34855", "66.35.250.204:80", "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
		{"tcp", "66.35.250.204:80", "128.232.110.120:34855", "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
		{"udp", "192.168.1.52:54585", "8.8.8.8:53", "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
		{"sctp", "192.168.170.8:7", "192.168.170.56:80", "1:jQgCxbku+pNGw8WPbEc/TS/uTpQ="},
		{"tcp", "[::ffff:128.232.110.120]:34855", "66.35.250.204:80", "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
		// Not of what has no ports, or not all of them.
		{"icmp", "192.168.0.89:8", "192.168.0.1:0", nil},
		{"tcp", "192.168.0.89:0", "192.168.0.1:80", nil},
		{"tcp", "192.168.0.89:5", "[2001:db8::1]:80", nil},
		{"47", "192.168.0.89:5", "192.168.0.1:5", nil},
	} {
		from, to := netip.MustParseAddrPort(c.from), netip.MustParseAddrPort(c.to)
		lr := record(t, map[string]any{
			"network.transport": c.transport,
			"source.address":    from.Addr().String(), "source.port": int64(from.Port()),
			"destination.address": to.Addr().String(), "destination.port": int64(to.Port()),
		})
		assert.Equal(t, c.want, fields(t, document.Options{CommunityID: true}, lr)["network.community_id"], c.from)
		assert.NotContains(t, fields(t, document.Options{}, lr), "network.community_id")
	}
}

func TestRejectionsKeepWhatWasRefused(t *testing.T) {
	e := encoder(t, document.Options{Namespace: "prod", Mapping: schema.OTel})
	doc, target := e.AppendRejection([]byte("before"), &document.Rejection{
		Time: time.Unix(1796000010, 0), Type: "document_parsing_exception", Message: "no \"good\"",
		Target: document.Target{Stream: "logs-k8s.flow-prod", ID: "1-2-3"}, Original: []byte(`{"a":"\xff"}`),
	})
	assert.Equal(t, document.Target{Stream: "logs-k8s.rejected-prod", ID: "1-2-3"}, target)
	assert.JSONEq(t, `{
		"@timestamp": "2026-11-30T00:53:30Z", "error": {"type": "document_parsing_exception", "message": "no \"good\""},
		"event": {"original": "{\"a\":\"\\xff\"}", "kind": "pipeline_error", "dataset": "k8s.rejected"},
		"flow": {"rejected": {"stream": "logs-k8s.flow-prod", "id": "1-2-3"}}, "ecs": {"version": "8.17.0"},
		"data_stream": {"type": "logs", "dataset": "k8s.rejected", "namespace": "prod"}
	}`, strings.TrimPrefix(string(doc), "before"))
	known := make(map[string]bool)
	for _, f := range schema.OTel.FieldsOf(schema.Rejected) {
		known[f.Path] = true
	}
	for name := range flatten(t, doc[len("before"):]) {
		assert.True(t, known[name], name)
	}
}

func TestAppendDoesNotAllocate(t *testing.T) {
	f := typical()
	for _, o := range []document.Options{{}, {CommunityID: true}, {Mapping: schema.OTel}} {
		e := encoder(t, o)
		resource, lr := one(t, flow.Batch{Flows: []flow.Flow{f}})
		lr.Attributes().PutStr("mine", "too")
		buf := make([]byte, 0, 1<<13)
		assert.Zero(t, testing.AllocsPerRun(100, func() {
			var err error
			if buf, _, err = e.Append(buf[:0], resource, lr); err != nil {
				t.Error(err)
			}
		}), "%+v", o)
	}
}
