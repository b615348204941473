//go:build linux

package elastictest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/flowstoretest"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/memstore"
)

// TestRecordsOfOneTimeInSeveralShards have nothing to be ordered by but the numbers that each
// shard gives them, which several have alike.
func TestRecordsOfOneTimeInSeveralShards(t *testing.T) {
	const namespace = "shards"
	server := prepare(t, schema.Options{Namespace: namespace, Shards: 3})
	s, reference, g := open(t, server, schema.ECS, namespace, server.Admin), &memstore.Store{}, flowstoretest.NewGenerator(60)
	g.Keep = keep
	require.NoError(t, s.Write(t.Context(), g.Batch(1))) // so that the streams are there
	events := s.Watch(t.Context())
	batch := g.Batch(300)
	for i := range batch.Flows {
		batch.Flows[i].End = flowstoretest.Start
	}
	require.NoError(t, s.Write(t.Context(), batch))
	seen := make(map[flow.ID]int)
	for told := 0; told < batch.Len(); {
		event, ok := <-events
		require.True(t, ok)
		require.Zero(t, event.Missed)
		told += event.Batch.Len()
		for _, f := range event.Batch.Flows {
			seen[f.ID]++
		}
	}
	require.NoError(t, reference.Write(t.Context(), batch))
	for _, f := range batch.Flows {
		require.Equal(t, 1, seen[f.ID], "watched %s", f.ID)
	}
	at := flowstore.Selection{Range: flowstore.Range{From: flowstoretest.Start, To: flowstoretest.Start + 1}, View: flowstore.AllReports}
	for _, limit := range []int{1, 7, 299, 300} {
		all, err := flowstoretest.ReadAll(t.Context(), s, at, limit)
		require.NoError(t, err)
		ids := make(map[flow.ID]bool)
		for _, f := range all {
			require.False(t, ids[f.ID], "%s is in two pages of %d", f.ID, limit)
			ids[f.ID] = true
		}
		require.Len(t, ids, len(batch.Flows))
	}
	flowstoretest.SameAnswer(t, reference, s, "groups", func(r flowstore.Reader) (flowstore.Groups, error) {
		return r.Groups(t.Context(), flowstore.GroupsQuery{Selection: at, By: []*flow.Field[flow.Flow]{flow.Flows.Lookup("source.address")}, Limit: 100})
	})
}
