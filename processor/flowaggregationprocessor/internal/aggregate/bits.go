package aggregate

import (
	"iter"
	"math/bits"
	"slices"
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

// allMeasures are all that there can be.
var allMeasures = set{^uint64(0)}

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
type packed[T ~uint32] struct {
	slots  set
	values []T
}

// packedOf holds the values of the slots.
func packedOf[T ~uint32](slots set, of *[maxSlots]T) packed[T] {
	p := packed[T]{slots, make([]T, 0, slots.len())}
	for i := range slots.all() {
		p.values = append(p.values, of[i])
	}
	return p
}

// at returns the value of slot i, or 0.
func (p *packed[T]) at(i int) (v T) {
	if p.slots.has(i) {
		v = p.values[p.slots.rank(i)]
	}
	return v
}

// put sets the value of slot i and returns by how many bytes p grew. Few slots are set
// after the first, so that there is little room for more.
func (p *packed[T]) put(i int, v T) (grown int) {
	const more = 4
	at := p.slots.rank(i)
	if p.slots.has(i) {
		p.values[at] = v
		return 0
	}
	if len(p.values) == cap(p.values) {
		p.values = append(make([]T, 0, len(p.values)+more), p.values...)
		grown = more * 4
	}
	p.slots.add(i)
	p.values = slices.Insert(p.values, at, v)
	return grown
}

// mix adds a value to a hash.
func mix(hash, v uint64) uint64 {
	hi, lo := bits.Mul64(hash^v, 0x9e3779b97f4a7c15)
	return hi ^ lo
}
