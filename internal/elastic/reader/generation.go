package reader

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
)

// backing is the name of the backing index of a data stream, and what else begins like it:
// what it belongs to, the day on which it began, and its generation.
var backing = regexp.MustCompile(`^(.+)-\d{4}\.\d{2}\.\d{2}-(\d{6,})$`)

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
		parts := backing.FindStringSubmatch(name)
		if parts == nil {
			written = append(written, name)
			continue
		}
		n, err := strconv.Atoi(parts[2])
		if err != nil { // more digits than a number has
			written = append(written, name)
			continue
		}
		streams[parts[1]] = append(streams[parts[1]], index{name, n})
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
