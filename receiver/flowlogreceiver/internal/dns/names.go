package dns

import (
	"container/list"
	"net/netip"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

const (
	// maxTTL is the longest that a name is remembered after an answer, unless the
	// shortest is longer.
	maxTTL = time.Hour
	// namesOfAddress is how many names of one address are remembered; of more the
	// ones that were looked up last.
	namesOfAddress = 4
)

// Names remembers by which names addresses were looked up, apart for each
// network namespace: what one of them was told says nothing about another.
type Names struct {
	limit   int
	minTTL  time.Duration
	places  map[place]*list.Element // of *known
	recent  list.List               // the place that was looked up last first
	evicted uint64
}

type place struct {
	netns uint32
	addr  netip.Addr
}

// known is what is known of one place: names, the last one first.
type known struct {
	place place
	names [namesOfAddress]lookedUp
}

// lookedUp is one name, and from when to when it holds.
type lookedUp struct {
	name         flow.Name
	since, until int64
}

// NewNames returns a memory of the names of at most limit addresses, which are
// remembered for minTTL at least: programs connect long after they have asked.
func NewNames(limit int, minTTL time.Duration) *Names {
	return &Names{limit: limit, minTTL: minTTL, places: make(map[place]*list.Element)}
}

// Learn notes that name was looked up in netns at a time, and has this address.
// Where there is no room the address goes that was looked up longest ago.
func (n *Names) Learn(netns uint32, name flow.Name, address Address, at int64) {
	p := place{netns, address.Addr}
	until := at + int64(min(max(address.TTL, n.minTTL), max(maxTTL, n.minTTL)))
	e, ok := n.places[p]
	if !ok {
		if len(n.places) >= n.limit {
			n.evicted++
			n.remove(n.recent.Back())
		}
		e = n.recent.PushFront(&known{place: p})
		n.places[p] = e
	} else {
		n.recent.MoveToFront(e)
	}
	e.Value.(*known).learn(name, at, until)
}

// learn puts name in front.
func (k *known) learn(name flow.Name, at, until int64) {
	l := lookedUp{name, at, until}
	i := 0
	for ; i < namesOfAddress-1; i++ {
		if k.names[i].name == name {
			break
		}
	}
	if old := k.names[i]; old.name == name && old.until >= at {
		l.since, l.until = old.since, max(until, old.until)
	}
	copy(k.names[1:i+1], k.names[:i])
	k.names[0] = l
}

// Of returns the names that addr had in netns at a time.
func (n *Names) Of(netns uint32, addr netip.Addr, at int64) flow.NameSet {
	e, ok := n.places[place{netns, addr}]
	if !ok {
		return flow.NameSet{}
	}
	var names [namesOfAddress]flow.Name
	for i, l := range e.Value.(*known).names {
		if l.since <= at && at < l.until {
			names[i] = l.name
		}
	}
	return flow.NameSetOf(names[:]...)
}

// Forget drops what has expired by now.
func (n *Names) Forget(now int64) {
	for e := n.recent.Front(); e != nil; {
		next := e.Next()
		if e.Value.(*known).expired(now) {
			n.remove(e)
		}
		e = next
	}
}

func (k *known) expired(now int64) bool {
	for _, l := range k.names {
		if l.until > now {
			return false
		}
	}
	return true
}

func (n *Names) remove(e *list.Element) {
	delete(n.places, e.Value.(*known).place)
	n.recent.Remove(e)
}

// Len is the number of addresses with names.
func (n *Names) Len() int { return len(n.places) }

// Evicted is how many addresses had to go for lack of room since the last time.
func (n *Names) Evicted() uint64 {
	evicted := n.evicted
	n.evicted = 0
	return evicted
}
