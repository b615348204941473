//go:build linux

package elastictest_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
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
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/exporter/flowelasticsearchexporter"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/elasticsearch"
)

// patience is how long a test waits for what takes a moment: a server that starts on a
// machine with other things to do.
const patience = 3 * time.Minute

var shared = elasticsearch.Shared{Options: elasticsearch.Options{Security: true, TLS: true}}

func TestMain(m *testing.M) {
	code := m.Run()
	if err := shared.Close(); err != nil {
		panic(err)
	}
	os.Exit(code)
}

// writer is the role that the README gives the exporter.
const writer = `
flow_writer:
  indices:
    - names: ['logs-k8s.*']
      privileges: [create_doc, auto_configure]
`

// rig is a server with the templates for one namespace, and an exporter that may do no more
// than write.
type rig struct {
	*elasticsearch.Client
	server    *elasticsearch.Server
	namespace string
	user      elasticsearch.User
	directory string // of the queue

	storage extension.Extension
	exporter.Logs
	host *host
}

// newRig puts the templates for a namespace, of indices that refuse what does not fit.
func newRig(t *testing.T, server *elasticsearch.Server, namespace string) *rig {
	t.Helper()
	r := &rig{Client: server.As(server.Admin), server: server, namespace: namespace, directory: t.TempDir()}
	none := 0
	templates, err := schema.Templates(&schema.Options{Mode: schema.Standard, Namespace: namespace, Replicas: &none})
	require.NoError(t, err)
	for _, template := range templates {
		require.NoError(t, r.Do(t.Context(), http.MethodPut, template.Path, string(template.Body), nil))
	}
	server.SetRoles(t, writer)
	r.user = server.SetUser(t, "writer-"+namespace, "flow_writer")
	return r
}

// start starts the exporter, with a queue that outlives it.
func (r *rig) start(t *testing.T, change ...func(*flowelasticsearchexporter.Config)) {
	t.Helper()
	storageID := component.MustNewID("file_storage")
	files := filestorage.NewFactory()
	filesConfig := files.CreateDefaultConfig().(*filestorage.Config)
	filesConfig.Directory = r.directory
	var err error
	r.storage, err = files.Create(t.Context(), extensiontest.NewNopSettings(files.Type()), filesConfig)
	require.NoError(t, err)
	r.host = &host{extensions: map[component.ID]component.Component{storageID: r.storage}}
	require.NoError(t, r.storage.Start(t.Context(), r.host))

	factory := flowelasticsearchexporter.NewFactory()
	config := factory.CreateDefaultConfig().(*flowelasticsearchexporter.Config)
	config.Connection.HTTP.Endpoint = r.server.URL
	config.Connection.HTTP.TLS.CAPem = configopaque.String(r.server.CA)
	config.Connection.User, config.Connection.Password = r.user.Name, configopaque.String(r.user.Password)
	config.Namespace = r.namespace
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
	r.Logs, err = factory.CreateLogs(t.Context(), set, config)
	require.NoError(t, err)
	require.NoError(t, r.Start(t.Context(), r.host))
}

func (r *rig) stop(t *testing.T) {
	t.Helper()
	require.NoError(t, r.Shutdown(context.Background()))
	require.NoError(t, r.storage.Shutdown(context.Background()))
}

func (r *rig) stream(c schema.Class) string { return schema.ECS.Stream(c, r.namespace) }

// push exports records of these numbers, whose ids are 1-1-NUMBER.
func (r *rig) push(t *testing.T, from, n int) {
	t.Helper()
	require.NoError(t, r.ConsumeLogs(t.Context(), flows(from, n, nil)))
}

func flows(from, n int, change func(*flow.Flow)) plog.Logs {
	batch := flow.Batch{}
	for i := range n {
		f := flow.Flow{ID: flow.ID{Node: 1, Epoch: 1, Counter: uint64(from + i)}, Action: flow.Allow, End: time.Now().UnixNano()}
		if change != nil {
			change(&f)
		}
		batch.Flows = append(batch.Flows, f)
	}
	return flow.Encode(&batch, time.Now())
}

// await waits until a stream has n documents, and then that it has no more and which these
// are: those of the numbers 1 to n.
func (r *rig) await(t *testing.T, c schema.Class, n int) {
	t.Helper()
	require.Eventually(t, func() bool { return r.count(t, c) >= n }, patience, 50*time.Millisecond, "documents in %s", r.stream(c))
	require.Equal(t, n, r.count(t, c))
	var numbers []int
	for after := ""; len(numbers) < n; {
		var page struct {
			Hits struct {
				Hits []struct {
					ID   string            `json:"_id"`
					Sort []json.RawMessage `json:"sort"`
				}
			}
		}
		require.NoError(t, r.Do(t.Context(), http.MethodPost, "/"+r.stream(c)+"/_search",
			`{"_source":false,"size":10000,"sort":["@timestamp","_doc"]`+after+`}`, &page))
		require.NotEmpty(t, page.Hits.Hits)
		for _, hit := range page.Hits.Hits {
			number, err := strconv.ParseInt(strings.TrimPrefix(hit.ID, "1-1-"), 16, 32)
			require.NoError(t, err)
			numbers = append(numbers, int(number))
		}
		last := page.Hits.Hits[len(page.Hits.Hits)-1].Sort
		after = `,"search_after":[` + string(last[0]) + `,` + string(last[1]) + `]`
	}
	slices.Sort(numbers)
	for i, number := range numbers {
		require.Equal(t, i+1, number)
	}
}

// count is how many documents a stream has; 0 too where it cannot be asked now.
func (r *rig) count(t *testing.T, c schema.Class) int {
	var answer struct{ Count int }
	path := "/" + r.stream(c)
	if r.Do(t.Context(), http.MethodPost, path+"/_refresh", nil, nil) != nil {
		return 0
	}
	if r.Do(t.Context(), http.MethodGet, path+"/_count", nil, &answer) != nil {
		return 0
	}
	return answer.Count
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
