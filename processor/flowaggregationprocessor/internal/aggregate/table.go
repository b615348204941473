package aggregate

import "iter"

// table finds numbers by the hashes of what they stand for, which it does not have:
// whoever asks compares. It takes a third of what a map with keys does.
type table struct {
	slots []slot // a power of two
	taken int
}

// slot is free when its number is 0.
type slot struct{ hash, number uint32 }

const sizeOfSlot = 8

// size is how many bytes t takes.
func (t *table) size() int { return sizeOfSlot * len(t.slots) }

// candidates iterates over the numbers that were added with a hash.
func (t *table) candidates(hash uint64) iter.Seq[int] {
	slots, hash32 := t.slots, uint32(hash)
	return func(yield func(int) bool) {
		if len(slots) == 0 {
			return
		}
		for i := int(hash32); ; i++ {
			s := slots[i&(len(slots)-1)]
			if s.number == 0 || s.hash == hash32 && !yield(int(s.number)-1) {
				return
			}
		}
	}
}

// add adds a number, which is less than the largest of 32 bits.
func (t *table) add(hash uint64, number int) {
	if 4*(t.taken+1) > 3*len(t.slots) {
		grown := table{slots: make([]slot, max(8, 2*len(t.slots)))}
		for _, s := range t.slots {
			if s.number != 0 {
				grown.put(s)
			}
		}
		*t = grown
	}
	t.put(slot{uint32(hash), uint32(number) + 1})
}

func (t *table) put(s slot) {
	mask := len(t.slots) - 1
	i := int(s.hash) & mask
	for t.slots[i].number != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = s
	t.taken++
}
