package aggregate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// Plan says what a record's key is.
type Plan struct {
	// Level is what merged records say of themselves.
	Level flow.Level
	inKey set
	// dropped are dimensions that are not looked at; notCommon are they and those in the key.
	dropped, notCommon set
	// conditions are of dimensions that are in the key at times.
	conditions []condition
}

// condition puts a dimension into the key where on is "host", or else absent.
type condition struct {
	dimension, on int
	host          bool
}

// Keys are the parts of every key that can be left out.
type Keys struct {
	// Observer tells records of different observers apart, Reporter those of the two ends.
	Observer, Reporter bool
}

// plans makes the plans of an Aggregator.
type plans struct {
	schema *schema
	keys   Keys
}

// level returns the plan of a level, LevelAll to LevelServices.
func (p plans) level(level flow.Level) *Plan {
	leave := make(map[string]bool)
	for l := flow.LevelAll; l <= level; l++ {
		for _, name := range leaveAt[l] {
			leave[name] = true
		}
	}
	plan := p.where(level, func(name string) bool { return !leave[name] })
	for _, c := range conditionals {
		if leave[c.attribute] {
			plan.conditions = append(plan.conditions, condition{p.schema.dimension(c.attribute), p.schema.dimension(c.on), c.host})
		}
	}
	return plan
}

// of returns the plan of a list of attributes, which may be such as the registry does not
// know.
func (p plans) of(names []string) *Plan {
	for _, name := range names {
		if _, ok := p.schema.byName[name]; !ok {
			p.schema.other(name, false)
		}
	}
	names = slices.Concat(names, observerKeys, alwaysKeys)
	return p.where(flow.LevelKeys, func(name string) bool { return slices.Contains(names, name) })
}

// within returns the plan of what is in the keys of both.
func (p plans) within(a, b *Plan) *Plan {
	in := a.inKey.and(b.inKey)
	return p.where(a.Level, func(name string) bool { return in.has(p.schema.dimension(name)) })
}

// overflow returns the plan of what is left where memory is short.
func (p plans) overflow() *Plan {
	return p.where(flow.LevelOverflow, func(name string) bool { return slices.Contains(overflowKeys, name) })
}

func (p plans) where(level flow.Level, in func(name string) bool) *Plan {
	plan := &Plan{Level: level}
	for i := range p.schema.dimensions {
		name := p.schema.dimensions[i].name
		if !in(name) || !p.keys.Reporter && name == reporterName || !p.keys.Observer && slices.Contains(observerKeys, name) {
			continue
		}
		plan.inKey.add(i)
	}
	if level >= flow.LevelWorkloads {
		for _, name := range instances {
			if i := p.schema.dimension(name); !plan.inKey.has(i) {
				plan.dropped.add(i)
			}
		}
	}
	plan.notCommon = plan.inKey.or(plan.dropped)
	return plan
}

// hash is of the key of a row.
func (p *Plan) hash(start uint64, w *Window, r *row) uint64 {
	h := start
	for d := range r.present.and(p.inKey).all() {
		h = mix(h, uint64(d)<<32|uint64(r.dimensions[d]))
	}
	for i := range p.conditions {
		if c := &p.conditions[i]; c.holds(w, r) {
			h = mix(h, uint64(c.dimension)<<32|uint64(r.dimensions[c.dimension]))
		}
	}
	return h
}

// has reports whether a row has the key of a group of this plan.
func (p *Plan) has(g *group, w *Window, r *row) bool {
	keys := g.values.slots.and(p.inKey)
	if keys != r.present.and(p.inKey) {
		return false
	}
	for d := range keys.all() {
		if g.values.at(d) != r.dimensions[d] {
			return false
		}
	}
	for i := range p.conditions {
		if c := &p.conditions[i]; c.holds(w, r) && g.values.at(c.dimension) != r.dimensions[c.dimension] {
			return false
		}
	}
	return true
}

// holds reports whether the dimension is in the key of a row.
func (c *condition) holds(w *Window, r *row) bool {
	if c.host {
		return r.dimensions[c.on] == w.host
	}
	return r.dimensions[c.on] == absent
}

// Class is a kind of records that are aggregated alike.
type Class struct {
	// Name is what metrics call it.
	Name string
	// Chain is the plans for its records: the one that is asked for, then coarser ones for
	// when memory or the pipeline is short, each with keys of the one before. The last
	// is the overflow's.
	Chain []*Plan
	// Sample is how many flows one stands for; 1 or less is no sampling.
	Sample uint64
}

// CheckKey returns an error when a name cannot be a key.
func CheckKey(name string) error {
	f := flow.Flows.Lookup(name)
	switch {
	case strings.TrimSpace(name) == "":
		return fmt.Errorf("a key is empty: name an attribute")
	case f != nil && f.Role != flow.Dimension:
		return fmt.Errorf("%s is a %s: only dimensions can be keys", name, f.Role)
	case f != nil && slices.ContainsFunc(flow.Listings(), func(l flow.Listing) bool { return name == l.List && l.List != l.Of }):
		return fmt.Errorf("%s lists values of merged records: use the attribute that it lists", name)
	default:
		return nil
	}
}
