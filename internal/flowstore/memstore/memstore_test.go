package memstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/flowstoretest"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/memstore"
)

// TestContract holds the reference to what it cannot be compared with: errors,
// watches, cancellation.
func TestContract(t *testing.T) {
	flowstoretest.Run(t, flowstoretest.Backend{Open: func(*testing.T) flowstoretest.Store { return &memstore.Store{} }})
}

// TestRecordsAreKeptAsTheyAre: both this store and the one that is compared with
// it go through the registry, so that an attribute that gets lost there has to
// show here.
func TestRecordsAreKeptAsTheyAre(t *testing.T) {
	store := &memstore.Store{}
	batch := flowstoretest.NewGenerator(1).Batch(500)
	require.NoError(t, store.Write(t.Context(), batch))
	flows, err := flowstoretest.ReadAll(t.Context(), store, flowstoretest.Everything, 100)
	require.NoError(t, err)
	kept := make(map[flow.ID]flow.Flow)
	for _, f := range flows {
		kept[f.ID] = f
	}
	for _, f := range batch.Flows {
		f.Source.Address, f.Destination.Address = f.Source.Address.Unmap(), f.Destination.Address.Unmap()
		require.Equal(t, f, kept[f.ID])
	}
	require.Len(t, kept, len(batch.Flows))
	losses, err := store.Losses(t.Context(), flowstoretest.Everything.Range)
	require.NoError(t, err)
	require.ElementsMatch(t, batch.Losses, losses)
	signs := make(map[flow.ID]flow.Agent)
	for _, a := range batch.Agents {
		signs[a.ID] = a
	}
	agents, err := store.Agents(t.Context(), 0)
	require.NoError(t, err)
	require.NotEmpty(t, agents)
	for _, of := range agents {
		for _, a := range of {
			require.Equal(t, signs[a.ID], a)
		}
	}
}
