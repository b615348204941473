// Package idset remembers which records there were, by their ids.
package idset

import (
	"iter"
	"slices"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// Run is a range of counters, both ends included.
type Run struct{ First, Last uint64 }

// Origin is what the IDs of one agent's one life share.
type Origin struct{ Node, Epoch uint32 }

// history is the runs of one origin, sorted and apart from each other.
type history struct {
	runs []Run
	// newest is the latest time of a record with one of these IDs.
	newest int64
}

// Set is a set of record IDs; it is for one goroutine at a time. Agents count their
// records up from 1, so that a set of any size is a few runs; IDs at random cost 16
// bytes each.
type Set struct {
	origins map[Origin]*history
	size    int // runs
}

// New returns an empty set.
func New() *Set { return &Set{origins: make(map[Origin]*history)} }

// Has reports whether id is in the set.
func (s *Set) Has(id flow.ID) bool {
	h := s.origins[Origin{id.Node, id.Epoch}]
	if h == nil {
		return false
	}
	i, found := h.find(id.Counter)
	return found || (i < len(h.runs) && h.runs[i].First <= id.Counter)
}

// find returns the first run that ends at or after counter.
func (h *history) find(counter uint64) (int, bool) {
	if n := len(h.runs); n > 0 && h.runs[n-1].Last < counter {
		return n, false // the usual case: a new record
	}
	return slices.BinarySearchFunc(h.runs, counter, func(r Run, c uint64) int {
		switch {
		case r.Last < c:
			return -1
		case r.Last > c:
			return 1
		default:
			return 0
		}
	})
}

// Add puts id into the set and reports whether it is new.
func (s *Set) Add(id flow.ID, at int64) bool {
	if s.Has(id) {
		return false
	}
	s.AddRun(Origin{id.Node, id.Epoch}, Run{id.Counter, id.Counter}, at)
	return true
}

// AddRun puts a run into the set; it may overlap with what is there.
func (s *Set) AddRun(o Origin, r Run, at int64) {
	h := s.origins[o]
	if h == nil {
		h = &history{newest: at}
		s.origins[o] = h
	}
	h.newest = max(h.newest, at)
	// Everything from i up to j touches or overlaps r.
	from := r.First
	if from > 0 {
		from--
	}
	i, _ := h.find(from)
	j := i
	for j < len(h.runs) && (r.Last == ^uint64(0) || h.runs[j].First <= r.Last+1) {
		r.First = min(r.First, h.runs[j].First)
		r.Last = max(r.Last, h.runs[j].Last)
		j++
	}
	s.size += 1 - (j - i)
	if j == i+1 {
		h.runs[i] = r
		return
	}
	h.runs = slices.Replace(h.runs, i, j, r)
}

// AddAll puts the IDs of other into the set.
func (s *Set) AddAll(other *Set) {
	for o, h := range other.origins {
		for _, r := range h.runs {
			s.AddRun(o, r, h.newest)
		}
	}
}

// Next returns an ID of o that is larger than all in the set.
func (s *Set) Next(o Origin) flow.ID {
	id := flow.ID{Node: o.Node, Epoch: o.Epoch, Counter: 1}
	if h := s.origins[o]; h != nil && len(h.runs) > 0 {
		id.Counter = h.runs[len(h.runs)-1].Last + 1
	}
	return id
}

// Forget drops the origins whose records all ended before cutoff, then the ones that
// were quiet for longest until at most limit runs are left, and of the last one its
// lowest runs. It reports whether anything was dropped.
func (s *Set) Forget(cutoff int64, limit int) bool {
	before := s.size
	for o, h := range s.origins {
		if h.newest < cutoff {
			s.drop(o)
		}
	}
	for s.size > limit {
		quietest, h := s.quietest()
		if len(s.origins) == 1 {
			h.runs = slices.Clone(h.runs[len(h.runs)-limit:])
			s.size = limit
			break
		}
		s.drop(quietest)
	}
	return s.size != before
}

func (s *Set) quietest() (quietest Origin, since *history) {
	for o, h := range s.origins {
		if since == nil || h.newest < since.newest {
			quietest, since = o, h
		}
	}
	return quietest, since
}

// Size is the number of runs.
func (s *Set) Size() int { return s.size }

// Runs iterates over the runs of the set, in no order of their origins.
func (s *Set) Runs() iter.Seq2[Origin, Run] {
	return func(yield func(Origin, Run) bool) {
		for o, h := range s.origins {
			for _, r := range h.runs {
				if !yield(o, r) {
					return
				}
			}
		}
	}
}

// Newest is the latest time of a record of o, 0 when there is none.
func (s *Set) Newest(o Origin) int64 {
	if h := s.origins[o]; h != nil {
		return h.newest
	}
	return 0
}

func (s *Set) drop(o Origin) {
	s.size -= len(s.origins[o].runs)
	delete(s.origins, o)
}
