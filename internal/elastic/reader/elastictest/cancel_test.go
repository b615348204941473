//go:build linux

package elastictest_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/flowstoretest"
)

// TestWhoGivesUpEndsTheSearchOnTheServer has a question that takes long, and gives it up while
// a search for it runs. Of a search that was ended before it was done, and only of that, the
// server says that it failed.
func TestWhoGivesUpEndsTheSearchOnTheServer(t *testing.T) {
	const namespace, patience, moment = "cancel", 3 * time.Minute, 5 * time.Millisecond
	server := prepare(t, schema.Options{Namespace: namespace})
	s, g := open(t, server, schema.ECS, namespace, server.Admin), flowstoretest.NewGenerator(90)
	g.Keep = keep
	for range 5 {
		require.NoError(t, s.Write(t.Context(), g.Batch(4000)))
	}
	client := server.As(server.Admin)
	type searches struct {
		Current int `json:"query_current"`
		Failed  int `json:"query_failure"`
	}
	counts := func() searches {
		var stats struct {
			All struct{ Total struct{ Search searches } } `json:"_all"`
		}
		require.NoError(t, client.Do(t.Context(), http.MethodGet, "/logs-*-"+namespace+"/_stats/search", nil, &stats))
		return stats.All.Total.Search
	}
	q := flowstore.GroupsQuery{Selection: flowstoretest.Everything, Limit: 1}
	for _, name := range []string{"source.address", "source.port", "destination.address", "destination.port"} {
		q.By = append(q.By, flow.Flows.Lookup(name))
	}
	_, err := s.Groups(t.Context(), q)
	require.NoError(t, err)
	require.Zero(t, counts().Failed, "who does not give up has an answer")

	require.Eventually(t, func() bool {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan error, 1)
		go func() {
			_, err := s.Groups(ctx, q)
			ended <- err
		}()
		for counts().Current == 0 {
			if len(ended) > 0 {
				return false
			}
		}
		cancel()
		if err := <-ended; err != nil {
			require.ErrorIs(t, err, context.Canceled)
		}
		return counts().Failed > 0
	}, patience, moment)

	require.Eventually(t, func() bool {
		var tasks struct{ Nodes map[string]any }
		require.NoError(t, client.Do(t.Context(), http.MethodGet, "/_tasks?actions=indices:data/read/search*", nil, &tasks))
		return len(tasks.Nodes) == 0 && counts().Current == 0
	}, patience, moment, "nothing goes on")
}
