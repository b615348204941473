package duckdb

import (
	"database/sql"
	"net/netip"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/flowstoretest"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/memstore"
)

// alter changes the closed file of a store as another build would.
func alter(t *testing.T, directory string, statements ...string) {
	t.Helper()
	db, err := sql.Open("duckdb", filepath.Join(directory, FileName))
	require.NoError(t, err)
	for _, statement := range statements {
		_, err := db.Exec(statement)
		require.NoError(t, err, statement)
	}
	require.NoError(t, db.Close())
}

func TestAFileOfAnOlderBuildGainsColumns(t *testing.T) {
	directory := t.TempDir()
	store := open(t, directory)
	g := flowstoretest.NewGenerator(1)
	old := g.Batch(20)
	require.NoError(t, store.Write(t.Context(), old))
	require.NoError(t, store.Close())
	// As if the file were made before these attributes, and by a build that had one
	// that is gone since.
	alter(t, directory, `DROP VIEW flows`, `DROP VIEW agents`,
		`ALTER TABLE flow_records DROP COLUMN "destination.address.key"`,
		`ALTER TABLE flow_records DROP COLUMN "destination.address"`,
		`ALTER TABLE flow_records DROP COLUMN "flow.tcp.retransmits"`,
		`ALTER TABLE flow_records ADD COLUMN "flow.gone" VARCHAR`,
		`ALTER TABLE agent_records DROP COLUMN "flow.agent.engines"`)

	store = open(t, directory)
	recent := g.Batch(20)
	require.NoError(t, store.Write(t.Context(), recent))
	reference := &memstore.Store{}
	for i := range old.Flows {
		old.Flows[i].Destination.Address = netip.Addr{}
		old.Flows[i].TCP.Retransmits = 0
	}
	for i := range old.Agents {
		old.Agents[i].Engines = nil
	}
	require.NoError(t, reference.Write(t.Context(), old))
	require.NoError(t, reference.Write(t.Context(), recent))
	flowstoretest.Same(t, reference, store)
	require.NoError(t, store.Close())
	_, err := readAsStranger(store.File())
	require.NoError(t, err)
}

func TestAFileOfANewerBuildIsLeftAlone(t *testing.T) {
	for name, test := range map[string]struct{ statement, want string }{
		"version": {`UPDATE flow_store_schema SET version = 2`, "its layout has version 2, this build knows up to 1"},
		"type":    {`ALTER TABLE flow_records ALTER "source.port" TYPE VARCHAR`, `column "source.port" of table flow_records has type VARCHAR, this build needs BIGINT`},
	} {
		t.Run(name, func(t *testing.T) {
			directory := t.TempDir()
			require.NoError(t, open(t, directory).Close())
			alter(t, directory, `DROP VIEW flows`, test.statement)
			_, err := Open(t.Context(), Options{Directory: directory, MemoryLimit: 256 << 20})
			require.ErrorContains(t, err, FileName)
			require.ErrorContains(t, err, "written by a newer build")
			require.ErrorContains(t, err, test.want)
		})
	}
}
