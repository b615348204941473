package duckdb

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/flowstoretest"
)

// open opens a store in directory, with changes to the usual options, and closes
// it when the test ends.
func open(t testing.TB, directory string, change ...func(*Options)) *Store {
	t.Helper()
	options := Options{Directory: directory, MemoryLimit: 512 << 20}
	for _, c := range change {
		c(&options)
	}
	store, err := Open(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

func TestContract(t *testing.T) {
	flowstoretest.Run(t, func(t *testing.T) flowstoretest.Store { return open(t, t.TempDir()) })
}
