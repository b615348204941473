package document_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/exporter/flowelasticsearchexporter/internal/document"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

// cases are folders below testdata, each with the options of its encoder.
var cases = map[string]document.Options{
	"tcp-allowed": {},
	"denied":      {CommunityID: true, Namespace: "prod"},
	"dns":         {ID: document.IDAuto},
	"merged":      {},
	"loss":        {},
	"agent":       {},
	"elsewhere":   {CommunityID: true},
	"otel":        {Mapping: schema.OTel},
	"otel-agent":  {Mapping: schema.OTel},
}

// written is what becomes of a log record.
type written struct {
	Stream   string          `json:"stream"`
	ID       string          `json:"_id,omitempty"`
	Document json.RawMessage `json:"document"`
}

// encodeAll returns what becomes of the log records of a file.
func encodeAll(t *testing.T, path string, o document.Options) []written {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	logs, err := new(plog.JSONUnmarshaler).UnmarshalLogs(text)
	require.NoError(t, err)
	encoder, err := document.NewEncoder(o)
	require.NoError(t, err)
	var all []written
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				doc, target, err := encoder.Append(nil, rl.Resource(), record)
				require.NoError(t, err)
				all = append(all, written{target.Stream, target.ID, doc})
			}
		}
	}
	return all
}

func TestDocuments(t *testing.T) {
	folders, err := filepath.Glob("testdata/*/input.json")
	require.NoError(t, err)
	assert.Len(t, folders, len(cases))
	for name, options := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := json.MarshalIndent(encodeAll(t, filepath.Join("testdata", name, "input.json"), options), "", "  ")
			require.NoError(t, err)
			got = append(got, '\n')
			path := filepath.Join("testdata", name, "want.json")
			if os.Getenv("UPDATE_GOLDEN") != "" {
				require.NoError(t, os.WriteFile(path, got, 0o644))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err, "run UPDATE_GOLDEN=1 go test ./exporter/flowelasticsearchexporter/internal/document")
			if diff := cmp.Diff(string(bytes.TrimSpace(want)), string(bytes.TrimSpace(got))); diff != "" {
				t.Error(diff)
			}
		})
	}
}
