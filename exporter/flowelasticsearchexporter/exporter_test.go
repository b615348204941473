package flowelasticsearchexporter

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer/consumererror"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/exporter/flowelasticsearchexporter/internal/bulktest"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// outcome is all that becomes of a push of the records 1 to 4.
type outcome struct {
	Stored    []int
	Again     []int
	Rejected  map[int]string // type of the error by number
	Documents map[string]int64
	Reasons   map[string]int64
	Retries   map[string]int64
	Requests  map[string]int64
	Unhealthy bool
	Error     string
}

// only answers so for the second document, and as usual for the others.
func only(status int, kind, reason string) bulktest.Answer {
	return bulktest.Answer{Item: func(i bulktest.Item) (int, string, string) {
		if i.ID == "1-1-2" && i.Stream == allowedStream {
			return status, kind, reason
		}
		return 0, "", ""
	}}
}

func TestWhatBecomesOfEachRecord(t *testing.T) {
	all := upTo(4)
	others := []int{1, 3, 4}
	answered := map[string]int64{"outcome=answered,status=200": 1}
	failed := func(status string) map[string]int64 {
		return map[string]int64{"outcome=failed,status=" + status: 1}
	}
	stored := func(n int64) map[string]int64 { return map[string]int64{"outcome=stored": n} }
	for name, test := range map[string]struct {
		answer bulktest.Answer
		want   outcome
	}{
		"all is well": {bulktest.Answer{}, outcome{Stored: all, Documents: stored(4), Requests: answered}},
		"one is a duplicate": {only(409, "version_conflict_engine_exception", ""),
			outcome{Stored: others, Documents: map[string]int64{"outcome=stored": 3, "outcome=duplicate": 1}, Requests: answered}},
		"the queue is full for one": {only(429, "es_rejected_execution_exception", "queue"), outcome{Stored: others, Again: []int{2},
			Documents: stored(3), Retries: map[string]int64{"reason=busy": 1}, Requests: answered,
			Error: "1 of 4 records are kept: 1 of 4 documents were not taken: status 429: es_rejected_execution_exception: queue"}},
		"the disk is full": {only(429, "cluster_block_exception", "flood stage"), outcome{Stored: others, Again: []int{2},
			Documents: stored(3), Retries: map[string]int64{"reason=refused": 1}, Requests: answered, Unhealthy: true, Error: "flood stage"}},
		"an index is blocked": {only(403, "cluster_block_exception", "FORBIDDEN/8/index write"), outcome{Stored: others, Again: []int{2},
			Documents: stored(3), Retries: map[string]int64{"reason=refused": 1}, Requests: answered, Unhealthy: true, Error: "allow writing again"}},
		"a right is missing for one": {only(403, "security_exception", "action is unauthorized"), outcome{Stored: others, Again: []int{2},
			Documents: stored(3), Retries: map[string]int64{"reason=refused": 1}, Requests: answered, Unhealthy: true, Error: "needs create_doc and auto_configure"}},
		"the limit of shards": {only(400, "validation_exception", "this action would add [1] shards"), outcome{Stored: others, Again: []int{2},
			Documents: stored(3), Retries: map[string]int64{"reason=refused": 1}, Requests: answered, Unhealthy: true, Error: "cluster.max_shards_per_node"}},
		"a template is missing": {only(404, "index_not_found_exception", "no such index"), outcome{Stored: others, Again: []int{2},
			Documents: stored(3), Retries: map[string]int64{"reason=refused": 1}, Requests: answered, Unhealthy: true, Error: "install the index templates"}},
		"a shard is away": {only(503, "unavailable_shards_exception", ""), outcome{Stored: others, Again: []int{2},
			Documents: stored(3), Retries: map[string]int64{"reason=busy": 1}, Requests: answered, Unhealthy: true, Error: "unavailable_shards_exception"}},
		"one is rejected": {only(400, "document_parsing_exception", "failed to parse 'secret'"), outcome{Stored: others,
			Rejected:  map[int]string{2: "document_parsing_exception"},
			Documents: map[string]int64{"outcome=stored": 3, "outcome=dead_letter": 1},
			Reasons:   map[string]int64{"reason=document_parsing_exception": 1},
			Requests:  map[string]int64{"outcome=answered,status=200": 2}}},

		"too much to do": {bulktest.Answer{Status: 429, Type: "es_rejected_execution_exception", Header: map[string]string{"Retry-After": "7"}},
			outcome{Again: all, Retries: map[string]int64{"reason=busy": 4}, Requests: failed("429"), Error: "Throttle (7s)"}},
		"the server is unwell": {bulktest.Answer{Status: 500, Type: "null_pointer_exception"},
			outcome{Again: all, Retries: map[string]int64{"reason=busy": 4}, Requests: failed("500"), Unhealthy: true, Error: "status 500"}},
		"a gateway answers": {bulktest.Answer{Status: 502, Body: "<html></html>", Header: map[string]string{"Content-Type": "text/html"}},
			outcome{Again: all, Retries: map[string]int64{"reason=busy": 4}, Requests: failed("502"), Unhealthy: true, Error: "as a proxy's would be"}},
		"a page answers": {bulktest.Answer{Body: "<html></html>", Header: map[string]string{"Content-Type": "text/html"}},
			outcome{Again: all, Retries: map[string]int64{"reason=no_answer": 4}, Requests: failed("200"), Unhealthy: true, Error: "as a proxy's would be"}},
		"nobody is known": {bulktest.Answer{Status: 401, Type: "security_exception"},
			outcome{Again: all, Retries: map[string]int64{"reason=refused": 4}, Requests: failed("401"), Unhealthy: true, Error: "security_exception"}},
		"the cluster is read-only": {bulktest.Answer{Status: 403, Type: "cluster_block_exception"},
			outcome{Again: all, Retries: map[string]int64{"reason=refused": 4}, Requests: failed("403"), Unhealthy: true, Error: "cluster_block_exception"}},
		"a reset after all is stored": {bulktest.Answer{Reset: true},
			outcome{Stored: all, Again: all, Retries: map[string]int64{"reason=no_answer": 4}, Requests: failed("0"), Unhealthy: true, Error: "send 4 documents"}},
		"an answer that is cut off": {bulktest.Answer{Length: len(`{"items":[{"create":{"status":201}},{"create":{"status":201`)},
			outcome{Stored: all, Again: []int{2, 3, 4}, Documents: stored(1), Retries: map[string]int64{"reason=no_answer": 3}, Requests: failed("200"),
				Unhealthy: true, Error: "read the answer about 4 documents"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := bulktest.Start(t, func(*bulktest.Request) bulktest.Answer { return test.answer })
			r := start(t, server.URL, &host{}, direct)
			logs := flows(all...)
			err := r.ConsumeLogs(t.Context(), logs)
			got := outcome{
				Stored: numbers(t, server.Stored(allowedStream)), Again: pushedAgain(t, err, logs),
				Rejected: make(map[int]string), Documents: r.points(t, "documents"), Reasons: r.points(t, "rejected"),
				Retries: r.points(t, "document_retries"), Requests: r.points(t, "requests"),
				Unhealthy: len(r.host.statuses()) > 0,
			}
			for id, document := range server.Stored(rejectedStream) {
				got.Rejected[number(t, id)] = field(t, document, "error.type")
			}
			if test.want.Error != "" {
				require.ErrorContains(t, err, test.want.Error)
				got.Error = test.want.Error
			}
			if test.want.Stored == nil {
				test.want.Stored = []int{}
			}
			if test.want.Again == nil {
				test.want.Again = []int{}
			}
			if test.want.Rejected == nil {
				test.want.Rejected = map[int]string{}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatWasNotTakenIsSentAgainAndNothingElse(t *testing.T) {
	server := bulktest.Start(t, func(r *bulktest.Request) bulktest.Answer {
		switch r.N {
		case 1:
			return bulktest.Answer{Item: func(i bulktest.Item) (int, string, string) {
				if i.ID == "1-1-1" || i.ID == "1-1-3" {
					return 429, "es_rejected_execution_exception", ""
				}
				return 0, "", ""
			}}
		case 2:
			return bulktest.Answer{Reset: true}
		case 3:
			return bulktest.Answer{Status: 503}
		default:
			return bulktest.Answer{}
		}
	})
	r := start(t, server.URL, &host{}, synchronous)
	require.NoError(t, r.ConsumeLogs(t.Context(), flows(upTo(5)...)))
	require.Equal(t, upTo(5), numbers(t, server.Stored(allowedStream)))
	require.Equal(t, map[string]int64{"outcome=stored": 3, "outcome=duplicate": 2}, r.points(t, "documents"),
		"what a request stored whose answer was lost is found there")
	require.Equal(t, 4, server.Requests())
	require.Len(t, server.Last().Items, 2)
}

func TestAKeyThatIsRenewedIsTakenAgain(t *testing.T) {
	server := bulktest.Start(t, func(r *bulktest.Request) bulktest.Answer {
		if r.N < 10 {
			return bulktest.Answer{Status: 401, Type: "security_exception", Reason: "API key is expired"}
		}
		return bulktest.Answer{}
	})
	r := start(t, server.URL, &host{}, synchronous)
	require.NoError(t, r.ConsumeLogs(t.Context(), flows(upTo(5)...)))
	require.NoError(t, r.ConsumeLogs(t.Context(), flows(6)))
	require.Equal(t, upTo(6), numbers(t, server.Stored(allowedStream)))
	require.Equal(t, []componentstatus.Status{componentstatus.StatusRecoverableError, componentstatus.StatusOK}, r.host.statuses(),
		"each change is told once")
}

func TestStreamsByActionAndNamespace(t *testing.T) {
	server := bulktest.Start(t, nil)
	r := start(t, server.URL, &host{}, direct, func(c *Config) { c.Namespace = "prod" })
	logs := flows(1, 2)
	flowsOf(flow.Deny, 3).ResourceLogs().MoveAndAppendTo(logs.ResourceLogs())
	loss := flow.Batch{Losses: []flow.Loss{{ID: flow.ID{Node: 1, Epoch: 1, Counter: 4}, End: 1e18, Count: 1}}}
	flow.Encode(&loss, timeOf(1)).ResourceLogs().MoveAndAppendTo(logs.ResourceLogs())
	require.NoError(t, r.ConsumeLogs(t.Context(), logs))
	require.Equal(t, []int{1, 2}, numbers(t, server.Stored("logs-k8s.flow-prod")))
	require.Equal(t, []int{3}, numbers(t, server.Stored("logs-k8s.flow.denied-prod")))
	require.Equal(t, []int{4}, numbers(t, server.Stored("logs-k8s.observer-prod")))
}

func TestLogsThatAreNoFlowsAreRefused(t *testing.T) {
	server := bulktest.Start(t, nil)
	r := start(t, server.URL, &host{}, synchronous)
	logs := flows(1, 2)
	records := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	records.AppendEmpty().Body().SetStr("a line of a web server's log")
	records.AppendEmpty().SetEventName("device.boot")
	err := r.ConsumeLogs(t.Context(), logs)
	require.True(t, consumererror.IsPermanent(err))
	require.ErrorContains(t, err, "2 of 4 log records are not written: ")
	require.ErrorContains(t, err, "send other logs to another exporter")
	require.Equal(t, []int{1, 2}, numbers(t, server.Stored(allowedStream)))
	require.Empty(t, server.Stored(rejectedStream))
	require.Equal(t, map[string]int64{"": 2}, r.points(t, "not_flows"))
}

// TestLogsThatAreNoFlowsDoNotStopWhatIsSentAgain mixes the two kinds of errors: a permanent
// one would have the flows dropped.
func TestLogsThatAreNoFlowsDoNotStopWhatIsSentAgain(t *testing.T) {
	server := bulktest.Start(t, func(r *bulktest.Request) bulktest.Answer {
		if r.N < 3 {
			return bulktest.Answer{Status: 503}
		}
		return bulktest.Answer{}
	})
	r := start(t, server.URL, &host{}, synchronous)
	logs := flows(1, 2)
	logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	require.NoError(t, r.ConsumeLogs(t.Context(), logs))
	require.Equal(t, []int{1, 2}, numbers(t, server.Stored(allowedStream)))
	require.Equal(t, map[string]int64{"": 1}, r.points(t, "not_flows"))
}

func TestARequestHoldsNoMoreThanIsAskedFor(t *testing.T) {
	largest := 0
	server := bulktest.Start(t, func(r *bulktest.Request) bulktest.Answer {
		size := 0
		for _, item := range r.Items {
			size += len(item.Document)
		}
		largest = max(largest, size)
		return bulktest.Answer{}
	})
	r := start(t, server.URL, &host{}, direct, func(c *Config) { c.Bulk.MaxBytes = minBytes })
	require.NoError(t, r.ConsumeLogs(t.Context(), flows(upTo(1000)...)))
	require.Len(t, server.Stored(allowedStream), 1000)
	require.Greater(t, server.Requests(), 3)
	require.Less(t, largest, minBytes+1000, "one document more at the most")
}

func TestWhenTheServerGoesTheRestIsNotTried(t *testing.T) {
	server := bulktest.Start(t, func(r *bulktest.Request) bulktest.Answer {
		if r.N == 1 {
			return bulktest.Answer{}
		}
		return bulktest.Answer{Status: 503}
	})
	r := start(t, server.URL, &host{}, direct, func(c *Config) { c.Bulk.MaxBytes = minBytes })
	logs := flows(upTo(1000)...)
	again := pushedAgain(t, r.ConsumeLogs(t.Context(), logs), logs)
	require.Equal(t, 2, server.Requests())
	first := len(server.Stored(allowedStream))
	require.Positive(t, first)
	require.Equal(t, upTo(1000)[first:], again)
}

func TestWhatIsPushedAgainKeepsWhereItCameFrom(t *testing.T) {
	server := bulktest.Start(t, func(*bulktest.Request) bulktest.Answer {
		return only(429, "es_rejected_execution_exception", "")
	})
	r := start(t, server.URL, &host{}, direct)
	logs := flows(1, 2, 3)
	logs.ResourceLogs().At(0).Resource().Attributes().PutStr("host.name", "a")
	logs.ResourceLogs().At(0).SetSchemaUrl("https://example/1")
	var part consumererror.Logs
	require.ErrorAs(t, r.ConsumeLogs(t.Context(), logs), &part)
	rl := part.Data().ResourceLogs().At(0)
	value, _ := rl.Resource().Attributes().Get("host.name")
	require.Equal(t, "a", value.Str())
	require.Equal(t, "https://example/1", rl.SchemaUrl())
	require.Equal(t, flow.ScopeName, rl.ScopeLogs().At(0).Scope().Name())
	require.Equal(t, 3, logs.LogRecordCount(), "what was pushed is left as it was")
}

func TestElasticsearchChoosesIDsIfItIsToldTo(t *testing.T) {
	server := bulktest.Start(t, nil)
	r := start(t, server.URL, &host{}, direct, func(c *Config) { c.ID = idAuto })
	require.NoError(t, r.ConsumeLogs(t.Context(), flows(1, 1)))
	require.Len(t, server.Stored(allowedStream), 2)
	require.Empty(t, server.Last().Items[0].ID)
}
