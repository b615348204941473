package identity

import (
	"math"
	"net/netip"
)

// Verdict is how an answer was come by.
type Verdict uint8

// The verdicts. Unknown is that nobody is known to have held the address then,
// Ambiguous that it may have been one of several.
const (
	Unknown Verdict = iota
	Found
	Ambiguous
)

// span is when someone held an address, in nanoseconds since the Unix epoch.
type span struct {
	// from is the earliest that the holder may have had it, sure when it surely had,
	// to when it had lost it.
	from, sure, to int64
}

// open is the end of a tenure that goes on.
const open = math.MaxInt64

// tenure is one holder's time at an address, in a line of them, the last that
// began to be known first. The zero tenure is none.
type tenure[T comparable] struct {
	holder T
	span
	before *tenure[T]
}

// tenures are the tenures of all addresses. The first of each line is in the table itself:
// most lines have one, and a question then reads one place in memory less.
type tenures[T comparable] struct {
	table[address, tenure[T]]
}

// at returns who held addr from the time first to the time last, both included.
func (t *tenures[T]) at(addr netip.Addr, first, last int64) (holder T, verdict Verdict) {
	k := addressOf(addr)
	p := t.part(k)
	p.mu.RLock()
	defer p.mu.RUnlock()
	line, ok := p.m[k]
	if !ok {
		return holder, Unknown
	}
	var sure int64 = math.MinInt64 // of the holder that began last
	for n := &line; n != nil; n = n.before {
		if n.from > last || n.to <= first {
			continue
		}
		switch {
		case verdict == Unknown:
			holder, sure, verdict = n.holder, n.sure, Found
		case n.holder == holder:
			sure = min(sure, n.sure)
		default:
			// Whoever surely had it before the question's first moment, and began last,
			// had it alone: an address has one holder at a time.
			if n.sure > sure {
				holder, sure = n.holder, n.sure
			}
			verdict = Ambiguous
		}
	}
	if verdict == Ambiguous && sure <= first {
		verdict = Found
	}
	if verdict == Ambiguous {
		var none T
		holder = none
	}
	return holder, verdict
}

// begin notes that holder has addr; if it had it already, the tenure is extended.
func (t *tenures[T]) begin(addr netip.Addr, holder T, s span) {
	t.change(addressOf(addr), func(line tenure[T]) (tenure[T], bool) {
		if line == (tenure[T]{}) {
			return tenure[T]{holder: holder, span: s}, true
		}
		for n := &line; n != nil; n = n.before {
			if n.holder == holder && n.to >= s.from {
				n.from, n.sure, n.to = min(n.from, s.from), min(n.sure, s.sure), s.to
				return line, true
			}
		}
		before := line
		return tenure[T]{holder, s, &before}, true
	})
}

// end notes that holder lost addr at a time, unless it had lost it before.
func (t *tenures[T]) end(addr netip.Addr, holder T, at int64) {
	t.change(addressOf(addr), func(line tenure[T]) (tenure[T], bool) {
		for n := &line; n != nil; n = n.before {
			if n.holder == holder {
				n.to = min(n.to, at)
			}
		}
		return line, line != (tenure[T]{})
	})
}

// forget drops the tenures of holder at addr that have ended. Of the one that came after
// it remembers no longer that it may have begun before: what was ambiguous becomes unknown.
func (t *tenures[T]) forget(addr netip.Addr, holder T) {
	t.change(addressOf(addr), func(line tenure[T]) (tenure[T], bool) {
		first := &line
		for at := &first; *at != nil; {
			n := *at
			if n.holder != holder || n.to == open {
				at = &n.before
				continue
			}
			*at = n.before
			for after := first; after != nil; after = after.before {
				if after.sure > n.sure {
					after.from = max(after.from, min(after.sure, n.to))
				}
			}
		}
		if first == nil || *first == (tenure[T]{}) {
			return tenure[T]{}, false
		}
		return *first, true
	})
}
