//go:build linux && esutil

// The tag is for this file alone: esutil needs the whole of go-elasticsearch, which is
// two minutes of compiling. tools/bench sets it.

package elastictest_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	elasticsearch8 "github.com/elastic/go-elasticsearch/v8"
	"github.com/elastic/go-elasticsearch/v8/esutil"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configcompression"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/exporter/flowelasticsearchexporter"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/document"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/elasticsearch"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/meter"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/workload"
)

// written is how many records a run writes at least.
const written = 60_000

// BenchmarkWrite writes the same documents, of the reference workload, to one real server:
// by the exporter, and by the bulk indexer of go-elasticsearch, whose answers nobody reads
// and which sends nothing again. Both make them from log records and send up to 5 MB at
// once. The server is another process, so its processor time can be told from theirs.
func BenchmarkWrite(b *testing.B) {
	server := elasticsearch.Start(b, elasticsearch.Options{Security: true, TLS: true, Heap: 1024, Optimized: true})
	logs, records := reference()
	writers := []struct {
		name  string
		write func(*testing.B, *rig, int, bool, []plog.Logs)
	}{{"exporter", byExporter}, {"esutil", byIndexer}}
	warm := newRig(b, server, "warm")
	for range 2 {
		byExporter(b, warm, 2, false, logs)
		warm = newRig(b, server, strconv.FormatInt(time.Now().UnixNano(), 36))
	}
	for _, gzipped := range []bool{false, true} {
		for _, workers := range []int{1, 2, 4} {
			for _, w := range writers {
				b.Run(fmt.Sprintf("gzip=%t/workers=%d/%s", gzipped, workers, w.name), func(b *testing.B) {
					var client, servers, took time.Duration
					for b.Loop() {
						r := newRig(b, server, strconv.FormatInt(time.Now().UnixNano(), 36)) // a new stream each time
						began, used, usedThere := time.Now(), meter.Used(), server.ProcessorTime(b)
						w.write(b, r, workers, gzipped, logs)
						took += time.Since(began)
						client += meter.Used() - used
						servers += server.ProcessorTime(b) - usedThere
						require.Equal(b, records, r.count(b, schema.Allowed)+r.count(b, schema.Denied)+r.count(b, schema.Observer))
					}
					b.ReportMetric(0, "ns/op") // in which making the stream is
					each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(b.N*records) }
					b.ReportMetric(1e6/each(took), "documents/s")
					b.ReportMetric(each(client), "cpu-µs/document")
					b.ReportMetric(each(servers), "server-cpu-µs/document")
				})
			}
		}
	}
}

// reference returns records of the reference workload, in batches as agents send them.
func reference() (logs []plog.Logs, records int) {
	for w := workload.New(1, workload.Default()); records < written; {
		for _, batch := range w.Next() {
			l := flow.Encode(&batch, w.Now())
			logs = append(logs, l)
			records += l.LogRecordCount()
		}
	}
	return logs, records
}

func byExporter(b *testing.B, r *rig, workers int, gzipped bool, logs []plog.Logs) {
	r.start(b, func(c *flowelasticsearchexporter.Config) {
		*c.Queue.Get() = *flowelasticsearchexporter.NewFactory().CreateDefaultConfig().(*flowelasticsearchexporter.Config).Queue.Get()
		c.Queue.Get().NumConsumers = workers
		if !gzipped {
			c.Connection.HTTP.Compression = configcompression.Type("none")
		}
	})
	for _, l := range logs {
		require.NoError(b, r.ConsumeLogs(b.Context(), l))
	}
	r.stop(b) // which sends what is in the queue
}

func byIndexer(b *testing.B, r *rig, workers int, gzipped bool, logs []plog.Logs) {
	client, err := elasticsearchClient(r, gzipped)
	require.NoError(b, err)
	var failed atomic.Int64
	indexer, err := esutil.NewBulkIndexer(esutil.BulkIndexerConfig{
		Client: client, NumWorkers: workers, OnError: func(context.Context, error) { failed.Add(1) },
	})
	require.NoError(b, err)
	encoder, err := document.NewEncoder(document.Options{Namespace: r.Namespace})
	require.NoError(b, err)
	for _, l := range logs {
		for _, rl := range l.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, record := range sl.LogRecords().All() {
					// The indexer reads a body when it has enough of them.
					doc, target, err := encoder.Append(nil, rl.Resource(), record)
					if err != nil {
						b.Fatal(err)
					}
					if err := indexer.Add(b.Context(), esutil.BulkIndexerItem{
						Action: "create", Index: target.Stream, DocumentID: target.ID, Body: bytes.NewReader(doc),
					}); err != nil {
						b.Fatal(err)
					}
				}
			}
		}
	}
	require.NoError(b, indexer.Close(b.Context()))
	require.Zero(b, failed.Load())
}

func elasticsearchClient(r *rig, gzipped bool) (*elasticsearch8.Client, error) {
	return elasticsearch8.NewClient(elasticsearch8.Config{
		Addresses: []string{r.URL}, CACert: []byte(r.CA), Username: r.User, Password: r.Password,
		CompressRequestBody: gzipped, CompressRequestBodyLevel: gzip.BestSpeed, PoolCompressor: true,
		Transport: http.DefaultTransport.(*http.Transport).Clone(),
	})
}
