package api

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/memstore"
)

func TestStatus(t *testing.T) {
	got := read[object](t, ask(t, newHandler(t, sampleStore(t)), basePath+"/status"), http.StatusOK)
	engines := []any{
		object{"name": "tcp", "on": true, "detail": ""},
		object{"name": "udp", "on": false, "detail": "not built in"},
	}
	agent := func(host, lastSeen string, records float64) object {
		return object{
			"host": host, "node": "", "cluster": "", "version": "1.2.3",
			"lastSeen": lastSeen, "started": "2026-01-02T11:00:00.000Z", "intervalSeconds": 5.0, "engines": engines,
			"connections": 12.0, "records": records, "lost": 1.0, "memoryBytes": 9e7,
		}
	}
	machine := agent("machine", "2026-01-02T11:59:55.000Z", 200)
	machine["cpuPercent"] = 0.4
	another := agent("another", "2026-01-02T11:59:00.000Z", 300)
	another["ended"] = true
	want := object{
		"product": "otelcol-flowlogs", "version": "1.2.3", "now": "2026-01-02T12:00:00.000Z", "host": "machine",
		"store": object{
			"kind": "memory", "path": "", "sizeBytes": 0.0, "maxSizeBytes": 0.0, "retentionSeconds": 0.0,
			"records": 4.0, "oldest": "2026-01-02T11:59:00.000Z", "newest": "2026-01-02T11:59:50.000Z",
		},
		"agents": []any{another, machine},
	}
	assert.Empty(t, cmp.Diff(want, got))
}

func TestStatusForgetsAgentsThatAreSilentForADay(t *testing.T) {
	s := &memstore.Store{}
	sign := func(host string, ago time.Duration) flow.Agent {
		return flow.Agent{Observer: flow.Observer{Host: flow.Intern(host)}, Time: noon.Add(-ago).UnixNano(), Started: 1}
	}
	store(t, s, &flow.Batch{Agents: []flow.Agent{sign("gone", 25*time.Hour), sign("silent", 23*time.Hour), sign("live", time.Second)}})
	got := read[object](t, ask(t, newHandler(t, s), basePath+"/status"), http.StatusOK)
	var hosts []any
	for _, agent := range got["agents"].([]any) {
		hosts = append(hosts, agent.(object)["host"])
	}
	assert.Equal(t, []any{"live", "silent"}, hosts)
}

func TestStatusOfAnEmptyStore(t *testing.T) {
	got := read[object](t, ask(t, newHandler(t, nil), basePath+"/status"), http.StatusOK)
	assert.Equal(t, []any{}, got["agents"])
	assert.NotContains(t, got["store"], "oldest")
}

func TestProcessorShareIsUnknownAcrossARestart(t *testing.T) {
	before := flow.Agent{Started: 1, Time: 100, CPUTime: 10}
	for name, test := range map[string]struct {
		now   flow.Agent
		want  float64
		known bool
	}{
		"half of one processor":    {flow.Agent{Started: 1, Time: 200, CPUTime: 60}, 50, true},
		"two processors":           {flow.Agent{Started: 1, Time: 200, CPUTime: 210}, 200, true},
		"idle":                     {flow.Agent{Started: 1, Time: 200, CPUTime: 10}, 0, true},
		"started anew":             {flow.Agent{Started: 2, Time: 200, CPUTime: 60}, 0, false},
		"clock stepped back":       {flow.Agent{Started: 1, Time: 100, CPUTime: 60}, 0, false},
		"processor time went down": {flow.Agent{Started: 1, Time: 200, CPUTime: 5}, 0, false},
	} {
		got, known := cpuPercent(&test.now, &before)
		assert.Equal(t, test.known, known, name)
		assert.InDelta(t, test.want, got, 1e-9, name)
	}
	_, known := cpuPercent(&before, nil)
	assert.False(t, known)
}

func TestFieldsFollowTheRegistry(t *testing.T) {
	got := read[fieldsBody](t, ask(t, newHandler(t, nil), basePath+"/fields"), http.StatusOK)
	require.Len(t, got.Fields, len(flow.Flows.Fields()))
	byName := make(map[string]fieldBody)
	for i, f := range got.Fields {
		assert.Equal(t, flow.Flows.Fields()[i].Name, f.Name, "the registry's order")
		byName[f.Name] = f
	}
	assert.Equal(t, fieldBody{
		Name: "flow.action", Type: "keyword", Description: "What the kernel did.", Role: "dimension",
		Groupable: true, Values: []string{"allow", "deny"},
	}, byName["flow.action"])
	assert.Equal(t, "By", byName["source.bytes"].Unit)
	assert.False(t, byName["source.bytes"].Groupable)
	assert.Empty(t, byName["flow.start"].Unit, "a time is not sent in nanoseconds")
}

func TestFlowsAreNewestFirstAndCountedOnce(t *testing.T) {
	got := read[object](t, ask(t, newHandler(t, sampleStore(t)), basePath+"/flows"), http.StatusOK)
	assert.Equal(t, []string{"abc-1-4", "abc-1-2", "abc-1-1"}, ids(got))
	assert.NotContains(t, got, "next")
	want := object{
		"host.name": "machine", "flow.id": "abc-1-1", "flow.start": "2026-01-02T11:58:55.000Z", "flow.end": "2026-01-02T11:59:00.000Z",
		"flow.reporter": "source", "flow.peer.observed": false, "flow.action": "allow", "network.transport": "tcp", "network.type": "ipv4",
		"source.address": "192.168.1.20", "source.type": "host", "source.scope": "private", "source.process.executable.name": "chromium",
		"source.bytes": 1000.0, "source.packets": 10.0, "source.payload.bytes": 400.0,
		"destination.address": "203.0.113.7", "destination.port": 443.0, "destination.type": "network", "destination.scope": "public",
		"destination.bytes": 50000.0, "destination.packets": 40.0, "destination.payload.bytes": 47000.0,
		"process.executable.name": "chromium", "process.pid": 4711.0, "process.linux.cgroup": "/user.slice",
		"flow.connections.seen": 3.0, "flow.connections.started": 2.0, "flow.connections.completed": 1.0, "flow.connections.open": 2.0,
		"flow.connections.reset": 1.0,
		"flow.tcp.rtt.mean":      100.0, "flow.tcp.rtt.min": 80.0, "flow.tcp.rtt.max": 130.0, "flow.tcp.rtt.sum": 300.0, "flow.tcp.rtt.samples": 3.0,
		"flow.tcp.retransmits": 2.0,
	}
	assert.Empty(t, cmp.Diff(want, got["flows"].([]any)[2]))
}

// ids lists the flow.id of every record in an answer of /flows.
func ids(answer object) []string {
	var list []string
	for _, f := range answer["flows"].([]any) {
		list = append(list, f.(object)["flow.id"].(string))
	}
	return list
}

func TestFlowsByReporterFilterAndTime(t *testing.T) {
	h := newHandler(t, sampleStore(t))
	for query, want := range map[string][]string{
		"reporter=all":                                {"abc-1-4", "abc-1-2", "abc-1-3", "abc-1-1"},
		"reporter=destination":                        {"abc-1-3"},
		"reporter=source":                             {"abc-1-4", "abc-1-2", "abc-1-1"},
		"reporter=forward":                            nil,
		"q=flow.action+%3D+deny":                      {"abc-1-4"},
		"q=either.address+%3D+10.0.0.0/8":             {"abc-1-4"},
		"from=2026-01-02T11:59:10Z":                   {"abc-1-4", "abc-1-2"},
		"to=2026-01-02T11:59:50Z":                     {"abc-1-2", "abc-1-1"},
		"from=1767355170000&to=1767355171000":         {"abc-1-2"},
		"from=2026-01-02T12:59:30%2B01:00&limit=1000": {"abc-1-4", "abc-1-2"},
	} {
		got := read[object](t, ask(t, h, basePath+"/flows?"+query), http.StatusOK)
		assert.Equal(t, want, ids(got), query)
	}
}

func TestFlowsPageByPage(t *testing.T) {
	h := newHandler(t, sampleStore(t))
	var visited []string
	next := ""
	for range 10 {
		got := read[object](t, ask(t, h, basePath+"/flows?reporter=all&limit=1&cursor="+next), http.StatusOK)
		visited = append(visited, ids(got)...)
		var more bool
		if next, more = got["next"].(string); !more {
			break
		}
	}
	assert.Equal(t, []string{"abc-1-4", "abc-1-2", "abc-1-3", "abc-1-1"}, visited)
}

func TestGroups(t *testing.T) {
	h := newHandler(t, sampleStore(t))
	got := read[object](t, ask(t, h, basePath+"/groups?by=source.process.executable.name,destination.port&limit=2"), http.StatusOK)
	zero := func(set object) object {
		sums := object{}
		for _, f := range flow.Flows.Fields() {
			if f.Role == flow.Counter {
				sums[f.Name] = 0.0
			}
		}
		for name, n := range set {
			sums[name] = n
		}
		return sums
	}
	browser := zero(object{
		"source.bytes": 1000.0, "source.packets": 10.0, "source.payload.bytes": 400.0,
		"destination.bytes": 50000.0, "destination.packets": 40.0, "destination.payload.bytes": 47000.0,
		"flow.connections.seen": 3.0, "flow.connections.started": 2.0, "flow.connections.completed": 1.0, "flow.connections.reset": 1.0,
		"flow.tcp.rtt.sum": 300.0, "flow.tcp.rtt.samples": 3.0, "flow.tcp.retransmits": 2.0,
	})
	curl := zero(object{
		"source.bytes": 200.0, "source.packets": 3.0, "source.payload.bytes": 50.0,
		"destination.bytes": 300.0, "destination.packets": 3.0, "destination.payload.bytes": 100.0,
		"flow.connections.seen": 1.0, "flow.connections.started": 1.0, "flow.connections.completed": 1.0,
	})
	total := zero(object{
		"source.bytes": 1260.0, "source.packets": 14.0, "source.payload.bytes": 450.0,
		"destination.bytes": 50340.0, "destination.packets": 44.0, "destination.payload.bytes": 47100.0,
		"flow.connections.seen": 9.0, "flow.connections.started": 8.0, "flow.connections.completed": 7.0, "flow.connections.reset": 1.0,
		"flow.tcp.rtt.sum": 300.0, "flow.tcp.rtt.samples": 3.0, "flow.tcp.retransmits": 2.0,
	})
	want := object{
		"by": []any{"source.process.executable.name", "destination.port"},
		"groups": []any{
			object{
				"key":     object{"source.process.executable.name": "chromium", "destination.port": 443.0},
				"records": 1.0, "sums": browser, "denied": 0.0, "rttMean": 100.0, "rttMin": 80.0, "rttMax": 130.0,
				"first": "2026-01-02T11:58:55.000Z", "last": "2026-01-02T11:59:00.000Z",
			},
			object{
				"key":     object{"source.process.executable.name": "=curl", "destination.port": 8080.0},
				"records": 1.0, "sums": curl, "denied": 0.0,
				"first": "2026-01-02T11:59:25.000Z", "last": "2026-01-02T11:59:30.000Z",
			},
		},
		"total": object{
			"records": 3.0, "sums": total, "denied": 5.0, "rttMean": 100.0, "rttMin": 80.0, "rttMax": 130.0,
			"first": "2026-01-02T11:58:55.000Z", "last": "2026-01-02T11:59:50.000Z",
		},
		"groupCount": 3.0, "truncated": true,
	}
	assert.Empty(t, cmp.Diff(want, got))
}

// A list is one value to group by, and several to suggest and to filter by.
func TestLists(t *testing.T) {
	store := &memstore.Store{}
	for i, names := range [][]flow.Name{{flow.Intern("cdn.example.net"), flow.Intern("www.example.com")}, {flow.Intern("=cmd.example")}, {flow.Intern("www.example.com")}} {
		require.NoError(t, store.Write(t.Context(), &flow.Batch{Flows: []flow.Flow{{
			End: ago(time.Duration(i+1) * time.Second), Source: flow.Endpoint{Bytes: uint64(1000 - i)}, Destination: flow.Endpoint{Domains: flow.NameSetOf(names...)},
		}}}))
	}
	h := newHandler(t, store)
	var keys []any
	for _, group := range read[object](t, ask(t, h, basePath+"/groups?by=destination.domains"), http.StatusOK)["groups"].([]any) {
		keys = append(keys, group.(object)["key"].(object)["destination.domains"])
	}
	assert.Equal(t, []any{[]any{"cdn.example.net", "www.example.com"}, []any{"=cmd.example"}, []any{"www.example.com"}}, keys)
	assert.Equal(t, []any{object{"value": "www.example.com", "records": 2.0}, object{"value": "=cmd.example", "records": 1.0}, object{"value": "cdn.example.net", "records": 1.0}},
		read[object](t, ask(t, h, basePath+"/values?field=destination.domains"), http.StatusOK)["values"])
	found := read[object](t, ask(t, h, basePath+"/flows?q="+url.QueryEscape("destination.domains = cdn.example.net")), http.StatusOK)["flows"].([]any)
	require.Len(t, found, 1)
	assert.Equal(t, []any{"cdn.example.net", "www.example.com"}, found[0].(object)["destination.domains"])
	response := ask(t, h, basePath+"/flows.csv")
	table, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.Contains(t, string(table), `,"cdn.example.net,www.example.com",`)
	assert.Contains(t, string(table), ",'=cmd.example,", "no formula")
}

func TestGroupsSort(t *testing.T) {
	h := newHandler(t, sampleStore(t))
	for sort, want := range map[string]any{
		"":                       443.0,
		"bytes":                  443.0,
		"packets":                443.0,
		"connections":            5432.0,
		"denied":                 5432.0,
		"flow.tcp.retransmits":   443.0,
		"flow.connections.seen":  5432.0,
		"source.payload.bytes":   443.0,
		"flow.connections.reset": 443.0,
	} {
		got := read[object](t, ask(t, h, basePath+"/groups?by=destination.port&limit=1&sort="+sort), http.StatusOK)
		assert.Equal(t, want, got["groups"].([]any)[0].(object)["key"].(object)["destination.port"], sort)
	}
}

func TestGroupsOfNothing(t *testing.T) {
	got := read[object](t, ask(t, newHandler(t, nil), basePath+"/groups?by=source.address"), http.StatusOK)
	assert.Equal(t, []any{}, got["groups"])
	assert.Equal(t, 0.0, got["groupCount"])
	assert.NotContains(t, got["total"], "first")
}

func TestHistogramHasEveryBucket(t *testing.T) {
	h := newHandler(t, sampleStore(t))
	got := read[histogramBody](t, ask(t, h, basePath+"/histogram?buckets=10&from=2026-01-02T11:58:58Z"), http.StatusOK)
	assert.EqualValues(t, 10_000, got.StepMs)
	require.Len(t, got.Buckets, 7)
	assert.Equal(t, bucketBody{Start: timestamp(ago(70 * time.Second))}, got.Buckets[0])
	assert.Equal(t, bucketBody{Start: timestamp(ago(60 * time.Second)), Allow: bucketSums{Connections: 2, Bytes: 51_000, Records: 1}}, got.Buckets[1])
	assert.Equal(t, bucketBody{Start: timestamp(ago(50 * time.Second)), Lost: 312}, got.Buckets[2])
	assert.Equal(t, bucketBody{Start: timestamp(ago(40 * time.Second)), Lost: 8}, got.Buckets[3])
	assert.Equal(t, bucketBody{Start: timestamp(ago(30 * time.Second)), Allow: bucketSums{Connections: 1, Bytes: 500, Records: 1}}, got.Buckets[4])
	assert.Equal(t, bucketBody{Start: timestamp(ago(20 * time.Second))}, got.Buckets[5])
	assert.Equal(t, bucketBody{Start: timestamp(ago(10 * time.Second)), Deny: bucketSums{Connections: 5, Bytes: 100, Records: 1}}, got.Buckets[6])
}

// UnmarshalJSON reads what MarshalJSON prints.
func (t *timestamp) UnmarshalJSON(data []byte) error {
	var at time.Time
	if err := json.Unmarshal(data, &at); err != nil {
		return err
	}
	*t = timestamp(at.UnixNano())
	return nil
}

func TestNiceSteps(t *testing.T) {
	for _, test := range []struct {
		span    time.Duration
		buckets int
		want    time.Duration
	}{
		{time.Nanosecond, 120, 100 * time.Millisecond},
		{time.Second, 120, 100 * time.Millisecond},
		{time.Minute, 120, time.Second},
		{15 * time.Minute, 120, 10 * time.Second},
		{time.Hour, 120, time.Minute},
		{24 * time.Hour, 120, 15 * time.Minute},
		{7 * 24 * time.Hour, 120, 2 * time.Hour},
		{365 * 24 * time.Hour, 120, 4 * 24 * time.Hour},
		{200 * 365 * 24 * time.Hour, 5000, 15 * 24 * time.Hour},
		{200 * 365 * 24 * time.Hour, 1, 200 * 365 * 24 * time.Hour},
	} {
		step := niceStep(int64(test.span), test.buckets)
		assert.Equal(t, test.want, time.Duration(step), "%s in %d", test.span, test.buckets)
		// The span may begin anywhere in a bucket.
		most := (int64(test.span)-1)/step + 2
		assert.LessOrEqual(t, most, int64(max(test.buckets, 2)), "%s in %d", test.span, test.buckets)
	}
}

func TestValues(t *testing.T) {
	h := newHandler(t, sampleStore(t))
	for query, want := range map[string][]any{
		"field=source.address":                                 {object{"value": "192.168.1.20", "records": 2.0}, object{"value": "::1", "records": 1.0}},
		"field=source.address&prefix=19":                       {object{"value": "192.168.1.20", "records": 2.0}},
		"field=source.address&limit=1":                         {object{"value": "192.168.1.20", "records": 2.0}},
		"field=destination.port&prefix=4":                      {object{"value": 443.0, "records": 1.0}},
		"field=flow.peer.observed":                             {object{"value": false, "records": 2.0}, object{"value": true, "records": 1.0}},
		"field=flow.deny.reason&prefix=CONN":                   {object{"value": "connection_refused", "records": 1.0}},
		"field=process.executable.name&q=flow.action+%3D+deny": {},
	} {
		got := read[object](t, ask(t, h, basePath+"/values?"+query), http.StatusOK)
		assert.Equal(t, want, got["values"], query)
	}
}

func TestLossesAddUpByUnit(t *testing.T) {
	store := new(memstore.Store)
	batch := &flow.Batch{}
	for i, unit := range []string{flow.UnitConnections, flow.UnitRecords, flow.UnitPackets, flow.UnitPackets} {
		batch.Losses = append(batch.Losses, flow.Loss{Start: ago(time.Minute), End: ago(time.Minute), Stage: flow.StageRingBuffer, Unit: unit, Count: uint64(i + 1)})
	}
	require.NoError(t, store.Write(t.Context(), batch))
	got := read[lossesBody](t, ask(t, newHandler(t, store), basePath+"/losses"), http.StatusOK)
	assert.Equal(t, lossTotal{Connections: 1, Records: 2, Packets: 7}, got.Total)
}

func TestLosses(t *testing.T) {
	got := read[lossesBody](t, ask(t, newHandler(t, sampleStore(t)), basePath+"/losses"), http.StatusOK)
	assert.Equal(t, lossTotal{Connections: 312, Records: 8}, got.Total)
	require.Len(t, got.Losses, 2)
	assert.Equal(t, lossBody{
		Host: "machine", Start: timestamp(ago(40 * time.Second)), End: timestamp(ago(35 * time.Second)),
		Stage: "pipeline", Unit: "records", Count: 8,
	}, got.Losses[0])
	assert.False(t, got.Truncated)
}

func TestLossesAreListedUpToALimitAndCountedBeyond(t *testing.T) {
	store := &memstore.Store{}
	batch := &flow.Batch{Losses: make([]flow.Loss, maxLosses+5)}
	for i := range batch.Losses {
		batch.Losses[i] = flow.Loss{Start: ago(time.Minute), End: ago(time.Minute), Stage: flow.StageMerge, Unit: flow.UnitRecords, Count: 2}
	}
	require.NoError(t, store.Write(context.Background(), batch))
	got := read[lossesBody](t, ask(t, newHandler(t, store), basePath+"/losses"), http.StatusOK)
	assert.Len(t, got.Losses, maxLosses)
	assert.True(t, got.Truncated)
	assert.EqualValues(t, 2*(maxLosses+5), got.Total.Records)
}

func TestExportNDJSON(t *testing.T) {
	h := newHandler(t, sampleStore(t))
	response := ask(t, h, basePath+"/flows.ndjson?reporter=all")
	require.Equal(t, http.StatusOK, response.StatusCode)
	assert.Equal(t, `attachment; filename="flows-20260102T120000Z.ndjson"`, response.Header.Get("Content-Disposition"))
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	page := read[object](t, ask(t, h, basePath+"/flows?reporter=all"), http.StatusOK)["flows"].([]any)
	lines := strings.Split(strings.TrimSuffix(string(body), "\n"), "\n")
	require.Len(t, lines, len(page))
	for i, line := range lines {
		var record object
		require.NoError(t, json.Unmarshal([]byte(line), &record))
		assert.Equal(t, page[i], record)
	}
}

func TestExportCSVIsSafeInASpreadsheet(t *testing.T) {
	response := ask(t, newHandler(t, sampleStore(t)), basePath+"/flows.csv?reporter=source&q="+url.QueryEscape("destination.port = 8080"))
	require.Equal(t, http.StatusOK, response.StatusCode)
	assert.Equal(t, "text/csv; charset=utf-8", response.Header.Get("Content-Type"))
	rows, err := csv.NewReader(response.Body).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 2)
	record := make(map[string]string)
	for i, name := range rows[0] {
		record[name] = rows[1][i]
	}
	assert.Len(t, record, len(flow.Flows.Fields()))
	assert.Equal(t, "'=curl", record["source.process.executable.name"], "no formula")
	assert.Equal(t, `we"b, <1>`, record["destination.process.executable.name"])
	assert.Equal(t, "2026-01-02T11:59:30.000Z", record["flow.end"])
	assert.Equal(t, "200", record["source.bytes"])
	assert.Empty(t, record["flow.tcp.rtt.mean"])
}

func TestCellsThatAFormulaCouldStartWith(t *testing.T) {
	for _, first := range "=+-@\t\r\n" {
		assert.Equal(t, "'"+string(first)+"1", cell(flow.Value{Type: flow.Keyword, Str: string(first) + "1"}))
	}
	assert.Equal(t, "a=1", cell(flow.Value{Type: flow.Keyword, Str: "a=1"}))
	assert.Equal(t, "-5", cell(flow.Value{Type: flow.Integer, Int: -5}), "a number is a number")
	assert.Empty(t, cell(flow.Value{}))
}

func TestExportGoesThroughPagesUpToTheLimit(t *testing.T) {
	store := &memstore.Store{}
	batch := &flow.Batch{Flows: make([]flow.Flow, exportPage+500)}
	for i := range batch.Flows {
		batch.Flows[i] = flow.Flow{End: ago(time.Minute)}
	}
	require.NoError(t, store.Write(context.Background(), batch))
	h := newHandler(t, store)
	for query, want := range map[string]int{"": exportPage + 500, "?limit=2100": 2100, "?limit=7": 7} {
		body, err := io.ReadAll(ask(t, h, basePath+"/flows.ndjson"+query).Body)
		require.NoError(t, err)
		assert.Equal(t, want, strings.Count(string(body), "\n"), query)
	}
}
