//go:build linux

package capture

import (
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// table holds the open records of one interval.
type table struct {
	keep  flow.KeepSourcePort
	index map[flow.Key]int
	flows []flow.Flow
	// expect is how many records there were before: most intervals are alike, and
	// growing to their size would copy every record twice.
	expect int
}

func newTable(keep flow.KeepSourcePort) *table {
	return &table{keep: keep, index: make(map[flow.Key]int)}
}

// add merges f into the record with its key, or begins one.
func (t *table) add(f *flow.Flow) {
	key := f.Key(t.keep)
	if i, ok := t.index[key]; ok {
		t.flows[i].Merge(f)
		return
	}
	if t.flows == nil {
		t.flows = make([]flow.Flow, 0, t.expect)
	}
	t.index[key] = len(t.flows)
	t.flows = append(t.flows, *f)
}

// holds reports whether there is a record with f's key.
func (t *table) holds(f *flow.Flow) bool {
	_, ok := t.index[f.Key(t.keep)]
	return ok
}

func (t *table) len() int { return len(t.flows) }

// take returns the records, which the caller owns from then on, and empties t.
func (t *table) take() []flow.Flow {
	flows := t.flows
	clear(t.index)
	t.flows, t.expect = nil, len(flows)
	return flows
}
