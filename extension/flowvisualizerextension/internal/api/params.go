package api

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/filter"
)

const (
	// defaultRange is how far back a request without from looks.
	defaultRange = 15 * time.Minute
	// maxGroupFields bounds the length of a group's key.
	maxGroupFields = 24
)

// params reads the parameters of one request. now is taken once, so that every
// default of the request rests on the same instant.
type params struct {
	values url.Values
	now    time.Time
}

func (h *Handler) params(r *http.Request) (params, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return params{}, badParameter("", "the request's parameters cannot be read (%v): percent-encode them", err)
	}
	return params{values: values, now: h.now()}, nil
}

func (p params) text(name string) string { return p.values.Get(name) }

// timeRange reads from and to.
func (p params) timeRange() (flowstore.Range, error) {
	to, err := p.instant("to", p.now.UnixNano())
	if err != nil {
		return flowstore.Range{}, err
	}
	from, err := p.instant("from", max(to-int64(defaultRange), 0))
	if err != nil {
		return flowstore.Range{}, err
	}
	if from >= to {
		return flowstore.Range{}, badParameter("from", "from (%s) is not before to (%s): swap them", printTime(from), printTime(to))
	}
	return flowstore.Range{From: from, To: to}, nil
}

func printTime(ns int64) string { return string(timestamp(ns).append(nil)) }

// latest keeps every instant, and every bucket around it, within nanoseconds in
// an int64.
var latest = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)

// instant reads a time as RFC 3339 or Unix milliseconds.
func (p params) instant(name string, missing int64) (int64, error) {
	s := p.text(name)
	if s == "" {
		return missing, nil
	}
	var at time.Time
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil {
		at = time.UnixMilli(ms)
	} else if at, err = time.Parse(time.RFC3339Nano, s); err != nil {
		return 0, badParameter(name, "%s=%q is not a time: write it like 2006-01-02T15:04:05Z, or as milliseconds since 1970", name, s)
	}
	if at.Unix() < 0 || at.After(latest) {
		return 0, badParameter(name, "%s=%q is not between 1970 and %d", name, s, latest.Year())
	}
	return at.UnixNano(), nil
}

// selection reads what every query has in common.
func (p params) selection() (flowstore.Selection, error) {
	r, err := p.timeRange()
	if err != nil {
		return flowstore.Selection{}, err
	}
	return p.selectionIn(r)
}

func (p params) selectionIn(r flowstore.Range) (flowstore.Selection, error) {
	view, err := flowstore.ParseView(p.text("reporter"))
	if err != nil {
		return flowstore.Selection{}, badParameter("reporter", "%v", err)
	}
	expr, err := filter.Parse(p.text("q"))
	if err != nil {
		return flowstore.Selection{}, err
	}
	return flowstore.Selection{Range: r, Filter: expr, View: view}, nil
}

// number reads an integer from 1 to most.
func (p params) number(name string, missing, most int) (int, error) {
	s := p.text(name)
	if s == "" {
		return missing, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > most {
		return 0, badParameter(name, "%s=%q is not a whole number from 1 to %d", name, s, most)
	}
	return n, nil
}

// dimension finds a field that records can be grouped by.
func dimension(parameter, name string) (*flow.Field[flow.Flow], error) {
	field := flow.Flows.Lookup(name)
	switch {
	case field == nil:
		return nil, badParameter(parameter, "there is no field %q: /api/v1/fields lists them", name)
	case !groupable(field):
		return nil, badParameter(parameter, "field %s is a %s: use one that /api/v1/fields calls groupable", name, field.Role)
	default:
		return field, nil
	}
}

func groupable(f *flow.Field[flow.Flow]) bool { return f.Role == flow.Dimension }

// dimensions reads the fields to group by; none is one group of everything.
func (p params) dimensions(name string) ([]*flow.Field[flow.Flow], error) {
	s := p.text(name)
	if s == "" {
		return nil, nil
	}
	names := strings.Split(s, ",")
	if len(names) > maxGroupFields {
		return nil, badParameter(name, "%s names %d fields: group by at most %d", name, len(names), maxGroupFields)
	}
	fields := make([]*flow.Field[flow.Flow], len(names))
	for i := range names {
		var err error
		if fields[i], err = dimension(name, strings.TrimSpace(names[i])); err != nil {
			return nil, err
		}
		for _, before := range fields[:i] {
			if before == fields[i] {
				return nil, badParameter(name, "%s names %s twice: name each field once", name, before.Name)
			}
		}
	}
	return fields, nil
}

// sort reads what groups are ordered by.
func (p params) sort(name string) (flowstore.Sort, error) {
	switch s := p.text(name); s {
	case "", "bytes":
		return flowstore.Sort{Measure: flowstore.MeasureBytes}, nil
	case "packets":
		return flowstore.Sort{Measure: flowstore.MeasurePackets}, nil
	case "connections":
		return flowstore.Sort{Measure: flowstore.MeasureConnections}, nil
	case "denied":
		return flowstore.Sort{Measure: flowstore.MeasureDenied}, nil
	default:
		if field := flow.Flows.Lookup(s); field != nil && field.Role == flow.Counter {
			return flowstore.Sort{Measure: flowstore.MeasureCounter, Counter: field}, nil
		}
		return flowstore.Sort{}, badParameter(name, "cannot sort by %q: use bytes, connections, packets, denied or the name of a counter", s)
	}
}
