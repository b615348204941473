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
// began to be known first. The zero tenure is an empty line.
type tenure[T comparable, V any] struct {
	holder T
	// known is what is known of the holder by now, here so that a question need not go and
	// look.
	known V
	span
	before *tenure[T, V]
}

// tenures are the tenures of all addresses.
type tenures[T comparable, V any] struct{ lines[T, V] }

// at returns what is known of who held addr from the time first to the time last, both
// included.
func (t *tenures[T, V]) at(addr netip.Addr, first, last int64) (known V, verdict Verdict) {
	k := addressOf(addr)
	p := t.part(k)
	p.mu.RLock()
	defer p.mu.RUnlock()
	var newest *tenure[T, V] // of those that may have had it, the one that began last
	for n := p.find(k); n != nil; n = n.before {
		if n.from > last || n.to <= first {
			continue
		}
		switch {
		case newest == nil:
			newest, verdict = n, Found
		case n.holder == newest.holder:
			if n.sure < newest.sure {
				newest = n
			}
		default:
			if n.sure > newest.sure {
				newest = n
			}
			verdict = Ambiguous
		}
	}
	switch {
	case verdict == Unknown:
	case verdict == Ambiguous && newest.sure > first:
	default:
		// Whoever surely had it before the question's first moment, and began last, had it
		// alone: an address has one holder at a time.
		known, verdict = newest.known, Found
	}
	return known, verdict
}

// begin notes that holder has addr; if it had it already, the tenure is extended.
func (t *tenures[T, V]) begin(addr netip.Addr, holder T, known V, s span) {
	t.change(addressOf(addr), func(line tenure[T, V]) tenure[T, V] {
		if line.empty() {
			return tenure[T, V]{holder: holder, known: known, span: s}
		}
		for n := &line; n != nil; n = n.before {
			if n.holder == holder && n.to >= s.from {
				n.from, n.sure, n.to = min(n.from, s.from), min(n.sure, s.sure), s.to
				return line
			}
		}
		before := line
		return tenure[T, V]{holder, known, s, &before}
	})
}

func (t *tenure[T, V]) empty() bool {
	var none T
	return t.holder == none
}

// learn notes what is known of holder at addr from now on.
func (t *tenures[T, V]) learn(addr netip.Addr, holder T, known V) {
	t.each(addr, holder, func(n *tenure[T, V]) { n.known = known })
}

// end notes that holder lost addr at a time, unless it had lost it before.
func (t *tenures[T, V]) end(addr netip.Addr, holder T, at int64) {
	t.each(addr, holder, func(n *tenure[T, V]) { n.to = min(n.to, at) })
}

// each changes every tenure of holder at addr.
func (t *tenures[T, V]) each(addr netip.Addr, holder T, do func(*tenure[T, V])) {
	t.change(addressOf(addr), func(line tenure[T, V]) tenure[T, V] {
		for n := &line; n != nil; n = n.before {
			if n.holder == holder {
				do(n)
			}
		}
		return line
	})
}

// forget drops the tenures of holder at addr that have ended. Of the one that came after
// it remembers no longer that it may have begun before: what was ambiguous becomes unknown.
func (t *tenures[T, V]) forget(addr netip.Addr, holder T) {
	t.change(addressOf(addr), func(line tenure[T, V]) tenure[T, V] {
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
		if first == nil {
			return tenure[T, V]{}
		}
		return *first
	})
}
