package reader

import (
	"context"
	"slices"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

// maxExamined is how many documents one question may look at of which Elasticsearch cannot
// tell whether they were asked for. Some take a tenth of a millisecond each.
const maxExamined = 50_000

// pageHits is how many documents of a page one answer holds: some megabytes, and a page of an
// export as a whole, as each search looks at all that was asked for.
const pageHits = 2001

// Flows implements flowstore.Reader. A page is short where so many documents had to be
// looked at.
func (r *Reader) Flows(ctx context.Context, q flowstore.FlowsQuery) (flowstore.FlowsPage, error) {
	var page flowstore.FlowsPage
	if err := q.Check(); err != nil {
		return page, err
	}
	at, err := parsePlace(q.After)
	if err != nil {
		return page, err
	}
	selected := r.compile(&q.Selection)
	for examined := 0; ; {
		size := maxHits
		if selected.inexact == "" {
			// One more than asked for tells whether anything follows.
			size = min(pageHits, q.Limit-len(page.Flows)+1+len(at.IDs))
		}
		found, err := r.search(ctx, r.flows, at.body(r.path("flow.end"), selected.query, size))
		if err != nil {
			return flowstore.FlowsPage{}, err
		}
		page.Flows = slices.Grow(page.Flows, min(len(found.Hits.Hits), q.Limit-len(page.Flows)))
		for i := range found.Hits.Hits {
			h := &found.Hits.Hits[i]
			here, err := placeOf(h)
			if err != nil {
				return flowstore.FlowsPage{}, err
			}
			if at.passed(here) {
				continue
			}
			if len(page.Flows) == q.Limit || examined == maxExamined {
				page.Next = at.cursor()
				return page, nil
			}
			at.move(here)
			examined++
			page.Flows = append(page.Flows, flow.Flow{})
			f := &page.Flows[len(page.Flows)-1]
			decode(r, r.flowDecoder, h, f)
			if selected.inexact != "" && !q.Includes(f) {
				page.Flows = page.Flows[:len(page.Flows)-1]
			}
		}
		if len(found.Hits.Hits) < size {
			return page, nil
		}
		if selected.inexact == "" {
			examined = 0 // nothing is looked at in vain
		}
	}
}
