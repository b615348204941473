package duckdb

import (
	sqldriver "database/sql/driver"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	driver "github.com/duckdb/duckdb-go/v2"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow/idset"
)

// appender writes records of one kind into their table.
type appender[T any] struct {
	table *table[T]
	rows  *driver.Appender
	row   []sqldriver.Value // reused
}

// appenders opens the appenders that are not open.
func (w *writer) appenders() error {
	return w.conn.Raw(func(conn any) (err error) {
		c := conn.(*driver.Conn)
		if w.flows == nil {
			if w.flows, err = openAppender(c, flowTable); err != nil {
				return err
			}
		}
		if w.losses == nil {
			if w.losses, err = openAppender(c, lossTable); err != nil {
				return err
			}
		}
		if w.agents == nil {
			if w.agents, err = openAppender(c, agentTable); err != nil {
				return err
			}
		}
		return nil
	})
}

func openAppender[T any](conn *driver.Conn, t *table[T]) (*appender[T], error) {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	// By name, because columns that were added later come last in the file.
	rows, err := driver.NewAppenderWithColumns(conn, "", "", t.name, names)
	if err != nil {
		return nil, err
	}
	return &appender[T]{table: t, rows: rows, row: make([]sqldriver.Value, len(t.columns))}, nil
}

func (w *writer) flushAppenders() error {
	return errors.Join(w.flows.rows.Flush(), w.losses.rows.Flush(), w.agents.rows.Flush())
}

// discardAppenders drops the appenders with what they hold: after an error none
// of it may reach the next transaction.
func (w *writer) discardAppenders() {
	discard(w.flows)
	discard(w.losses)
	discard(w.agents)
	w.flows, w.losses, w.agents = nil, nil, nil
}

func discard[T any](a *appender[T]) {
	if a != nil {
		_ = a.rows.Clear()
		_ = a.rows.Close()
	}
}

// appending is the state of one batch on its way into the appenders.
type appending struct {
	w       *writer
	fresh   *idset.Set
	own     *flow.ID // the next ID that the store gives
	written *Write
}

// appendAll appends the records that are not stored yet, counts them in n and
// passes each, with its ID, to added.
func appendAll[T any](a *appending, to *appender[T], records []T, n *int, added func(*T)) error {
	for i := range records {
		record := &records[i]
		at := to.table.at(record)
		id := *to.table.id(record)
		switch {
		case id.IsZero():
			own := *record
			*to.table.id(&own) = *a.own
			record, id = &own, *a.own
			a.own.Counter++
			a.fresh.Add(id, at)
		case a.w.ids.Has(id) || !a.fresh.Add(id, at):
			a.written.Duplicates++
			continue
		}
		to.fill(record, id)
		if err := to.rows.AppendRow(to.row...); err != nil {
			return err
		}
		*n++
		added(record)
	}
	return nil
}

// fill puts record into the row.
func (a *appender[T]) fill(record *T, id flow.ID) {
	a.row[0], a.row[1], a.row[2] = id.Node, id.Epoch, id.Counter
	at := len(idColumns)
	fields := a.table.registry.Fields()
	for i := range fields {
		f := &fields[i]
		if f.Name == idName {
			continue
		}
		v := f.Get(record)
		a.row[at] = cell(v)
		at++
		if key := a.table.keys[i]; key != nil {
			if a.row[at] = nil; v.Present() {
				a.row[at] = key(v)
			}
			at++
		}
	}
}

// keyCell is the key of an address, keysCell the keys of the addresses in a list.
func keyCell(v flow.Value) sqldriver.Value { return addressKey(v.Addr) }

func keysCell(v flow.Value) sqldriver.Value {
	keys := make([][]byte, 0, len(v.List))
	for _, s := range v.List {
		if listed, ok := flow.ParseValue(flow.Address, s); ok {
			keys = append(keys, addressKey(listed.Addr))
		}
	}
	return keys
}

// cell is a value as the appender takes it.
func cell(v flow.Value) sqldriver.Value {
	switch v.Type {
	case flow.Keyword:
		return validText(v.Str)
	case flow.Address:
		return validText(v.Addr.String())
	case flow.Integer:
		return v.Int
	case flow.Boolean:
		return v.Int != 0
	case flow.Time:
		return time.Unix(0, storedTime(v.Int)).UTC()
	case flow.Keywords:
		list := make([]string, len(v.List))
		for i, s := range v.List {
			list[i] = validText(s)
		}
		return list
	case flow.Map:
		return mapCell(v.Map)
	default:
		return nil
	}
}

// mapCell keeps the order of the labels: DuckDB takes maps for equal only when it is
// the same. Labels are UTF-8 already.
func mapCell(labels flow.Labels) driver.OrderedMap {
	var m driver.OrderedMap
	for key, value := range labels.All() {
		m.Set(key, value)
	}
	return m
}

// validText is s with U+FFFD in place of what is not UTF-8, which DuckDB refuses.
func validText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
