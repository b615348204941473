package duckdb

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"math"
	"strconv"
	"strings"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

// gaugeSums says how (*flow.Flow).Merge joins the gauges that a group has.
var gaugeSums = map[string]string{
	"flow.start":             "min",
	"flow.end":               "max",
	"flow.tcp.rtt.min":       "min",
	"flow.tcp.rtt.max":       "max",
	"flow.tcp.min_rtt.max":   "max",
	"flow.tcp.handshake.max": "max",
	"flow.tcp.cwnd.min":      "min",
	"flow.tcp.mss.min":       "min",
	"flow.dns.latency.max":   "max",
}

// sum is a field that groups add up and the SQL to do it.
type sum struct {
	field *flow.Field[flow.Flow]
	// inner joins the records of a group, outer the groups to their total.
	inner, outer string
}

var sums = groupSums()

func groupSums() []sum {
	var list []sum
	for i := range flow.Flows.Fields() {
		f := &flow.Flows.Fields()[i]
		at := "s" + strconv.Itoa(len(list))
		function := gaugeSums[f.Name]
		switch {
		case function != "":
			list = append(list, sum{f, function + "(" + comparable(f) + ")", function + "(" + at + ")"})
		case f.Role == flow.Counter:
			list = append(list, sum{f, "sum(" + quoteName(f.Name) + ")", "sum(" + at + ")"})
		}
	}
	return list
}

const (
	bytesOf  = `coalesce("source.bytes", 0) + coalesce("destination.bytes", 0)`
	deniedIf = `"flow.action" = 'deny'`
)

// order is the SQL for what groups are sorted by.
func order(s flowstore.Sort) string {
	switch s.Measure {
	case flowstore.MeasurePackets:
		return `sum(coalesce("source.packets", 0) + coalesce("destination.packets", 0))`
	case flowstore.MeasureConnections:
		return `sum("flow.connections.started")`
	case flowstore.MeasureDenied:
		return `sum("flow.connections.seen") FILTER (` + deniedIf + `)`
	case flowstore.MeasureCounter:
		return "sum(" + quoteName(s.Counter.Name) + ")"
	default:
		return "sum(" + bytesOf + ")"
	}
}

// Groups implements flowstore.Reader. One pass over the records makes the groups,
// from which both the largest and the total are taken.
func (s *Store) Groups(ctx context.Context, q flowstore.GroupsQuery) (flowstore.Groups, error) {
	var answer flowstore.Groups
	stmt, err := groupsStatement(&q)
	if err != nil {
		return answer, err
	}
	err = s.query(ctx, func(ctx context.Context, db *sql.DB) error {
		return stmt.each(ctx, db, func(row []sqldriver.Value) error {
			group, err := scanGroup(row[2:], q.By)
			if err != nil {
				return err
			}
			if total, _ := row[0].(bool); total {
				n, _ := row[1].(int64)
				group.Key = nil
				answer.Count, answer.Total = int(n), group
			} else {
				answer.Groups = append(answer.Groups, group)
			}
			return nil
		})
	})
	if err != nil {
		return flowstore.Groups{}, err
	}
	return answer, nil
}

func groupsStatement(q *flowstore.GroupsQuery) (*statement, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	stmt := &statement{}
	var keys, noKeys, keyOrder []string
	stmt.add("WITH groups AS MATERIALIZED (SELECT ")
	for i, f := range q.By {
		key := "k" + strconv.Itoa(i)
		stmt.add(comparable(f) + " AS " + key + ", ")
		keys, noKeys, keyOrder = append(keys, key), append(noKeys, "NULL"), append(keyOrder, key+" ASC NULLS FIRST")
	}
	inner := []string{order(q.Sort) + " AS measure", "count(*) AS records", `sum("flow.connections.seen") FILTER (` + deniedIf + `) AS denied`}
	list := []string{"records", "denied"}
	outer := []string{"sum(records)", "sum(denied)"}
	for i, s := range sums {
		name := "s" + strconv.Itoa(i)
		inner, outer, list = append(inner, s.inner+" AS "+name), append(outer, s.outer), append(list, name)
	}
	stmt.add(strings.Join(inner, ", ") + " FROM " + flowTable.name)
	stmt.where(&q.Selection)
	if len(keys) > 0 {
		stmt.add(" GROUP BY " + strings.Join(keys, ", "))
	}
	stmt.add(") SELECT true, count(*), " + casts(outer) + columns(noKeys) + " FROM groups UNION ALL (SELECT false, 0, " + casts(list) + columns(keys) +
		" FROM groups ORDER BY " + strings.Join(append([]string{"coalesce(measure, 0) DESC"}, keyOrder...), ", ") + " LIMIT ?::BIGINT)")
	stmt.args = append(stmt.args, q.Limit)
	return stmt, nil
}

// casts brings sums, which DuckDB makes 128 bits wide, back to what fields hold.
func casts(list []string) string {
	out := make([]string, len(list))
	for i, expr := range list {
		out[i] = narrow(expr)
	}
	return strings.Join(out, ", ")
}

// narrow makes a BIGINT of a sum and clamps it as the registry clamps its counters.
func narrow(expr string) string {
	most := strconv.Itoa(math.MaxInt64)
	return "if(" + expr + " > " + most + ", " + most + ", " + expr + ")::BIGINT"
}

func columns(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return ", " + strings.Join(list, ", ")
}

func scanGroup(row []sqldriver.Value, by []*flow.Field[flow.Flow]) (flowstore.Group, error) {
	group := flowstore.Group{Key: make([]flow.Value, len(by))}
	group.Records = count(row[0])
	group.Denied = count(row[1])
	for i, s := range sums {
		if err := setCell(s.field, &group.Sum, row[2+i]); err != nil {
			return group, err
		}
	}
	for i, f := range by {
		var err error
		if group.Key[i], err = value(f.Type, row[2+len(sums)+i]); err != nil {
			return group, err
		}
	}
	return group, nil
}

func count(cell sqldriver.Value) uint64 {
	n, _ := cell.(int64)
	return uint64(n)
}
