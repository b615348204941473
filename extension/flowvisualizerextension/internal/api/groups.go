package api

import (
	"context"
	"strconv"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

const (
	defaultGroups = 500
	maxGroups     = 10_000
)

// groups adds records up by the values of some fields.
func (h *Handler) groups(ctx context.Context, p params) ([]byte, error) {
	q, err := p.groupsQuery()
	if err != nil {
		return nil, err
	}
	answer, err := h.store.Groups(ctx, q)
	if err != nil {
		return nil, err
	}
	buf := make([]byte, 0, 1024+len(answer.Groups)*768)
	buf = append(buf, `{"by":[`...)
	for i, f := range q.By {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = appendString(buf, f.Name)
	}
	buf = append(buf, `],"groups":[`...)
	for i := range answer.Groups {
		if i > 0 {
			buf = append(buf, ',')
		}
		g := &answer.Groups[i]
		buf = append(buf, `{"key":`...)
		buf = appendKey(buf, q.By, g.Key)
		buf = append(buf, ',')
		buf = appendSums(buf, g)
		buf = append(buf, '}')
	}
	buf = append(buf, `],"total":{`...)
	buf = appendSums(buf, &answer.Total)
	buf = append(buf, `},"groupCount":`...)
	buf = strconv.AppendInt(buf, int64(answer.Count), 10)
	buf = append(buf, `,"truncated":`...)
	buf = strconv.AppendBool(buf, answer.Count > len(answer.Groups))
	return append(buf, '}'), nil
}

func (p params) groupsQuery() (q flowstore.GroupsQuery, err error) {
	if q.Selection, err = p.selection(); err != nil {
		return q, err
	}
	if q.By, err = p.dimensions("by"); err != nil {
		return q, err
	}
	if q.Sort, err = p.sort("sort"); err != nil {
		return q, err
	}
	q.Limit, err = p.number("limit", defaultGroups, maxGroups)
	return q, err
}

// appendSums appends a group's members but for its key. Every counter of the
// registry is there, also when it is zero.
func appendSums(buf []byte, g *flowstore.Group) []byte {
	buf = append(buf, `"records":`...)
	buf = strconv.AppendUint(buf, g.Records, 10)
	buf = append(buf, `,"sums":{`...)
	first := true
	fields := flow.Flows.Fields()
	for i := range fields {
		f := &fields[i]
		if f.Role != flow.Counter {
			continue
		}
		v := f.Get(&g.Sum)
		v.Type = flow.Integer // a counter that is absent when zero is zero
		buf = appendMember(buf, &first, f.Name, v)
	}
	buf = append(buf, `},"denied":`...)
	buf = strconv.AppendUint(buf, g.Denied, 10)
	buf = appendKnown(buf, "rttMean", g.Sum.TCP.RTTMean())
	buf = appendKnown(buf, "rttMin", g.Sum.TCP.RTTMin)
	buf = appendKnown(buf, "rttMax", g.Sum.TCP.RTTMax)
	if g.Records > 0 {
		buf = append(buf, `,"first":"`...)
		buf = timestamp(g.Sum.Start).append(buf)
		buf = append(buf, `","last":"`...)
		buf = timestamp(g.Sum.End).append(buf)
		buf = append(buf, '"')
	}
	return buf
}

func appendKnown(buf []byte, name string, n uint32) []byte {
	if n == 0 {
		return buf
	}
	buf = append(buf, ',', '"')
	buf = append(buf, name...)
	buf = append(buf, '"', ':')
	return strconv.AppendUint(buf, uint64(n), 10)
}
