package duckdb

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/filter"
)

// Histogram implements flowstore.Reader.
func (s *Store) Histogram(ctx context.Context, q flowstore.HistogramQuery) ([]flowstore.Bucket, error) {
	buckets, err := q.Buckets()
	if err != nil || len(buckets) == 0 {
		return nil, err
	}
	first := buckets[0].Start
	err = s.query(ctx, func(ctx context.Context, db *sql.DB) error {
		var stmt statement
		stmt.add(`SELECT (epoch_ns("flow.end") - ?::BIGINT) // ?::BIGINT AS bucket, coalesce(`+deniedIf+`, false) AS denied, count(*), `+
			narrow(`CASE WHEN denied THEN sum("flow.connections.seen") ELSE sum("flow.connections.started") END`)+", "+
			narrow("sum("+bytesOf+")")+" FROM "+flowTable.name, first, q.Step)
		stmt.where(&q.Selection)
		stmt.add(" GROUP BY bucket, denied")
		if err := stmt.each(ctx, db, func(row []sqldriver.Value) error {
			i, _ := row[0].(int64)
			to := &buckets[i].Allowed
			if denied, _ := row[1].(bool); denied {
				to = &buckets[i].Denied
			}
			*to = flowstore.BucketSum{Records: count(row[2]), Connections: count(row[3]), Bytes: count(row[4])}
			return nil
		}); err != nil {
			return err
		}
		var lost statement
		lost.add(`SELECT (epoch_ns("flow.end") - ?::BIGINT) // ?::BIGINT AS bucket, `+narrow(`sum("flow.loss.count")`)+" FROM "+lossTable.name+" WHERE ", first, q.Step)
		lost.between(`"flow.end"`, q.Range)
		lost.add(" GROUP BY bucket")
		return lost.each(ctx, db, func(row []sqldriver.Value) error {
			i, _ := row[0].(int64)
			buckets[i].Lost = count(row[1])
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return buckets, nil
}

// Values implements flowstore.Reader.
func (s *Store) Values(ctx context.Context, q flowstore.ValuesQuery) ([]flowstore.ValueCount, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	var values []flowstore.ValueCount
	err := s.query(ctx, func(ctx context.Context, db *sql.DB) error {
		kind := q.Field.Type
		each, text := comparable(q.Field), printed(q.Field)
		if kind == flow.Keywords || kind == flow.Map {
			kind = flow.Keyword
			each = "unnest(" + items(q.Field) + ")"
			text = each
		}
		var stmt statement
		stmt.add("SELECT v, count(*) AS records FROM (SELECT " + each + " AS v, " + text + " AS printed FROM " + flowTable.name)
		stmt.where(&q.Selection)
		stmt.add(" AND " + present(q.Field) + ")")
		if q.Prefix != "" {
			stmt.add(" WHERE starts_with("+lowerASCII("printed")+", ?::VARCHAR)", filter.LowerASCII(validText(q.Prefix)))
		}
		stmt.add(" GROUP BY v ORDER BY records DESC, v LIMIT ?::BIGINT", q.Limit)
		return stmt.each(ctx, db, func(row []sqldriver.Value) error {
			v, err := value(kind, row[0])
			values = append(values, flowstore.ValueCount{Value: v, Records: count(row[1])})
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return values, nil
}
