//go:build linux

package elastictest_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/document"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/workload"
)

// stored is how many documents BenchmarkStored writes: the first of the reference workload.
const stored = 60_000

// BenchmarkStored says what documents take on the server's disk, each index merged into one
// segment and without replicas. Time is not what it measures.
func BenchmarkStored(b *testing.B) {
	server := shared.Get(b)
	for _, form := range []struct {
		name    string
		options schema.Options
		// custom is what a user adds to the template, if anything.
		custom string
	}{
		{name: "logsdb"},
		// What logsdb comes to where the licence does not cover synthetic source.
		{name: "logsdb-stored-source", custom: `{"template":{"settings":{"index.mapping.source.mode":"stored"}}}`},
		{name: "standard", options: schema.Options{Mode: schema.Standard}},
		{name: "logsdb-otel", options: schema.Options{Mapping: schema.OTel}},
	} {
		b.Run(form.name, func(b *testing.B) {
			for b.Loop() {
				form.options.Namespace = strconv.FormatInt(time.Now().UnixNano(), 36) // a new stream each time
				c := newCluster(b, server, form.options)
				stream := form.options.Mapping.Stream(schema.Allowed, form.options.Namespace)
				if form.custom != "" {
					require.NoError(b, c.Do(b.Context(), http.MethodPut, "/_component_template/"+stream+"@custom", form.custom, nil))
				}
				raw := c.fill(b, document.Options{Mapping: form.options.Mapping, Namespace: form.options.Namespace})
				bytes, documents := c.size(b, stream)
				b.ReportMetric(bytes/documents, "B/document")
				b.ReportMetric(raw, "raw-B/document")
			}
		})
	}
}

// fill writes the reference, and returns the mean length of a document.
func (c cluster) fill(b *testing.B, o document.Options) float64 {
	b.Helper()
	encoder, err := document.NewEncoder(o)
	require.NoError(b, err)
	w := workload.New(1, workload.Default())
	documents, length := 0, 0
	for documents < stored {
		body := bulk{encoder: encoder, sent: make(map[string]int)}
		for body.request.Len() < 8<<20 {
			for _, batch := range w.Next() {
				body.add(b, flow.Encode(&batch, w.Now()))
			}
		}
		body.send(b, c)
		documents += body.n
		length += body.length
	}
	return float64(length) / float64(documents)
}

// size merges the index of a stream, and returns its bytes and its documents.
func (c cluster) size(b *testing.B, stream string) (bytes, documents float64) {
	b.Helper()
	for _, path := range []string{"/_forcemerge?max_num_segments=1", "/_flush?force=true"} {
		require.NoError(b, c.Do(b.Context(), http.MethodPost, "/"+stream+path, nil, nil))
	}
	var usage map[string]struct {
		Bytes float64 `json:"store_size_in_bytes"`
	}
	require.NoError(b, c.Do(b.Context(), http.MethodPost, "/"+stream+"/_disk_usage?run_expensive_tasks=true", nil, &usage))
	for _, index := range usage {
		bytes += index.Bytes
	}
	var count struct{ Count float64 }
	require.NoError(b, c.Do(b.Context(), http.MethodGet, "/"+stream+"/_count", nil, &count))
	return bytes, count.Count
}
