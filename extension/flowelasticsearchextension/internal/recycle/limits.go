package recycle

import (
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

// Limits say how much is kept. What is 0 limits nothing.
type Limits struct {
	// Size is for all classes together, copies included, in bytes.
	Size int64
	// Start and Stop are shares of a disk: when more than Start is used of one, indices
	// go until no more than Stop is.
	Start, Stop float64
	// Classes are the limits of each.
	Classes map[schema.Class]ClassLimits
}

// ClassLimits are those of one class.
type ClassLimits struct {
	// Age is how old documents get. They may be an eighth of it older, for indices go as
	// a whole.
	Age time.Duration
	// Keep is how old documents get whatever room they take. It goes before all else.
	Keep time.Duration
	// Size is in bytes, copies included.
	Size int64
	// Managed says that a policy of index lifecycle management begins indices and deletes
	// them by age.
	Managed bool
}

const (
	// units is into how many indices what is kept is parted, so that a cut loses little.
	units = 8
	// largestShard is what Elasticsearch's makers advise not to go beyond by much, in bytes.
	largestShard = 30 << 30
)

// marks are how many bytes of a node's disk may be used before room is made, and until
// when. They are below the high watermark: above it no index can begin, and the server
// moves shards about. ok is false if there are none, or none that deletions could reach.
func (l *Limits) marks(n *Node) (start, stop int64, ok bool) {
	if l.Start == 0 || n.Total <= 0 || n.High <= 0 {
		return 0, 0, false
	}
	start, stop = int64(l.Start*float64(n.Total)), int64(l.Stop*float64(n.Total))
	if highest := n.High - n.Total/20; start > highest {
		start, stop = highest, highest-(start-stop)
	}
	return start, stop, stop > 0
}

// lowered tells whether a node's high watermark is too low for the marks.
func (l *Limits) lowered(n *Node) bool {
	return l.Start != 0 && int64(l.Start*float64(n.Total)) > n.High-n.Total/20
}
