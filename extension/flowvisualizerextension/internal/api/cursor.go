package api

import "github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"

// cursor reads a place in the order of records, which only the store understands.
func (p params) cursor(name string) (flowstore.Cursor, error) {
	s := p.text(name)
	if len(s) > flowstore.MaxCursor {
		return "", badCursor(name)
	}
	return flowstore.Cursor(s), nil
}

func badCursor(name string) *requestError {
	return badParameter(name, "this is no cursor: use next of the page before, or leave it out to start at the newest")
}
