//go:build linux

package reader

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/document"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/flowdocuments"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/meter"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/workload"
)

// canned answers every request alike.
type canned []byte

func (c canned) Perform(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(c))}, nil
}

// BenchmarkPage reads a page of 1,000 records of the reference workload out of an answer.
func BenchmarkPage(b *testing.B) {
	encoder, err := document.NewEncoder(document.Options{})
	require.NoError(b, err)
	var answer bytes.Buffer
	answer.WriteString(`{"took":5,"timed_out":false,"_shards":{"total":1,"successful":1,"skipped":0,"failed":0},"hits":{"max_score":null,"hits":[`)
	w, n, bytes := workload.New(1, workload.Default()), 0, 0
	for n < maxHits {
		for _, batch := range w.Next() {
			require.NoError(b, flowdocuments.Encode(encoder, flow.Encode(&batch, w.Now()), func(target document.Target, source []byte) {
				if n++; n > maxHits {
					return
				}
				if n > 1 {
					answer.WriteByte(',')
				}
				index := ".ds-" + target.Stream + "-2026.01.02-000001"
				fmt.Fprintf(&answer, `{"_index":%q,"_id":%q,"_score":null,"_source":%s,"sort":[%q,%d,%q]}`, index, target.ID, source, timeText(w.Now().UnixNano()), n, index)
				bytes += len(source)
			}))
		}
	}
	answer.WriteString(`]}}`)
	r, err := New(Options{})
	require.NoError(b, err)
	r.Open(canned(answer.Bytes()))
	defer r.Close()
	// One more is asked for, which tells that more follow.
	q := flowstore.FlowsQuery{Selection: everything, Limit: maxHits - 1}
	b.ReportAllocs()
	m := meter.Start()
	for b.Loop() {
		page, err := r.Flows(b.Context(), q)
		if err != nil || len(page.Flows) != q.Limit {
			b.Fatal(len(page.Flows), err)
		}
	}
	m.Each(b, "record", maxHits)
	b.ReportMetric(float64(bytes)/maxHits, "B/document")
}
