package bulk_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.uber.org/goleak"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/exporter/flowelasticsearchexporter/internal/bulk"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/exporter/flowelasticsearchexporter/internal/bulktest"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/connection"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const stream = "logs-k8s.flow-default"

// rig is a sender and what it observed.
type rig struct {
	*bulk.Sender
	pace *bulk.Pace

	mu        sync.Mutex
	exchanges []bulk.Exchange
}

func newRig(t *testing.T, address string, level int, change ...func(*connection.Config)) *rig {
	t.Helper()
	config := connection.NewDefaultConfig()
	config.HTTP.Endpoint = address
	for _, c := range change {
		c(&config)
	}
	client, err := config.NewClient(t.Context(), componenttest.NewNopHost(), componenttest.NewNopTelemetrySettings(), component.NewDefaultBuildInfo())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close(context.Background())) })
	r := &rig{pace: bulk.NewPace(bulk.Limits{MaxSize: 1 << 20, MaxRequests: 4, Slow: time.Minute})}
	r.Sender = bulk.NewSender(bulk.Options{
		Transport: client, GzipLevel: level, ShardTimeout: 10 * time.Second, Pace: r.pace,
		Observe: func(_ context.Context, x *bulk.Exchange) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.exchanges = append(r.exchanges, *x)
		},
	})
	return r
}

// batch returns documents 0 to n-1 of about a hundred bytes.
func batch(n int) *bulk.Batch {
	var b bulk.Batch
	for i := range n {
		b.Add(fmt.Appendf(b.Buffer(), `{"n":%d,"text":%q}`, i, strings.Repeat("x", 85)), stream, fmt.Sprintf("a-1-%d", i), i)
	}
	return &b
}

// verdicts counts the results of a batch.
func verdicts(b *bulk.Batch) map[bulk.Verdict]int {
	counts := make(map[bulk.Verdict]int)
	for _, e := range b.Entries() {
		counts[e.Result.Verdict]++
	}
	return counts
}

func TestDocumentsAreStored(t *testing.T) {
	for name, level := range map[string]int{"as they are": 0, "compressed": 1} {
		t.Run(name, func(t *testing.T) {
			server := bulktest.Start(t, nil)
			r := newRig(t, server.URL, level)
			b := batch(3)
			require.Equal(t, bulk.Report{}, r.Send(t.Context(), b))
			require.Equal(t, map[bulk.Verdict]int{bulk.Stored: 3}, verdicts(b))
			require.Len(t, server.Stored(stream), 3)
			require.Equal(t, string(b.Document(&b.Entries()[1])), server.Stored(stream)["a-1-1"])

			last := server.Last()
			want := url.Values{
				"require_data_stream": {"true"}, "timeout": {"10000ms"}, "include_source_on_error": {"false"},
				"filter_path": {"items.*.status,items.*.failure_store,items.*.error.type,items.*.error.reason,error.type,error.reason"},
			}
			if diff := cmp.Diff(want, last.Query); diff != "" {
				t.Errorf("query (-want +got):\n%s", diff)
			}
			require.Equal(t, "application/x-ndjson", last.Header.Get("Content-Type"))

			x := r.exchanges[0]
			require.Positive(t, x.Took)
			require.Equal(t, bulk.Exchange{Documents: 3, Size: b.Size(), Sent: last.Size, Status: 200, Received: int64(len(
				`{"items":[{"create":{"status":201}},{"create":{"status":201}},{"create":{"status":201}}]}`)), Took: x.Took, Outcome: bulk.Answered}, x)
			require.Equal(t, level > 0, last.Size < b.Size())
		})
	}
}

func TestEachDocumentHasItsOwnVerdict(t *testing.T) {
	server := bulktest.Start(t, func(*bulktest.Request) bulktest.Answer {
		return bulktest.Answer{Item: func(i bulktest.Item) (int, string, string) {
			switch i.ID {
			case "a-1-1":
				return 400, "document_parsing_exception", "failed to parse field [x]: 'secret'"
			case "a-1-2":
				return 429, "es_rejected_execution_exception", "queue"
			case "a-1-3":
				return 403, "cluster_block_exception", "index [x] blocked"
			}
			return 0, "", ""
		}}
	})
	r := newRig(t, server.URL, 1)
	b := batch(5)
	require.NoError(t, r.Send(t.Context(), func() *bulk.Batch {
		first := batch(1)
		return first
	}()).Err)
	report := r.Send(t.Context(), b)
	require.Equal(t, map[bulk.Verdict]int{bulk.Duplicate: 1, bulk.Rejected: 1, bulk.Busy: 1, bulk.Refused: 1, bulk.Stored: 1}, verdicts(b))
	require.EqualError(t, report.Err, "2 of 5 documents were not taken: status 403: cluster_block_exception: index [x] blocked: "+
		"allow writing again; a full disk's block goes when there is space")
	require.True(t, report.Unhealthy)
	require.False(t, report.Down, "others may be taken")
	require.Equal(t, 1<<19, r.pace.Size(), "one that was busy makes the next request smaller")
}

func TestRequestsThatAreNotTaken(t *testing.T) {
	for name, test := range map[string]struct {
		answer    bulktest.Answer
		verdict   bulk.Verdict
		err       string
		after     time.Duration
		unhealthy bool
	}{
		"busy": {bulktest.Answer{Status: 429, Type: "es_rejected_execution_exception", Reason: "memory", Header: map[string]string{"Retry-After": "7"}},
			bulk.Busy, "status 429: es_rejected_execution_exception: memory", 7 * time.Second, false},
		"without a shard": {bulktest.Answer{Status: 503, Type: "x"}, bulk.Busy, "status 503: x", 0, true},
		"a proxy": {bulktest.Answer{Status: 502, Body: "<html>", Header: map[string]string{"Content-Type": "text/html; charset=utf-8"}},
			bulk.Busy, "status 502: the answer is text/html, as a proxy's would be", 0, true},
		"a wrong key":   {bulktest.Answer{Status: 401, Type: "security_exception", Reason: "no"}, bulk.Refused, "status 401: security_exception: no: the user or API key needs", 0, true},
		"a block":       {bulktest.Answer{Status: 403, Type: "cluster_block_exception"}, bulk.Refused, "status 403: cluster_block_exception: allow writing", 0, true},
		"a wrong path":  {bulktest.Answer{Status: 404, Body: "404 page not found", Header: map[string]string{"Content-Type": "text/plain"}}, bulk.Refused, "status 404: the answer is text/plain", 0, true},
		"a redirection": {bulktest.Answer{Status: 301, Body: "{}", Header: map[string]string{"Location": "/"}}, bulk.Refused, "status 301", 0, true},
		"a malformed request": {bulktest.Answer{Status: 400, Type: "illegal_argument_exception", Reason: "malformed"},
			bulk.Refused, "status 400: illegal_argument_exception: malformed", 0, true},
		"HTML and 200": {bulktest.Answer{Body: "<html>login</html>", Header: map[string]string{"Content-Type": "text/html"}},
			bulk.Pending, "the answer is text/html", 0, true},
		"a truncated answer": {bulktest.Answer{Length: 15}, bulk.Pending, "read the answer about 4 documents: ", 0, true},
		"no answer":          {bulktest.Answer{Reset: true}, bulk.Pending, "send 4 documents: ", 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			server := bulktest.Start(t, func(*bulktest.Request) bulktest.Answer { return test.answer })
			r := newRig(t, server.URL, 1)
			b := batch(4)
			report := r.Send(t.Context(), b)
			require.ErrorContains(t, report.Err, test.err)
			require.Equal(t, map[bulk.Verdict]int{test.verdict: 4}, verdicts(b))
			report.Err = nil
			require.Equal(t, bulk.Report{Down: true, Unhealthy: test.unhealthy, After: test.after}, report)
			require.Equal(t, 1, server.Requests(), "it is for the caller to try again")
		})
	}
}

func TestWhatATruncatedAnswerToldCounts(t *testing.T) {
	server := bulktest.Start(t, func(*bulktest.Request) bulktest.Answer {
		return bulktest.Answer{Length: len(`{"items":[{"create":{"status":201}},{"create":{"status":201}},{"create":`)}
	})
	r := newRig(t, server.URL, 1)
	b := batch(4)
	require.Error(t, r.Send(t.Context(), b).Err)
	require.Equal(t, map[bulk.Verdict]int{bulk.Stored: 2, bulk.Pending: 2}, verdicts(b))
	require.Len(t, server.Stored(stream), 4, "the server has them all")
}

func TestWhatIsTooLargeIsSentInParts(t *testing.T) {
	const most = 1000
	server := bulktest.Start(t, func(r *bulktest.Request) bulktest.Answer {
		size := 0
		for _, item := range r.Items {
			size += len(item.Document)
		}
		if size > most {
			return bulktest.Answer{Status: 413, Body: " "}
		}
		return bulktest.Answer{}
	})
	r := newRig(t, server.URL, 1)
	var b bulk.Batch
	for i := range 64 {
		n := 50
		if i == 40 {
			n = 2 * most
		}
		b.Add(fmt.Appendf(b.Buffer(), `{"text":%q}`, strings.Repeat("x", n)), stream, fmt.Sprint(i), i)
	}
	require.Equal(t, bulk.Report{}, r.Send(t.Context(), &b))
	require.Equal(t, map[bulk.Verdict]int{bulk.Stored: 63, bulk.TooLarge: 1}, verdicts(&b))
	result := b.Entries()[40].Result
	require.Equal(t, bulk.Result{Verdict: bulk.TooLarge, Status: 413, Type: "content_too_large",
		Reason: "the server takes no request with a document of 2011 bytes"}, result)
	want := slices.Sorted(maps.Keys(server.Stored(stream)))
	require.Len(t, want, 63)
	require.LessOrEqual(t, r.pace.Size(), 1100)
	require.Greater(t, r.pace.Size(), most/2)
}

func TestAfterTheServerWentNothingElseIsSent(t *testing.T) {
	server := bulktest.Start(t, func(r *bulktest.Request) bulktest.Answer {
		if r.N == 1 {
			return bulktest.Answer{Status: 413, Body: " "}
		}
		return bulktest.Answer{Status: 503}
	})
	r := newRig(t, server.URL, 0)
	b := batch(8)
	require.True(t, r.Send(t.Context(), b).Down)
	require.Equal(t, 2, server.Requests())
	require.Equal(t, map[bulk.Verdict]int{bulk.Busy: 4, bulk.Pending: 4}, verdicts(b))
}

func TestServersBefore8_18(t *testing.T) {
	server := bulktest.Start(t, func(r *bulktest.Request) bulktest.Answer {
		if r.Query.Has("include_source_on_error") {
			return bulktest.Answer{Status: 400, Type: "illegal_argument_exception",
				Reason: "request [/_bulk] contains unrecognized parameter: [include_source_on_error]"}
		}
		return bulktest.Answer{}
	})
	r := newRig(t, server.URL, 1)
	for range 2 {
		b := batch(2)
		require.NoError(t, r.Send(t.Context(), b).Err)
	}
	require.Equal(t, 3, server.Requests(), "the parameter is tried once")
}

func TestASlowServer(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(release)
	r := newRig(t, server.URL, 1, func(c *connection.Config) { c.HTTP.Timeout = 20 * time.Millisecond })
	b := batch(2)
	report := r.Send(t.Context(), b)
	require.ErrorIs(t, report.Err, context.DeadlineExceeded)
	require.Equal(t, map[bulk.Verdict]int{bulk.Pending: 2}, verdicts(b))
	require.Equal(t, 1<<19, r.pace.Size())
}

func TestNobodyIsThere(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	r := newRig(t, server.URL, 1)
	b := batch(2)
	report := r.Send(t.Context(), b)
	require.ErrorContains(t, report.Err, "connection refused")
	require.True(t, report.Unhealthy)
	require.Equal(t, 1<<20, r.pace.Size(), "that says nothing about sizes")
}

// TestMemoryIsUsedAgainOnlyWhenNobodyReadsIt has requests end while their bodies are sent.
func TestMemoryIsUsedAgainOnlyWhenNobodyReadsIt(t *testing.T) {
	server := bulktest.Start(t, func(r *bulktest.Request) bulktest.Answer { return bulktest.Answer{Reset: r.N%3 == 0} })
	r := newRig(t, server.URL, 0)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := range 50 {
				var b bulk.Batch
				for d := range 20 {
					id := fmt.Sprintf("%d-%d-%d", i, n, d)
					b.Add(fmt.Appendf(b.Buffer(), `{"id":%q}`, id), stream, id, d)
				}
				for r.Send(context.Background(), &b).Err != nil {
				}
			}
		})
	}
	wg.Wait()
	stored := server.Stored(stream)
	require.Len(t, stored, 4*50*20)
	for id, document := range stored {
		require.Equal(t, fmt.Sprintf(`{"id":%q}`, id), document)
	}
}
