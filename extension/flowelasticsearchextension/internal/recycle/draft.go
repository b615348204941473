package recycle

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

// draft is a plan in the making.
type draft struct {
	*Limits
	*Picture
	plan Plan
	// old are the indices that may go, in the order in which they do.
	old []Step
	// written are those that may be rolled over to make room, the largest of a class first.
	written []Step
	// kept are bytes by class, used those by node, as after the plan.
	kept map[schema.Class]int64
	used map[string]int64
	// held are the nodes that have something of ours.
	held map[string]bool
	// full says that no index can begin.
	full bool
}

func newDraft(l *Limits, p *Picture) *draft {
	d := &draft{
		Limits: l, Picture: p,
		plan: Plan{Emptying: map[string]bool{}},
		kept: map[schema.Class]int64{}, used: map[string]int64{}, held: map[string]bool{},
	}
	for i := range p.Nodes {
		d.used[p.Nodes[i].ID] = p.Nodes[i].Used
		d.full = d.full || p.Nodes[i].Begins && p.Nodes[i].full()
	}
	for _, s := range p.Streams {
		d.count(s.Class, s.Written)
		for _, index := range s.Old {
			d.count(s.Class, index)
			if p.Now.Sub(index.Ended) > l.Classes[s.Class].Keep {
				d.old = append(d.old, Step{Stream: s.Name, Class: s.Class, Index: index})
			}
		}
		if l.Classes[s.Class].Keep == 0 && s.Written.Documents > 0 {
			d.written = append(d.written, Step{Stream: s.Name, Class: s.Class, Index: s.Written})
		}
	}
	slices.SortFunc(d.old, func(a, b Step) int {
		return cmp.Or(cmp.Compare(a.Class, b.Class), a.Index.Ended.Compare(b.Index.Ended), strings.Compare(a.Index.Name, b.Index.Name))
	})
	slices.SortFunc(d.written, func(a, b Step) int {
		return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(b.Index.Size(), a.Index.Size()), strings.Compare(a.Index.Name, b.Index.Name))
	})
	return d
}

func (d *draft) count(class schema.Class, index Index) {
	d.kept[class] += index.Size()
	for node, bytes := range index.Bytes {
		d.held[node] = d.held[node] || bytes > 0
	}
}

// delete has indices go, in their order, that goes says of that they do; it sees what the
// ones before have made. It returns how many went.
func (d *draft) delete(reason Reason, goes func(*Step) bool) int {
	var stay []Step
	for _, s := range d.old {
		if !goes(&s) {
			stay = append(stay, s)
			continue
		}
		s.Reason = reason
		d.plan.Delete = append(d.plan.Delete, s)
		d.kept[s.Class] -= s.Index.Size()
		for node, bytes := range s.Index.Bytes {
			d.used[node] -= bytes
		}
	}
	gone := len(d.old) - len(stay)
	d.old = stay
	return gone
}

// rollOver has a stream begin an index, once.
func (d *draft) rollOver(s Step, reason Reason) {
	planned := slices.ContainsFunc(d.plan.RollOver, func(other Step) bool { return other.Stream == s.Stream })
	if d.full || planned {
		return
	}
	s.Reason = reason
	d.plan.RollOver = append(d.plan.RollOver, s)
}

func (d *draft) short(format string, args ...any) {
	d.plan.Short = append(d.plan.Short, fmt.Sprintf(format, args...))
}
