package recycle

import (
	"slices"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

// Picture is what a server looks like at a moment, as far as it is understood: what is
// not is left out, and thereby kept.
type Picture struct {
	// Now is by the clock that dates indices, the server's.
	Now     time.Time
	Streams []Stream
	Nodes   []Node
}

// Stream is a data stream of ours.
type Stream struct {
	Name  string
	Class schema.Class
	// Old are the backing indices that are no longer written to, oldest first.
	Old []Index
	// Written is the one that is.
	Written Index
}

// Index is a backing index.
type Index struct {
	Name    string
	Created time.Time
	// Ended is when the next index began: the age of its youngest document.
	Ended time.Time
	// Documents are counted once, bytes in each copy.
	Documents int64
	// Bytes are what its shards take, by the ID of the node.
	Bytes map[string]int64
	// Shard are the bytes of the largest one.
	Shard int64
	// Blocked says that the server lets nothing but a deletion happen to it, because of a
	// full disk.
	Blocked bool
}

// Size is what all copies take, in bytes.
func (i *Index) Size() int64 {
	var size int64
	for _, bytes := range i.Bytes {
		size += bytes
	}
	return size
}

// Node is one that holds data.
type Node struct {
	ID, Name string
	// Total and Used are of its disk, in bytes.
	Total, Used int64
	// High is how much of it may be used before the server moves shards away and gives it
	// no more; none is negative: more is to stay free than there is.
	High int64
	// Begins says that new indices may be put there.
	Begins bool
}

// full tells whether the node takes no new index.
func (n *Node) full() bool { return n.Used > n.High }

// onAny tells whether an index is on one of some nodes.
func (i *Index) onAny(nodes map[string]bool) bool {
	for node := range i.Bytes {
		if nodes[node] {
			return true
		}
	}
	return false
}

// Usage is what some data streams take.
type Usage struct {
	Bytes, Indices int64
	// Oldest is when the oldest index began; zero if there is none.
	Oldest time.Time
}

// Add adds a stream.
func (u *Usage) Add(s *Stream) {
	for _, index := range slices.Concat(s.Old, []Index{s.Written}) {
		if index.Name == "" {
			continue // it is not understood
		}
		u.Indices++
		u.Bytes += index.Size()
		if u.Oldest.IsZero() || index.Created.Before(u.Oldest) {
			u.Oldest = index.Created
		}
	}
}
