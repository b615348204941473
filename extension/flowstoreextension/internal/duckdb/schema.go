package duckdb

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	_ "embed"
	"fmt"
	"strings"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// schemaVersion numbers the layout of the tables. New attributes do not change
// it: their columns are added when the file is opened. It grows when older
// builds could no longer write the file.
const schemaVersion = 1

//go:embed schema.sql
var staticSchema string

// idColumns hold a record's ID in its parts: sorted by arrival the numbers
// compress to almost nothing, where the printed ID takes its full length.
var idColumns = []column{
	{name: "flow.id.node", sqlType: "UINTEGER"},
	{name: "flow.id.epoch", sqlType: "UINTEGER"},
	{name: "flow.id.counter", sqlType: "UBIGINT"},
}

// idText prints the ID as flow.ID.String does.
const idText = `format('{:x}-{:x}-{:x}', "flow.id.node", "flow.id.epoch", "flow.id.counter")`

const idName = "flow.id"

// keySuffix names the companion column of an address or a list of addresses. See doc.go.
const keySuffix = ".key"

// listsAddresses reports whether the attribute name is a list of addresses.
func listsAddresses(name string) bool {
	of := flow.ListedBy(name)
	return of != nil && of.Type == flow.Address
}

type column struct {
	name, sqlType string
}

func (c column) quoted() string { return quoteName(c.name) }

// quoteName quotes an identifier. Names come from the registry, never from a user.
func quoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// table is the layout of one kind of record: a base table with a column for each
// attribute and a view for people, which shows the attributes only.
type table[T any] struct {
	name, view string
	registry   *flow.Registry[T]
	id         func(*T) *flow.ID
	// at is the time by which the record is found and deleted.
	at      func(*T) int64
	columns []column
	// keys makes the companion column of the field with that index; nil where it has none.
	keys []func(flow.Value) sqldriver.Value
}

// The tables of the three kinds of record.
var (
	flowTable = newTable("flow_records", "flows", flow.Flows,
		func(f *flow.Flow) *flow.ID { return &f.ID }, func(f *flow.Flow) int64 { return f.End })
	lossTable = newTable("loss_records", "losses", flow.Losses,
		func(l *flow.Loss) *flow.ID { return &l.ID }, func(l *flow.Loss) int64 { return l.End })
	agentTable = newTable("agent_records", "agents", flow.Agents,
		func(a *flow.Agent) *flow.ID { return &a.ID }, func(a *flow.Agent) int64 { return a.Time })
)

func newTable[T any](name, view string, registry *flow.Registry[T], id func(*T) *flow.ID, at func(*T) int64) *table[T] {
	t := &table[T]{name: name, view: view, registry: registry, id: id, at: at, columns: idColumns, keys: make([]func(flow.Value) sqldriver.Value, len(registry.Fields()))}
	for i := range registry.Fields() {
		f := &registry.Fields()[i]
		if f.Name == idName {
			continue
		}
		t.columns = append(t.columns[:len(t.columns):len(t.columns)], column{f.Name, sqlTypes[f.Type]})
		switch {
		case f.Type == flow.Address:
			t.columns, t.keys[i] = append(t.columns, column{f.Name + keySuffix, "BLOB"}), keyCell
		case listsAddresses(f.Name):
			t.columns, t.keys[i] = append(t.columns, column{f.Name + keySuffix, "BLOB[]"}), keysCell
		}
	}
	return t
}

var sqlTypes = map[flow.Type]string{
	flow.Keyword:  "VARCHAR",
	flow.Address:  "VARCHAR",
	flow.Integer:  "BIGINT",
	flow.Boolean:  "BOOLEAN",
	flow.Time:     "TIMESTAMP_NS",
	flow.Keywords: "VARCHAR[]",
	flow.Map:      "MAP(VARCHAR, VARCHAR)",
}

// migrate brings the tables to this build's layout, in place and in one
// transaction.
func migrate(ctx context.Context, conn *sql.Conn) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, staticSchema); err != nil {
		return err
	}
	if err := checkVersion(ctx, tx); err != nil {
		return err
	}
	if err := flowTable.migrate(ctx, tx); err != nil {
		return err
	}
	if err := lossTable.migrate(ctx, tx); err != nil {
		return err
	}
	if err := agentTable.migrate(ctx, tx); err != nil {
		return err
	}
	return tx.Commit()
}

func checkVersion(ctx context.Context, tx *sql.Tx) error {
	var version sql.NullInt64
	if err := tx.QueryRowContext(ctx, "SELECT max(version) FROM flow_store_schema").Scan(&version); err != nil {
		return err
	}
	switch {
	case !version.Valid:
		_, err := tx.ExecContext(ctx, "INSERT INTO flow_store_schema VALUES (?)", schemaVersion)
		return err
	case version.Int64 > schemaVersion:
		return fmt.Errorf("%w: its layout has version %d, this build knows up to %d: use the newer build, or another directory",
			errNewer, version.Int64, schemaVersion)
	default:
		return nil
	}
}

// migrate creates the table, adds the columns that the registry has gained since
// the file was written, and renews the view. Columns that the registry no longer
// has are left as they are.
func (t *table[T]) migrate(ctx context.Context, tx *sql.Tx) error {
	definitions := make([]string, len(t.columns))
	for i, c := range t.columns {
		definitions[i] = c.quoted() + " " + c.sqlType
	}
	create := "CREATE TABLE IF NOT EXISTS " + t.name + " (" + strings.Join(definitions, ", ") + ")"
	if _, err := tx.ExecContext(ctx, create); err != nil {
		return err
	}
	present, err := t.present(ctx, tx)
	if err != nil {
		return err
	}
	for i, c := range t.columns {
		switch got, ok := present[c.name]; {
		case !ok:
			if _, err := tx.ExecContext(ctx, "ALTER TABLE "+t.name+" ADD COLUMN "+definitions[i]); err != nil {
				return err
			}
		case got != c.sqlType:
			return fmt.Errorf("%w: column %s of table %s has type %s, this build needs %s: use another directory",
				errNewer, c.quoted(), t.name, got, c.sqlType)
		}
	}
	_, err = tx.ExecContext(ctx, "CREATE OR REPLACE VIEW "+t.view+" AS SELECT "+t.viewColumns()+" FROM "+t.name)
	return err
}

// present lists the columns of the table in the file with their types.
func (t *table[T]) present(ctx context.Context, tx *sql.Tx) (map[string]string, error) {
	rows, err := tx.QueryContext(ctx,
		"SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ? AND schema_name = 'main'", t.name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	present := make(map[string]string)
	for rows.Next() {
		var name, dataType string
		if err := rows.Scan(&name, &dataType); err != nil {
			return nil, err
		}
		present[name] = dataType
	}
	return present, rows.Err()
}

func (t *table[T]) viewColumns() string {
	var names []string
	for i := range t.registry.Fields() {
		f := &t.registry.Fields()[i]
		if f.Name == idName {
			names = append(names, idText+" AS "+quoteName(idName))
			continue
		}
		names = append(names, quoteName(f.Name))
	}
	return strings.Join(names, ", ")
}
