package identity

import "sync"

// lines is the table of tenures by address: a hash table with the first tenure of a line in
// the slot itself, and a slot as large as a cache line. A question about one of very many
// addresses waits for memory more than for anything else; here it does so once, where a map
// of pointers has it do so four times. The zero table is empty.
type lines[T comparable, V any] struct {
	parts [shards]linePart[T, V]
}

// linePart is a part of the table: open addressing, with at least an eighth of it free.
type linePart[T comparable, V any] struct {
	mu    sync.RWMutex
	slots []slot[T, V] // a power of two, or none
	used  int
	_     [8]byte // a cache line each
}

// slot is free while its tenure has no holder.
type slot[T comparable, V any] struct {
	key   address
	first tenure[T, V]
}

// fewestSlots is how many a part begins with.
const fewestSlots = 8

func (t *lines[T, V]) part(k address) *linePart[T, V] { return &t.parts[k.spread()>>57] }

// at is where k is to be, if nobody else is there. The bits that choose the part are not
// among those that choose the slot.
func (p *linePart[T, V]) at(k address) int { return int(k.spread()>>25) & (len(p.slots) - 1) }

// find returns the line of k, or nil. The caller holds the part's lock.
func (p *linePart[T, V]) find(k address) *tenure[T, V] {
	if i := p.index(k); i >= 0 {
		return &p.slots[i].first
	}
	return nil
}

func (p *linePart[T, V]) index(k address) int {
	if len(p.slots) == 0 {
		return -1
	}
	for i := p.at(k); ; i = (i + 1) & (len(p.slots) - 1) {
		s := &p.slots[i]
		if s.first.empty() {
			return -1
		}
		if s.key == k {
			return i
		}
	}
}

// change replaces the line of k by what f makes of it; the zero tenure is an empty line.
func (t *lines[T, V]) change(k address, f func(tenure[T, V]) tenure[T, V]) {
	p := t.part(k)
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.index(k)
	var line tenure[T, V]
	if i >= 0 {
		line = p.slots[i].first
	}
	line = f(line)
	switch {
	case !line.empty() && i >= 0:
		p.slots[i].first = line
	case !line.empty():
		p.add(k, line)
	case i >= 0:
		p.remove(i)
	}
}

func (p *linePart[T, V]) add(k address, line tenure[T, V]) {
	if 8*(p.used+1) > 7*len(p.slots) {
		p.grow()
	}
	p.used++
	for i := p.at(k); ; i = (i + 1) & (len(p.slots) - 1) {
		if p.slots[i].first.empty() {
			p.slots[i] = slot[T, V]{key: k, first: line}
			return
		}
	}
}

func (p *linePart[T, V]) grow() {
	before := p.slots
	p.slots = make([]slot[T, V], max(fewestSlots, 2*len(before)))
	p.used = 0
	for i := range before {
		if !before[i].first.empty() {
			p.add(before[i].key, before[i].first)
		}
	}
}

// remove frees a slot and closes the gap: whoever was put behind for want of room, and may
// stand nearer to its place now, moves up.
func (p *linePart[T, V]) remove(gap int) {
	mask := len(p.slots) - 1
	for i := (gap + 1) & mask; !p.slots[i].first.empty(); i = (i + 1) & mask {
		if home := p.at(p.slots[i].key); (i-home)&mask >= (i-gap)&mask {
			p.slots[gap] = p.slots[i]
			gap = i
		}
	}
	p.slots[gap] = slot[T, V]{}
	p.used--
}

func (t *lines[T, V]) len() int {
	n := 0
	for i := range t.parts {
		p := &t.parts[i]
		p.mu.RLock()
		n += p.used
		p.mu.RUnlock()
	}
	return n
}
