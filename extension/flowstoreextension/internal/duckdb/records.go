package duckdb

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

// Flows implements flowstore.Reader.
func (s *Store) Flows(ctx context.Context, q flowstore.FlowsQuery) (flowstore.FlowsPage, error) {
	var page flowstore.FlowsPage
	if err := q.Check(); err != nil {
		return page, err
	}
	var after flowstore.Place
	if !q.After.IsZero() {
		var err error
		if after, err = q.After.Place(); err != nil {
			return page, err
		}
	}
	err := s.query(ctx, func(ctx context.Context, db *sql.DB) error {
		var stmt statement
		flowTable.selectRecords(&stmt)
		stmt.where(&q.Selection)
		if !q.After.IsZero() {
			stmt.add(` AND "flow.end" <= make_timestamp_ns(?::BIGINT)`, storedTime(after.End))
			stmt.add(` AND ("flow.end" < make_timestamp_ns(?::BIGINT)`, storedTime(after.End))
			stmt.add(` OR ("flow.id.node", "flow.id.epoch", "flow.id.counter") > (?::UINTEGER, ?::UINTEGER, ?::UBIGINT))`,
				after.ID.Node, after.ID.Epoch, after.ID.Counter)
		}
		// One more than asked for tells whether anything follows.
		stmt.add(` ORDER BY "flow.end" DESC, "flow.id.node", "flow.id.epoch", "flow.id.counter" LIMIT ?::BIGINT`, q.Limit+1)
		return stmt.each(ctx, db, func(row []sqldriver.Value) error {
			if len(page.Flows) == q.Limit {
				last := &page.Flows[q.Limit-1]
				page.Next = flowstore.Place{End: last.End, ID: last.ID}.Cursor()
				return nil
			}
			page.Flows = append(page.Flows, flow.Flow{})
			return flowTable.scan(row, &page.Flows[len(page.Flows)-1])
		})
	})
	if err != nil {
		return flowstore.FlowsPage{}, err
	}
	return page, nil
}

// Losses implements flowstore.Reader.
func (s *Store) Losses(ctx context.Context, r flowstore.Range) ([]flow.Loss, error) {
	var losses []flow.Loss
	err := s.query(ctx, func(ctx context.Context, db *sql.DB) error {
		var stmt statement
		lossTable.selectRecords(&stmt)
		stmt.add(` WHERE "flow.end" >= make_timestamp_ns(?::BIGINT) AND "flow.start" < make_timestamp_ns(?::BIGINT)`,
			storedTime(r.From), storedTime(r.To))
		stmt.add(` ORDER BY "flow.end" DESC, "flow.id.node", "flow.id.epoch", "flow.id.counter"`)
		return stmt.each(ctx, db, func(row []sqldriver.Value) error {
			losses = append(losses, flow.Loss{})
			return lossTable.scan(row, &losses[len(losses)-1])
		})
	})
	if err != nil {
		return nil, err
	}
	return losses, nil
}

// agentsPerObserver is how many signs of life Agents returns for each.
const agentsPerObserver = 2

// Agents implements flowstore.Reader.
func (s *Store) Agents(ctx context.Context, since int64) ([][]flow.Agent, error) {
	var agents [][]flow.Agent
	err := s.query(ctx, func(ctx context.Context, db *sql.DB) error {
		var stmt statement
		const observer = `"host.name", "k8s.node.name", "k8s.cluster.name"`
		agentTable.selectRecords(&stmt)
		stmt.add(` WHERE "flow.agent.time" >= make_timestamp_ns(?::BIGINT)`, storedTime(since))
		stmt.add(` QUALIFY row_number() OVER (PARTITION BY ` + observer +
			` ORDER BY "flow.agent.time" DESC, "flow.id.node" DESC, "flow.id.epoch" DESC, "flow.id.counter" DESC) <= ?::BIGINT`)
		stmt.add(` ORDER BY "host.name" NULLS FIRST, "k8s.node.name" NULLS FIRST, "k8s.cluster.name" NULLS FIRST,`+
			` "flow.agent.time" DESC, "flow.id.node" DESC, "flow.id.epoch" DESC, "flow.id.counter" DESC`, agentsPerObserver)
		return stmt.each(ctx, db, func(row []sqldriver.Value) error {
			var agent flow.Agent
			if err := agentTable.scan(row, &agent); err != nil {
				return err
			}
			if n := len(agents); n > 0 && agents[n-1][0].Observer == agent.Observer {
				agents[n-1] = append(agents[n-1], agent)
			} else {
				agents = append(agents, []flow.Agent{agent})
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return agents, nil
}
