package duckdb

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/netip"

	driver "github.com/duckdb/duckdb-go/v2"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// each runs the statement and calls row with every row of the answer. It reads
// through the driver, where database/sql would convert each of fifty columns
// by reflection.
func (s *statement) each(ctx context.Context, db *sql.DB, row func([]sqldriver.Value) error) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return s.eachOn(ctx, conn, row)
}

func (s *statement) eachOn(ctx context.Context, conn *sql.Conn, row func([]sqldriver.Value) error) error {
	return conn.Raw(func(raw any) error {
		args := make([]sqldriver.NamedValue, len(s.args))
		for i, arg := range s.args {
			args[i] = sqldriver.NamedValue{Ordinal: i + 1, Value: arg}
		}
		rows, err := raw.(*driver.Conn).QueryContext(ctx, s.text.String(), args)
		if err != nil {
			return err
		}
		values := make([]sqldriver.Value, len(rows.Columns()))
		for n := 0; err == nil; n++ {
			if n%1024 == 0 && ctx.Err() != nil {
				err = ctx.Err()
			} else if err = rows.Next(values); err == nil {
				err = row(values)
			}
		}
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return errors.Join(err, rows.Close())
	})
}

// selectRecords adds the columns that scan reads.
func (t *table[T]) selectRecords(s *statement) {
	s.add(`SELECT "flow.id.node", "flow.id.epoch", "flow.id.counter"`)
	for i := range t.registry.Fields() {
		f := &t.registry.Fields()[i]
		switch {
		case f.Name == idName:
		case f.Type == flow.Time:
			s.add(", epoch_ns(" + quoteName(f.Name) + ")")
		default:
			s.add(", " + quoteName(f.Name))
		}
	}
	s.add(" FROM " + t.name)
}

// scan reads a row of selectRecords into record.
func (t *table[T]) scan(row []sqldriver.Value, record *T) error {
	id := t.id(record)
	id.Node, _ = row[0].(uint32)
	id.Epoch, _ = row[1].(uint32)
	id.Counter, _ = row[2].(uint64)
	at := len(idColumns)
	for i := range t.registry.Fields() {
		f := &t.registry.Fields()[i]
		if f.Name == idName {
			continue
		}
		if err := setCell(f, record, row[at]); err != nil {
			return err
		}
		at++
	}
	return nil
}

func setCell[T any](f *flow.Field[T], record *T, cell sqldriver.Value) error {
	v, err := value(f.Type, cell)
	if err != nil {
		return fmt.Errorf("column %s: %w", quoteName(f.Name), err)
	}
	if !v.Present() {
		return nil
	}
	return f.Set(record, v)
}

// value is the inverse of cell; a time is an integer here, an address text or,
// where it was grouped by, its key.
func value(want flow.Type, cell sqldriver.Value) (flow.Value, error) {
	v := flow.Value{Type: want}
	switch c := cell.(type) {
	case nil:
		return flow.Value{}, nil
	case string:
		if want == flow.Address {
			addr, err := netip.ParseAddr(c)
			v.Addr = addr
			return v, err
		}
		v.Str = c
	case []byte:
		addr, err := parseAddressKey(c)
		v.Addr = addr
		return v, err
	case int64:
		v.Int = c
	case bool:
		if c {
			v.Int = 1
		}
	case []any:
		for _, item := range c {
			text, _ := item.(string)
			v.List = append(v.List, text)
		}
	case driver.OrderedMap:
		var list []flow.Label
		values := c.Values()
		for i, key := range c.Keys() {
			key, _ := key.(string)
			value, _ := values[i].(string)
			list = append(list, flow.Label{Key: key, Value: value})
		}
		v.Map = flow.LabelsOf(list...)
	default:
		return flow.Value{}, fmt.Errorf("holds a %T", cell)
	}
	return v, nil
}
