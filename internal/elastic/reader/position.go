package reader

import (
	"math"
	"slices"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

// reordered is how many sequence numbers back a document may still appear: a shard numbers
// documents before it has them, and writes several at a time.
const reordered = 1000

// position is how far a watch has come in one shard: it has all documents up to floor, and
// those of recent above.
type position struct {
	floor, last int64
	recent      map[int64]bool
}

// news finds what the positions do not have, among it all of an index that has just begun.
func (w *watch) news(positions map[string]*position) object {
	known := make([]string, 0, len(positions))
	var clauses []object
	for index, p := range positions {
		known = append(known, index)
		if p == nil {
			continue
		}
		after := []object{term("_index", index), {"range": object{"_seq_no": object{"gt": p.floor}}}}
		if len(p.recent) > 0 {
			recent := make([]int64, 0, len(p.recent))
			for n := range p.recent {
				recent = append(recent, n)
			}
			after = append(after, not(terms("_seq_no", recent)))
		}
		clauses = append(clauses, and(after...))
	}
	return or(append(clauses, not(terms("_index", known)))...)
}

// take reads the documents of an answer and moves the positions.
func (w *watch) take(found *answer, positions map[string]*position, event *flowstore.Event) error {
	indices, err := lasts(found)
	if err != nil {
		return err
	}
	for index, last := range indices {
		p := positions[index]
		if p == nil {
			p = &position{floor: -1, recent: make(map[int64]bool)}
			positions[index] = p
		}
		p.last = max(p.last, last)
	}
	hits := found.Hits.Hits
	slices.Reverse(hits) // the oldest first
	for i := range hits {
		w.reader.add(event.Batch, &hits[i])
		if p := positions[hits[i].Index]; p != nil {
			p.recent[hits[i].SeqNo] = true
		}
	}
	missed := int(min(found.Hits.Total.Value, math.MaxInt32)) - len(hits)
	event.Missed += max(missed, 0)
	for index := range indices {
		p := positions[index]
		p.floor = max(p.floor, p.last-reordered)
		if missed > 0 {
			p.floor = p.last // or they would be counted again
		}
		for n := range p.recent {
			if n <= p.floor {
				delete(p.recent, n)
			}
		}
	}
	return nil
}
