package aggregate

import (
	"iter"
	"math/bits"
)

// maxSlots is how many dimensions there can be, maxMeasures how many measures,
// maxAttributes how many of both and others.
const (
	maxSlots      = 128
	maxMeasures   = 64
	maxAttributes = 256
)

// set is a set of small numbers.
type set [maxSlots / 64]uint64

func (s *set) add(i int)      { s[i>>6] |= 1 << (i & 63) }
func (s *set) remove(i int)   { s[i>>6] &^= 1 << (i & 63) }
func (s *set) has(i int) bool { return s[i>>6]&(1<<(i&63)) != 0 }
func (s *set) len() int       { return bits.OnesCount64(s[0]) + bits.OnesCount64(s[1]) }

// rank is how many members are less than i.
func (s *set) rank(i int) int {
	n := bits.OnesCount64(s[i>>6] & (1<<(i&63) - 1))
	if i >= 64 {
		n += bits.OnesCount64(s[0])
	}
	return n
}

func (s set) or(t set) set     { return set{s[0] | t[0], s[1] | t[1]} }
func (s set) and(t set) set    { return set{s[0] & t[0], s[1] & t[1]} }
func (s set) andNot(t set) set { return set{s[0] &^ t[0], s[1] &^ t[1]} }

// all iterates over the members in their order.
func (s set) all() iter.Seq[int] {
	return func(yield func(int) bool) {
		for word, rest := range s {
			for ; rest != 0; rest &= rest - 1 {
				if !yield(word<<6 + bits.TrailingZeros64(rest)) {
					return
				}
			}
		}
	}
}

// packed holds values of some of the slots, side by side: most groups have few of what
// there can be.
type packed[T any] struct {
	slots  set
	values []T
}

// at returns the value of slot i, or nil.
func (p *packed[T]) at(i int) *T {
	if !p.slots.has(i) {
		return nil
	}
	return &p.values[p.slots.rank(i)]
}

// put sets the value of slot i.
func (p *packed[T]) put(i int, v T) {
	at := p.slots.rank(i)
	if p.slots.has(i) {
		p.values[at] = v
		return
	}
	p.slots.add(i)
	p.values = append(p.values, v)
	copy(p.values[at+1:], p.values[at:])
	p.values[at] = v
}
