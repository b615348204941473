//go:build linux

package elastictest_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.uber.org/zap/zaptest"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/connection"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/document"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/reader"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow/idset"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/elasticsearch"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/flowdocuments"
)

// shared is for all tests; each has namespaces of data streams to itself.
var shared = elasticsearch.Shared{Options: elasticsearch.Options{Security: true, Heap: 1024}}

func TestMain(m *testing.M) { shared.Main(m) }

// prepare puts the templates of one form.
func prepare(tb testing.TB, o schema.Options) *elasticsearch.Server {
	tb.Helper()
	server := shared.Get(tb)
	flowdocuments.PutTemplates(tb, server.As(server.Admin), o)
	// Indices of a few small segments: a search opens every field of each.
	for _, class := range []schema.Class{schema.Allowed, schema.Denied} {
		path := "/_component_template/logs-" + o.Mapping.Dataset(class) + "@custom"
		settings := map[string]any{"index.merge.policy.segments_per_tier": 2}
		require.NoError(tb, server.As(server.Admin).Do(tb.Context(), http.MethodPut, path, map[string]any{"template": map[string]any{"settings": settings}}, nil))
	}
	return server
}

// store completes a reader to a store, by writing as the exporter does.
type store struct {
	*reader.Reader
	client  *elasticsearch.Client
	encoder *document.Encoder

	mu    sync.Mutex
	given uint64
	ids   *idset.Set // as in the streams, to leave out what would be refused
}

// open returns a store over a namespace, read by a user.
func open(tb testing.TB, server *elasticsearch.Server, m schema.Mapping, namespace string, as elasticsearch.User) *store {
	tb.Helper()
	encoder, err := document.NewEncoder(document.Options{Mapping: m, Namespace: namespace})
	require.NoError(tb, err)
	s := &store{client: server.As(server.Admin), encoder: encoder, ids: idset.New()}
	s.Reader = newReader(tb, server, reader.Options{Mapping: m, Namespace: namespace, Location: server.URL, Logger: zaptest.NewLogger(tb), Poll: 20 * time.Millisecond}, as)
	return s
}

func newReader(tb testing.TB, server *elasticsearch.Server, o reader.Options, as elasticsearch.User) *reader.Reader {
	tb.Helper()
	config := connection.NewDefaultConfig()
	config.HTTP.Endpoint = server.URL
	config.User, config.Password = as.Name, configopaque.String(as.Password)
	client, err := config.NewClient(tb.Context(), componenttest.NewNopHost(), componenttest.NewNopTelemetrySettings(), component.BuildInfo{})
	require.NoError(tb, err)
	r, err := reader.New(o)
	require.NoError(tb, err)
	r.Open(client)
	tb.Cleanup(func() {
		require.NoError(tb, r.Close())
		require.NoError(tb, client.Close(context.Background()))
	})
	return r
}

func (s *store) Close() error { return s.Reader.Close() }

// Write implements flowstore.Writer.
func (s *store) Write(ctx context.Context, batch *flow.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, err := s.Losses(ctx, flowstore.Range{From: 1, To: 2}); err != nil {
		return err // closed
	}
	s.mu.Lock()
	batch = &flow.Batch{
		Flows:  fresh(s, batch.Flows, func(f *flow.Flow) *flow.ID { return &f.ID }),
		Losses: fresh(s, batch.Losses, func(l *flow.Loss) *flow.ID { return &l.ID }),
		Agents: fresh(s, batch.Agents, func(a *flow.Agent) *flow.ID { return &a.ID }),
	}
	s.mu.Unlock()
	if batch.Len() == 0 {
		return nil
	}
	var request flowdocuments.Bulk
	if err := flowdocuments.Encode(s.encoder, flow.Encode(batch, time.Unix(1, 0)), request.Add); err != nil {
		return err
	}
	return request.Send(ctx, s.client)
}

// fresh copies the records that are new, each with an id.
func fresh[T any](s *store, records []T, id func(*T) *flow.ID) []T {
	var kept []T
	for _, record := range records {
		if id(&record).IsZero() {
			s.given++
			*id(&record) = flow.ID{Node: 0xffffffff, Counter: s.given}
		}
		if s.ids.Add(*id(&record), 0) {
			kept = append(kept, record)
		}
	}
	return kept
}
