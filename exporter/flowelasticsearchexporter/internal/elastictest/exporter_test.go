//go:build linux

package elastictest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/elasticsearch"
)

// TestEachRecordOnceThroughCrashes kills the server and restarts the collector, while there
// are records to be written.
func TestEachRecordOnceThroughCrashes(t *testing.T) {
	server := elasticsearch.Start(t, elasticsearch.Options{Security: true, TLS: true})
	r := newRig(t, server, "crashes")
	r.start(t)
	n := 0
	push := func() {
		for range 25 {
			r.push(t, n+1, 200)
			n += 200
		}
	}
	push()
	require.Eventually(t, func() bool { return r.count(t, schema.Allowed) > 0 }, patience, time.Millisecond)
	push()
	server.Kill(t) // while it writes
	push()
	r.stop(t) // what the server did not take stays in the queue
	r.start(t)
	push()
	server.Restart(t)
	push()
	r.stop(t)
	r.start(t)
	push()
	server.Kill(t)
	server.Restart(t)
	r.await(t, schema.Allowed, n)
	r.stop(t)
}

func TestABlockedStreamIsWrittenOnceItIsNot(t *testing.T) {
	r := newRig(t, shared.Get(t), "blocked")
	r.start(t)
	defer r.stop(t)
	r.push(t, 1, 100)
	r.await(t, schema.Allowed, 100)

	block := func(on bool) {
		require.NoError(t, r.Do(t.Context(), http.MethodPut, "/"+r.stream(schema.Allowed)+"/_settings", map[string]any{"index.blocks.read_only": on}, nil))
	}
	block(true)
	r.push(t, 101, 100)
	require.ErrorContains(t, r.host.await(t, componentstatus.StatusRecoverableError), "cluster_block_exception")
	require.Equal(t, 100, r.count(t, schema.Allowed))
	block(false)
	r.await(t, schema.Allowed, 200)
	_ = r.host.await(t, componentstatus.StatusOK)
}

func TestADocumentThatDoesNotFitIsToldOf(t *testing.T) {
	r := newRig(t, shared.Get(t), "misfits")
	// Somebody has made a number of a name.
	require.NoError(t, r.Do(t.Context(), http.MethodPut, "/_index_template/misfits", map[string]any{
		"index_patterns": []string{r.stream(schema.Allowed)}, "priority": 1000, "data_stream": map[string]any{},
		"template": map[string]any{
			"settings": map[string]any{"number_of_replicas": 0},
			"mappings": map[string]any{"properties": map[string]any{"event": map[string]any{"properties": map[string]any{"reason": map[string]any{"type": "long"}}}}},
		},
	}, nil))
	r.start(t)
	defer r.stop(t)
	require.NoError(t, r.ConsumeLogs(t.Context(), flows(1, 10, func(f *flow.Flow) {
		if f.ID.Counter > 7 {
			f.Denial.Reason = flow.Intern("no socket")
		}
	})))
	r.await(t, schema.Allowed, 7)
	require.Eventually(t, func() bool { return r.count(t, schema.Rejected) == 3 }, patience, 50*time.Millisecond)
	var found struct {
		Hits struct {
			Hits []struct {
				ID     string `json:"_id"`
				Source struct {
					Error struct{ Type, Message string }
					Event struct{ Original string }
				} `json:"_source"`
			}
		}
	}
	require.NoError(t, r.Do(t.Context(), http.MethodPost, "/"+r.stream(schema.Rejected)+"/_search", `{"query":{"term":{"_id":"1-1-9"}}}`, &found))
	require.Len(t, found.Hits.Hits, 1)
	source := found.Hits.Hits[0].Source
	require.Equal(t, "document_parsing_exception", source.Error.Type)
	require.Contains(t, source.Error.Message, "event.reason")
	require.Contains(t, source.Event.Original, "no socket")
}

func TestWithoutTemplatesNothingIsWritten(t *testing.T) {
	server := shared.Get(t)
	r := newRig(t, server, "bare")
	r.Namespace = "nobody" // which has none
	r.start(t)
	r.push(t, 1, 10)
	require.ErrorContains(t, r.host.await(t, componentstatus.StatusRecoverableError), "install the index templates")
	var answer map[string]any
	require.NoError(t, r.Do(t.Context(), http.MethodGet, "/_resolve/index/*nobody*", nil, &answer))
	require.Empty(t, answer["indices"], "no plain index is made")
	require.Empty(t, answer["data_streams"])
	r.stop(t)
}

func TestAUserWithoutRightsIsToldOfUntilItHasThem(t *testing.T) {
	server := shared.Get(t)
	r := newRig(t, server, "rights")
	password := r.Password
	r.Password = "forgotten"
	r.start(t)
	r.push(t, 1, 10)
	require.ErrorContains(t, r.host.await(t, componentstatus.StatusRecoverableError), "status 401: security_exception")
	r.stop(t)

	r.Password = password
	r.start(t) // with the queue of before
	r.await(t, schema.Allowed, 10)

	server.SetRoles(t, "flow_writer:\n  cluster: [monitor]\n")
	r.push(t, 11, 10)
	require.ErrorContains(t, r.host.await(t, componentstatus.StatusRecoverableError), "needs create_doc and auto_configure")
	server.SetRoles(t, writer)
	r.await(t, schema.Allowed, 20)
	r.stop(t)

	// It may do no more than that.
	mine := server.As(elasticsearch.User{Name: r.User, Password: password})
	for _, path := range []string{"/_search", "/_count", "/_mapping"} {
		require.ErrorContains(t, mine.Do(t.Context(), http.MethodGet, "/"+r.stream(schema.Allowed)+path, nil, nil), "security_exception", path)
	}
}
