package flowelasticsearchexporter

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configcompression"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/exporter/flowelasticsearchexporter/internal/metadata"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/meter"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/workload"
)

// BenchmarkPush writes records of the reference workload to a server that swallows them: from
// log records to requests, and the answers. Processor time includes the server's.
func BenchmarkPush(b *testing.B) {
	const size = 1000
	var sent atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		sent.Add(n)
		_, _ = io.WriteString(w, `{"items":[`+strings.Repeat(`{"create":{"status":201}},`, size-1)+`{"create":{"status":201}}]}`)
	}))
	defer server.Close()
	logs := reference(size)
	for _, compression := range []configcompression.Type{"none", configcompression.TypeGzip} {
		b.Run(fmt.Sprintf("compression=%s", compression), func(b *testing.B) {
			config := createDefaultConfig().(*Config)
			config.Connection.HTTP.Endpoint = server.URL
			config.Connection.HTTP.Compression = compression
			direct(config)
			e, err := NewFactory().CreateLogs(context.Background(), exportertest.NewNopSettings(metadata.Type), config)
			require.NoError(b, err)
			require.NoError(b, e.Start(context.Background(), componenttest.NewNopHost()))
			defer func() { require.NoError(b, e.Shutdown(context.Background())) }()
			b.ReportAllocs()
			sent.Store(0)
			m := meter.Start()
			for b.Loop() {
				if err := e.ConsumeLogs(context.Background(), logs); err != nil {
					b.Fatal(err)
				}
			}
			m.Each(b, "record", size)
			m.PerSecond(b, "records", size)
			b.ReportMetric(float64(sent.Load())/float64(b.N)/size, "sent-B/record")
		})
	}
}

// reference returns records of the reference workload.
func reference(size int) plog.Logs {
	w := workload.New(1, workload.Default())
	batch := flow.Batch{}
	for len(batch.Flows) < size {
		for _, of := range w.Next() {
			batch.Flows = append(batch.Flows, of.Flows...)
		}
	}
	batch.Flows = batch.Flows[:size]
	return flow.Encode(&batch, w.Now())
}
