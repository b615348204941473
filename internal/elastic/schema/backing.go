package schema

import (
	"regexp"
	"strconv"
)

// backing is the name of an index that began by a rollover of a data stream: the stream's, a
// day and the generation.
var backing = regexp.MustCompile(`^\.ds-(.+)-\d{4}\.\d{2}\.\d{2}-(\d{6,9})$`)

// Backing returns the data stream that a backing index belongs to by its name, and the generation.
// It is not ok for others: an index that was added by hand, is mounted from a snapshot, or
// the like.
func Backing(index string) (stream string, generation int, ok bool) {
	parts := backing.FindStringSubmatch(index)
	if parts == nil {
		return "", 0, false
	}
	generation, err := strconv.Atoi(parts[2])
	return parts[1], generation, err == nil
}
