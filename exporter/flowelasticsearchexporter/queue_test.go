package flowelasticsearchexporter

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/extensiontest"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/exporter/flowelasticsearchexporter/internal/bulktest"
)

var storageID = component.MustNewID("file_storage")

// queued has the queue kept by the file storage, in small batches.
func queued(c *Config) {
	queue := c.Queue.Get()
	queue.StorageID = &storageID
	batch := queue.Batch.Get()
	batch.FlushTimeout, batch.MinSize, batch.MaxSize = time.Millisecond, 1000, 5000
}

// openStorage opens the file storage in a directory, which close lets go.
func openStorage(t *testing.T, directory string) (h *host, closeStorage func()) {
	t.Helper()
	factory := filestorage.NewFactory()
	config := factory.CreateDefaultConfig().(*filestorage.Config)
	config.Directory = directory
	storage, err := factory.Create(t.Context(), extensiontest.NewNopSettings(factory.Type()), config)
	require.NoError(t, err)
	require.NoError(t, storage.Start(t.Context(), &host{}))
	return &host{extensions: map[component.ID]component.Component{storageID: storage}},
		func() { require.NoError(t, storage.Shutdown(context.Background())) }
}

// TestEachRecordOnceThroughRestarts has a server that fails at random, in every way that
// leaves a request half done, and a collector that is restarted meanwhile.
func TestEachRecordOnceThroughRestarts(t *testing.T) {
	const restarts, pushes, size = 5, 20, 20
	random := rand.New(rand.NewPCG(1, 2))
	var well atomic.Bool
	server := bulktest.Start(t, func(*bulktest.Request) bulktest.Answer {
		if well.Load() {
			return bulktest.Answer{}
		}
		switch random.IntN(6) {
		case 0:
			return bulktest.Answer{}
		case 1:
			return bulktest.Answer{Reset: true}
		case 2:
			return bulktest.Answer{Length: 30}
		case 3:
			return bulktest.Answer{Status: 429}
		default:
			return bulktest.Answer{Item: func(bulktest.Item) (int, string, string) {
				if random.IntN(2) == 0 {
					return 429, "es_rejected_execution_exception", ""
				}
				return 0, "", ""
			}}
		}
	})
	directory := t.TempDir()
	n := 0
	for range restarts {
		h, closeStorage := openStorage(t, directory)
		r := start(t, server.URL, h, queued)
		for range pushes {
			list := make([]int, size)
			for i := range list {
				n++
				list[i] = n
			}
			require.NoError(t, r.ConsumeLogs(t.Context(), flows(list...)))
		}
		r.stop()
		closeStorage()
	}
	well.Store(true)
	h, closeStorage := openStorage(t, directory)
	r := start(t, server.URL, h, queued)
	require.Eventually(t, func() bool { return len(server.Stored(allowedStream)) == n }, time.Minute, time.Millisecond)
	r.stop()
	closeStorage()
	require.Equal(t, upTo(n), numbers(t, server.Stored(allowedStream)))
	require.Empty(t, server.Stored(rejectedStream))
}
