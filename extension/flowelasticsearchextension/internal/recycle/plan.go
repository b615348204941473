package recycle

import (
	"fmt"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/bytesize"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

// Reason is why an index goes, or ends.
type Reason string

// The reasons.
const (
	ByAge  Reason = "age"
	BySize Reason = "size"
	ByDisk Reason = "disk"
)

// Step is what is to happen to an index.
type Step struct {
	Stream string
	Class  schema.Class
	Index  Index
	Reason Reason
}

// Plan is what a Picture calls for.
type Plan struct {
	// Delete are old indices, in the order in which they go.
	Delete []Step
	// RollOver are written indices whose streams are to begin another.
	RollOver []Step
	// Emptying are the IDs of the nodes on whose disks room is being made.
	Emptying map[string]bool
	// Advice says to a person which limits are not as they were given.
	Advice []string
	// Short says to a person which limits are exceeded although all is done that may be.
	Short []string
}

// Plan says what is to be done. emptying is that of the plan before; nil is none.
//
// An index goes only if it is old, and if its youngest document is past what its class
// keeps. Of what is too much, allowed flows go first, then denied ones, then what agents tell
// of themselves, then rejected documents; of each the oldest. It is carried out or not: the
// same Picture gives the same Plan, and that of the Picture after it has less to do.
func (l *Limits) Plan(p *Picture, emptying map[string]bool) Plan {
	d := newDraft(l, p)
	d.byAge()
	for _, class := range schema.Classes() {
		if limit := l.Classes[class].Size; limit > 0 {
			d.bySize(limit, func(c schema.Class) bool { return c == class }, class.String()+" documents")
		}
	}
	if l.Size > 0 {
		d.bySize(l.Size, func(schema.Class) bool { return true }, "flow records")
	}
	for i := range p.Nodes {
		if n := &p.Nodes[i]; n.Begins || d.held[n.ID] {
			d.byDisk(n, emptying[n.ID])
		}
	}
	d.inUnits()
	return d.plan
}

func (d *draft) byAge() {
	d.delete(ByAge, func(s *Step) bool {
		age := d.Classes[s.Class].Age
		return age > 0 && !d.Classes[s.Class].Managed && d.Now.Sub(s.Index.Ended) > age
	})
}

// bySize makes classes take no more than limit.
func (d *draft) bySize(limit int64, of func(schema.Class) bool, what string) {
	size := func() (sum int64) {
		for class, bytes := range d.kept {
			if of(class) {
				sum += bytes
			}
		}
		return sum
	}
	gives := func(s *Step) int64 {
		if !of(s.Class) {
			return 0
		}
		return s.Index.Size()
	}
	if _, enough := d.makeRoom(BySize, size, limit, limit, gives); !enough {
		d.short("%s take %s and are allowed %s: the rest is kept by min_days, or for want of room for a new index", what, bytesize.Size(size()), bytesize.Size(limit))
	}
}

// byDisk makes room on the disk of a node.
func (d *draft) byDisk(n *Node, emptying bool) {
	start, stop, ok := d.marks(n)
	if !ok {
		if d.Start > 0 {
			d.short("on node %s the server wants more of the disk to be free than deletions could make: look at its watermarks", n.Name)
		}
		return
	}
	if d.lowered(n) {
		d.plan.Advice = append(d.plan.Advice, fmt.Sprintf("on node %s start_percent is not 5 %% below the server's high watermark: indices are deleted from %d %% on", n.Name, 100*start/n.Total))
	}
	if n.Used <= start && (!emptying || n.Used <= stop) {
		return
	}
	used := func() int64 { return d.used[n.ID] }
	deleted, enough := d.makeRoom(ByDisk, used, start, stop, func(s *Step) int64 { return s.Index.Bytes[n.ID] })
	if deleted > 0 {
		d.plan.Emptying[n.ID] = true
	}
	if !enough {
		d.short("on node %s %d %% of the disk are used, and there is no index left to delete: what else is on it, or min_days, keeps it above %d %%", n.Name, 100*used()/n.Total, 100*start/n.Total)
	}
}

// makeRoom deletes until no more than stop is used, and tells of how many indices, and
// whether that is enough, which it is below start.
//
// If too much of a class is still written to, that ends, to go with the next plan, before the
// next class loses anything. It does not end if that were not enough either: else each round
// would lose the documents of a minute for nothing.
func (d *draft) makeRoom(reason Reason, used func() int64, start, stop int64, gives func(*Step) int64) (deleted int, enough bool) {
	var ending []Step
	var freed int64 // by ending
	for _, class := range schema.Classes() {
		deleted += d.delete(reason, func(s *Step) bool { return s.Class == class && used() > stop && gives(s) > 0 })
		for _, s := range d.written {
			if bytes := gives(&s); s.Class == class && bytes > 0 && used()-freed > start {
				freed += bytes
				ending = append(ending, s)
			}
		}
		if used() > start && used()-freed <= start {
			for _, s := range ending {
				d.rollOver(s, reason)
			}
			return deleted, !d.full
		}
	}
	return deleted, used() <= start
}

// inUnits ends indices that have become so large or so old that too much would go with
// them.
func (d *draft) inUnits() {
	var room int64 // on disks, for all
	for i := range d.Nodes {
		if start, _, ok := d.marks(&d.Nodes[i]); ok && d.Nodes[i].Begins {
			room += start
		}
	}
	for _, s := range d.Streams {
		if s.Written.Documents == 0 {
			continue
		}
		limits, step := d.Classes[s.Class], Step{Stream: s.Name, Class: s.Class, Index: s.Written}
		switch size := s.Written.Size(); {
		case limits.Age > 0 && !limits.Managed && d.Now.Sub(s.Written.Created) > limits.Age/units:
			d.rollOver(step, ByAge)
		case more(size, limits.Size), more(size, d.Size), !limits.Managed && s.Written.Shard > largestShard:
			d.rollOver(step, BySize)
		case more(size, room):
			d.rollOver(step, ByDisk)
		}
	}
}

// more tells whether size is more than a unit of a limit.
func more(size, limit int64) bool { return limit > 0 && size > limit/units }
