package document_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/document"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow/flowtest"
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
			require.NoError(t, err, "run UPDATE_GOLDEN=1 go test ./internal/elastic/document")
			if diff := cmp.Diff(string(bytes.TrimSpace(want)), string(bytes.TrimSpace(got))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestDocumentsHaveTheFieldsOfTheSchema takes the golden cases and random records together:
// they have every field that the schema says there is, and no other.
func TestDocumentsHaveTheFieldsOfTheSchema(t *testing.T) {
	for _, m := range []schema.Mapping{schema.ECS, schema.OTel} {
		o := document.Options{Mapping: m, CommunityID: true}
		got := make(map[string]map[string]bool) // by stream
		add := func(w written) {
			if got[w.Stream] == nil {
				got[w.Stream] = make(map[string]bool)
			}
			for name := range flatten(t, w.Document) {
				got[w.Stream][name] = true
			}
		}
		for name := range cases {
			if name != "elsewhere" { // which has others
				for _, w := range encodeAll(t, filepath.Join("testdata", name, "input.json"), o) {
					add(w)
				}
			}
		}
		r := rand.New(rand.NewPCG(1, 1))
		for range 1000 {
			resource, lr := one(t, flow.Batch{Flows: []flow.Flow{flowtest.Flow(r)}})
			doc, target, err := encoder(t, o).Append(nil, resource, lr)
			require.NoError(t, err)
			add(written{target.Stream, target.ID, doc})
		}
		for _, c := range []schema.Class{schema.Allowed, schema.Denied, schema.Observer} {
			want := make(map[string]bool)
			for _, f := range m.FieldsOf(c) {
				if f.Path != schema.ID {
					want[f.Path] = true
				}
			}
			assert.Equal(t, want, got[m.Stream(c, schema.DefaultNamespace)], "%s %s", m, c)
		}
	}
}
