//go:build linux

package workload_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/exporter/exportertest"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/exporter/flowelasticsearchexporter"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/elasticsearch"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/flowdocuments"
)

// BenchmarkElasticStorage is BenchmarkStorage with an Elasticsearch: bytes are those of the
// indices after each was merged into one segment, without replicas.
func BenchmarkElasticStorage(b *testing.B) {
	server := elasticsearch.Start(b, elasticsearch.Options{Heap: 1024})
	client := server.As(server.Admin)
	for _, level := range levels {
		b.Run(level.name, func(b *testing.B) {
			for b.Loop() {
				namespace := strconv.FormatInt(time.Now().UnixNano(), 36) // new streams each time
				flowdocuments.PutTemplates(b, client, schema.Options{Namespace: namespace})
				exporter, stop := startElastic(b, server.URL, namespace)
				received, left := playThrough(b, level.aggregation)
				write(b, left, exporter)
				stop()
				stored := left.LogRecordCount()
				report(b, received, stored, indexSize(b, client, "logs-k8s.flow*-"+namespace, stored))
			}
		})
	}
}

// startElastic starts the exporter, which sends each request at once.
func startElastic(b *testing.B, endpoint, namespace string) (consumer.Logs, func()) {
	b.Helper()
	factory := flowelasticsearchexporter.NewFactory()
	config := factory.CreateDefaultConfig().(*flowelasticsearchexporter.Config)
	config.Connection.HTTP.Endpoint, config.Namespace = endpoint, namespace
	config.Queue = configoptional.None[exporterhelper.QueueBatchConfig]()
	exporter, err := factory.CreateLogs(b.Context(), exportertest.NewNopSettings(factory.Type()), config)
	require.NoError(b, err)
	require.NoError(b, exporter.Start(b.Context(), componenttest.NewNopHost()))
	return exporter, func() { require.NoError(b, exporter.Shutdown(b.Context())) }
}

// indexSize merges the indices of data streams, which have so many documents, and returns
// their bytes.
func indexSize(b *testing.B, client *elasticsearch.Client, streams string, documents int) int64 {
	b.Helper()
	for _, path := range []string{"/_forcemerge?max_num_segments=1", "/_flush?force=true", "/_refresh"} {
		require.NoError(b, client.Do(b.Context(), http.MethodPost, "/"+streams+path, nil, nil))
	}
	var count struct{ Count int }
	require.NoError(b, client.Do(b.Context(), http.MethodGet, "/"+streams+"/_count", nil, &count))
	require.Equal(b, documents, count.Count)
	var usage map[string]struct {
		Bytes int64 `json:"store_size_in_bytes"`
	}
	require.NoError(b, client.Do(b.Context(), http.MethodPost, "/"+streams+"/_disk_usage?run_expensive_tasks=true", nil, &usage))
	var bytes int64
	for _, index := range usage {
		bytes += index.Bytes
	}
	return bytes
}
