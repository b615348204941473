package duckdb

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
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

func TestCloseEndsARunningQuery(t *testing.T) {
	store := open(t, t.TempDir())
	running, asked := make(chan struct{}), make(chan error, 1)
	go func() {
		asked <- store.query(t.Context(), func(ctx context.Context, db *sql.DB) error {
			close(running)
			_, err := db.ExecContext(ctx, "SELECT sum(a.range + b.range) FROM range(10000000) a, range(10000000) b")
			return err
		})
	}()
	<-running
	require.NoError(t, store.Close())
	require.ErrorIs(t, <-asked, flowstore.ErrClosed)
}

func TestWhatQueriesSpilledBeforeACrashIsRemoved(t *testing.T) {
	directory := t.TempDir()
	store := open(t, directory)
	spilled := filepath.Join(store.spillDirectory(), "duckdb_temp_storage-0.tmp")
	require.NoError(t, store.Close())
	require.NoError(t, os.MkdirAll(store.spillDirectory(), 0o750))
	require.NoError(t, os.WriteFile(spilled, make([]byte, 100), 0o600))
	open(t, directory)
	require.NoFileExists(t, spilled)
}

func TestContract(t *testing.T) {
	flowstoretest.Run(t, flowstoretest.Backend{Open: func(t *testing.T) flowstoretest.Store { return open(t, t.TempDir()) }})
}
