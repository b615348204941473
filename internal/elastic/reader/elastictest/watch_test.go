//go:build linux

package elastictest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/flowstoretest"
)

// TestAWatchTellsOnlyOfWhatIsNewInADataStreamOfManyIndices begins after several have been
// finished, and another begins while it lasts.
func TestAWatchTellsOnlyOfWhatIsNewInADataStreamOfManyIndices(t *testing.T) {
	const namespace = "rollovers"
	server := prepare(t, schema.Options{Namespace: namespace, Shards: 2})
	s, g := open(t, server, schema.ECS, namespace, server.Admin), flowstoretest.NewGenerator(80)
	g.Keep = keep
	allowed := func(n int) *flow.Batch {
		batch := &flow.Batch{}
		for range n {
			f := g.Flow()
			f.Action = flow.Allow
			batch.Flows = append(batch.Flows, f)
		}
		return batch
	}
	rollOver := func() {
		path := "/" + schema.ECS.Stream(schema.Allowed, namespace) + "/_rollover"
		require.NoError(t, server.As(server.Admin).Do(t.Context(), http.MethodPost, path, nil, nil))
	}
	for range 4 {
		require.NoError(t, s.Write(t.Context(), allowed(20)))
		rollOver()
	}
	require.NoError(t, s.Write(t.Context(), allowed(20)))
	events := s.Watch(t.Context())
	for range 3 {
		batch := allowed(20)
		require.NoError(t, s.Write(t.Context(), batch))
		seen := make(map[flow.ID]bool)
		for len(seen) < batch.Len() {
			event, ok := <-events
			require.True(t, ok)
			require.Zero(t, event.Missed)
			for _, f := range event.Batch.Flows {
				require.False(t, seen[f.ID], "told of %s twice", f.ID)
				seen[f.ID] = true
			}
		}
		for _, f := range batch.Flows {
			require.True(t, seen[f.ID], "not told of %s", f.ID)
		}
		rollOver()
	}
}
