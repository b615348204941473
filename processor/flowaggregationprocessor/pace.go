package flowaggregationprocessor

import "time"

const (
	// slow is the part of an interval that passing a window on may take before the
	// pipeline counts as behind; quick is that up to which it counts as keeping up. What is
	// between changes nothing.
	slow, quick = 0.5, 0.25
	// calmWindows is how many windows have to go quickly, one after the other, before
	// records tell more again: getting coarser is quick, getting finer is not.
	calmWindows = 3
)

// pace says by how many levels records are to be coarser, by how the pipeline takes them.
type pace struct {
	steps int // at most
	now   int
	calm  int
}

// after takes in how long it took to pass windows on, and whether they were refused
// first, and returns by how many levels the next are to be coarser.
func (p *pace) after(took, interval time.Duration, refused bool) int {
	part := float64(took) / float64(interval)
	switch {
	case refused || part > slow:
		p.calm = 0
		p.now = min(p.now+1, p.steps)
	case part > quick:
		p.calm = 0
	default:
		if p.calm++; p.calm >= calmWindows {
			p.calm = 0
			p.now = max(p.now-1, 0)
		}
	}
	return p.now
}
