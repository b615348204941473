package flowelasticsearchexporter

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/exporter/exportertest"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/exporter/flowelasticsearchexporter/internal/bulktest"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/exporter/flowelasticsearchexporter/internal/metadata"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

func timeOf(seconds int64) time.Time { return time.Unix(seconds, 0) }

// rejecting answers that the second document is at fault, and as it is told for the
// document that tells of that.
func rejecting(status int, kind string) func(*bulktest.Request) bulktest.Answer {
	return func(*bulktest.Request) bulktest.Answer {
		return bulktest.Answer{Item: func(i bulktest.Item) (int, string, string) {
			switch {
			case i.Stream == rejectedStream:
				return status, kind, "no"
			case i.ID == "1-1-2":
				return 400, "document_parsing_exception", "failed to parse field [x]"
			}
			return 0, "", ""
		}}
	}
}

func TestARejectedDocumentIsToldOfWhole(t *testing.T) {
	server := bulktest.Start(t, rejecting(0, ""))
	var sent string
	plan := server.Plan
	server.Plan = func(r *bulktest.Request) bulktest.Answer {
		for _, i := range r.Items {
			if i.ID == "1-1-2" && i.Stream == allowedStream {
				sent = i.Document
			}
		}
		return plan(r)
	}
	r := start(t, server.URL, &host{}, direct)
	require.NoError(t, r.ConsumeLogs(t.Context(), flows(1, 2, 3)))

	var got map[string]any
	require.NoError(t, json.Unmarshal([]byte(server.Stored(rejectedStream)["1-1-2"]), &got))
	_, err := time.Parse(time.RFC3339, got["@timestamp"].(string))
	require.NoError(t, err)
	delete(got, "@timestamp")
	type object = map[string]any
	want := object{
		"ecs":         object{"version": schema.ECSVersion},
		"error":       object{"type": "document_parsing_exception", "message": "failed to parse field [x]"},
		"event":       object{"kind": "pipeline_error", "dataset": "k8s.rejected", "original": sent},
		"flow":        object{"rejected": object{"stream": allowedStream, "id": "1-1-2"}},
		"data_stream": object{"type": "logs", "dataset": "k8s.rejected", "namespace": "default"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	require.NotEmpty(t, sent)
}

func TestAFlowRecordThatCannotBeADocumentIsToldOf(t *testing.T) {
	server := bulktest.Start(t, nil)
	r := start(t, server.URL, &host{}, direct)
	logs := flows(1, 2)
	logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(1).Attributes().PutStr("source.bytes", "many")
	require.NoError(t, r.ConsumeLogs(t.Context(), logs))
	require.Equal(t, []int{1}, numbers(t, server.Stored(allowedStream)))
	document := server.Stored(rejectedStream)["1-1-2"]
	require.Equal(t, "not_a_flow", field(t, document, "error.type"))
	require.Contains(t, field(t, document, "error.message"), "source.bytes")
	require.Contains(t, field(t, document, "event.original"), "many")
	require.Equal(t, map[string]int64{"reason=not_a_flow": 1}, r.points(t, "rejected"))
}

func TestADocumentThatNoRequestCanHoldIsToldOf(t *testing.T) {
	server := bulktest.Start(t, func(r *bulktest.Request) bulktest.Answer {
		for _, i := range r.Items {
			if len(i.Document) > 10_000 {
				return bulktest.Answer{Status: 413, Body: " "}
			}
		}
		return bulktest.Answer{}
	})
	r := start(t, server.URL, &host{}, direct)
	logs := flows(upTo(9)...)
	logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(4).Attributes().PutStr("note", strings.Repeat("x", 20_000))
	require.NoError(t, r.ConsumeLogs(t.Context(), logs))
	require.Equal(t, []int{1, 2, 3, 4, 6, 7, 8, 9}, numbers(t, server.Stored(allowedStream)))
	document := server.Stored(rejectedStream)["1-1-5"]
	require.Equal(t, "content_too_large", field(t, document, "error.type"))
	require.Contains(t, field(t, document, "error.message"), "only its first 4096 bytes are kept")
	require.Len(t, field(t, document, "event.original"), maxOriginal)
	require.Positive(t, r.points(t, "requests")["outcome=split,status=413"])
}

// TestWhatCannotBeToldOfIsKept has the data stream of rejected documents refuse them.
func TestWhatCannotBeToldOfIsKept(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		kind   string
		err    string
	}{
		"no right":     {403, "security_exception", "status 403: security_exception: see to the data stream, or set dead_letter::file"},
		"no template":  {404, "index_not_found_exception", "see to the data stream"},
		"it is no use": {400, "document_parsing_exception", "see to the data stream"},
		"a full queue": {429, "es_rejected_execution_exception", "status 429"},
	} {
		t.Run(name, func(t *testing.T) {
			server := bulktest.Start(t, rejecting(test.status, test.kind))
			r := start(t, server.URL, &host{}, direct)
			logs := flows(1, 2, 3)
			err := r.ConsumeLogs(t.Context(), logs)
			require.ErrorContains(t, err, test.err)
			require.Equal(t, []int{2}, pushedAgain(t, err, logs))
			require.Equal(t, []int{1, 3}, numbers(t, server.Stored(allowedStream)))
			require.Equal(t, map[string]int64{"outcome=stored": 2}, r.points(t, "documents"))
			require.Empty(t, r.points(t, "rejected"))
			want := []componentstatus.Status{componentstatus.StatusRecoverableError}
			if test.status == 429 {
				want = nil
			}
			require.Equal(t, want, r.host.statuses())
		})
	}
}

func TestWhatCannotBeToldOfGoesToAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rejected.ndjson")
	server := bulktest.Start(t, rejecting(403, "security_exception"))
	r := start(t, server.URL, &host{}, synchronous, func(c *Config) { c.DeadLetter.File = path })
	require.NoError(t, r.ConsumeLogs(t.Context(), flows(1, 2, 3)))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(text), "\n"))
	require.Equal(t, "1-1-2", field(t, string(text), "flow.rejected.id"))
	require.Equal(t, map[string]int64{"outcome=stored": 2, "outcome=dead_letter_file": 1}, r.points(t, "documents"))
	require.Equal(t, map[string]int64{"reason=document_parsing_exception": 1}, r.points(t, "rejected"))
}

func TestWhatDoesNotFitTheFileIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rejected.ndjson")
	require.NoError(t, os.WriteFile(path, make([]byte, 1<<20), 0o600))
	server := bulktest.Start(t, rejecting(403, "security_exception"))
	r := start(t, server.URL, &host{}, direct, func(c *Config) { c.DeadLetter = DeadLetterConfig{File: path, MaxFileMiB: 1} })
	logs := flows(1, 2)
	err := r.ConsumeLogs(t.Context(), logs)
	require.ErrorContains(t, err, "is full")
	require.Equal(t, []int{2}, pushedAgain(t, err, logs))
}

func TestAFileThatCannotBeMadeStopsTheStart(t *testing.T) {
	config := createDefaultConfig().(*Config)
	config.Connection.HTTP.Endpoint = "http://localhost:9200"
	config.DeadLetter.File = filepath.Join(t.TempDir(), "missing", "file")
	e, err := NewFactory().CreateLogs(t.Context(), exportertest.NewNopSettings(metadata.Type), config)
	require.NoError(t, err)
	require.ErrorContains(t, e.Start(t.Context(), componenttest.NewNopHost()), "dead_letter::file: ")
	require.NoError(t, e.Shutdown(t.Context()))
}

func TestReasonsAreFew(t *testing.T) {
	for kind, want := range map[string]string{
		"document_parsing_exception": "document_parsing_exception", "": "other", "Über": "other", strings.Repeat("a", 65): "other",
	} {
		require.Equal(t, want, reason(kind))
	}
}
