package duckdb

import (
	"slices"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// run is a range of counters, both ends included.
type run struct{ first, last uint64 }

// origin is what the IDs of one agent's one life share.
type origin struct{ node, epoch uint32 }

// history is the runs of one origin, sorted and apart from each other.
type history struct {
	runs []run
	// newest is the latest time of a record with one of these IDs.
	newest int64
}

// idSet is a set of record IDs. Agents count their records up from 1, so that a
// set of any size is a few runs; IDs at random cost 16 bytes each.
type idSet struct {
	origins map[origin]*history
	size    int // runs
}

func newIDSet() *idSet { return &idSet{origins: make(map[origin]*history)} }

func (s *idSet) has(id flow.ID) bool {
	h := s.origins[origin{id.Node, id.Epoch}]
	if h == nil {
		return false
	}
	i, found := h.find(id.Counter)
	return found || (i < len(h.runs) && h.runs[i].first <= id.Counter)
}

// find returns the first run that ends at or after counter.
func (h *history) find(counter uint64) (int, bool) {
	if n := len(h.runs); n > 0 && h.runs[n-1].last < counter {
		return n, false // the usual case: a new record
	}
	return slices.BinarySearchFunc(h.runs, counter, func(r run, c uint64) int {
		switch {
		case r.last < c:
			return -1
		case r.last > c:
			return 1
		default:
			return 0
		}
	})
}

// add puts id into the set and reports whether it is new.
func (s *idSet) add(id flow.ID, at int64) bool {
	if s.has(id) {
		return false
	}
	s.addRun(origin{id.Node, id.Epoch}, run{id.Counter, id.Counter}, at)
	return true
}

// addRun puts a run into the set; it may overlap with what is there.
func (s *idSet) addRun(o origin, r run, at int64) {
	h := s.origins[o]
	if h == nil {
		h = &history{newest: at}
		s.origins[o] = h
	}
	h.newest = max(h.newest, at)
	// Everything from i up to j touches or overlaps r.
	from := r.first
	if from > 0 {
		from--
	}
	i, _ := h.find(from)
	j := i
	for j < len(h.runs) && (r.last == ^uint64(0) || h.runs[j].first <= r.last+1) {
		r.first = min(r.first, h.runs[j].first)
		r.last = max(r.last, h.runs[j].last)
		j++
	}
	s.size += 1 - (j - i)
	if j == i+1 {
		h.runs[i] = r
		return
	}
	h.runs = slices.Replace(h.runs, i, j, r)
}

// addAll puts the IDs of other into the set.
func (s *idSet) addAll(other *idSet) {
	for o, h := range other.origins {
		for _, r := range h.runs {
			s.addRun(o, r, h.newest)
		}
	}
}

// next returns an ID of o that is larger than all in the set.
func (s *idSet) next(o origin) flow.ID {
	id := flow.ID{Node: o.node, Epoch: o.epoch, Counter: 1}
	if h := s.origins[o]; h != nil && len(h.runs) > 0 {
		id.Counter = h.runs[len(h.runs)-1].last + 1
	}
	return id
}

// forget drops the origins whose records all ended before cutoff, and then the
// ones that were quiet for longest until at most limit runs are left. It reports
// whether anything was dropped.
func (s *idSet) forget(cutoff int64, limit int) bool {
	before := len(s.origins)
	for o, h := range s.origins {
		if h.newest < cutoff {
			s.drop(o)
		}
	}
	for s.size > limit && len(s.origins) > 1 {
		var (
			quietest origin
			since    *history
		)
		for o, h := range s.origins {
			if since == nil || h.newest < since.newest {
				quietest, since = o, h
			}
		}
		s.drop(quietest)
	}
	return len(s.origins) != before
}

func (s *idSet) drop(o origin) {
	s.size -= len(s.origins[o].runs)
	delete(s.origins, o)
}
