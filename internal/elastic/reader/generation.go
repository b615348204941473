package reader

import (
	"cmp"
	"slices"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

// generations tells indices that may still be written to from those that are finished. A data
// stream writes to its last generation, and what was under way when that began still comes to
// the one before. An index of another name may be written to.
func generations(indices []string) (written, finished []string) {
	type index struct {
		name       string
		generation int
	}
	streams := make(map[string][]index)
	for _, name := range indices {
		stream, generation, ok := schema.Backing(name)
		if !ok {
			written = append(written, name)
			continue
		}
		streams[stream] = append(streams[stream], index{name, generation})
	}
	for _, stream := range streams {
		slices.SortFunc(stream, func(a, b index) int { return cmp.Compare(b.generation, a.generation) })
		for i, index := range stream {
			if i < 2 {
				written = append(written, index.name)
			} else {
				finished = append(finished, index.name)
			}
		}
	}
	slices.Sort(written)
	slices.Sort(finished)
	return written, finished
}
