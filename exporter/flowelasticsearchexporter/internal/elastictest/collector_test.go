//go:build linux

package elastictest_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensiontest"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/exporter/flowelasticsearchexporter"
)

// target is what an exporter has to know. Another process can be told of it.
type target struct {
	URL, CA, User, Password, Namespace string
	// Directory is where the queue is.
	Directory string
}

// collector is an exporter, and what it needs of a collector.
type collector struct {
	exporter.Logs
	storage extension.Extension
	host    *host
}

// start starts an exporter with the queue that is in the directory.
func start(ctx context.Context, to target, change ...func(*flowelasticsearchexporter.Config)) (*collector, error) {
	storageID := component.MustNewID("file_storage")
	files := filestorage.NewFactory()
	filesConfig := files.CreateDefaultConfig().(*filestorage.Config)
	filesConfig.Directory = to.Directory
	storage, err := files.Create(ctx, extensiontest.NewNopSettings(files.Type()), filesConfig)
	if err != nil {
		return nil, err
	}
	c := &collector{storage: storage, host: &host{extensions: map[component.ID]component.Component{storageID: storage}}}
	if err := c.storage.Start(ctx, c.host); err != nil {
		return nil, err
	}

	factory := flowelasticsearchexporter.NewFactory()
	config := factory.CreateDefaultConfig().(*flowelasticsearchexporter.Config)
	config.Connection.HTTP.Endpoint = to.URL
	config.Connection.HTTP.TLS.CAPem = configopaque.String(to.CA)
	config.Connection.User, config.Connection.Password = to.User, configopaque.String(to.Password)
	config.Namespace = to.Namespace
	config.Retry.InitialInterval, config.Retry.MaxInterval = 20*time.Millisecond, 500*time.Millisecond
	queue := config.Queue.Get()
	queue.StorageID = &storageID
	batch := queue.Batch.Get()
	batch.FlushTimeout, batch.MinSize, batch.MaxSize = 10*time.Millisecond, 20_000, 40_000
	for _, c := range change {
		c(config)
	}
	set := exportertest.NewNopSettings(factory.Type())
	set.ID = component.NewID(factory.Type()) // by which the queue is found again
	if c.Logs, err = factory.CreateLogs(ctx, set, config); err == nil {
		err = c.Start(ctx, c.host)
	}
	return c, err
}

func (c *collector) stop() error {
	return errors.Join(c.Shutdown(context.Background()), c.storage.Shutdown(context.Background()))
}

// host is a collector with extensions that notes what components say of their health.
type host struct {
	extensions map[component.ID]component.Component

	mu   sync.Mutex
	last componentstatus.Status
	err  error
}

func (h *host) GetExtensions() map[component.ID]component.Component { return h.extensions }

func (h *host) Report(e *componentstatus.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last, h.err = e.Status(), e.Err()
}

// await waits for a status, and returns its error.
func (h *host) await(t *testing.T, want componentstatus.Status) error {
	t.Helper()
	var err error
	require.Eventually(t, func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		err = h.err
		return h.last == want
	}, patience, 10*time.Millisecond)
	return err
}
