package dns

import (
	"net/netip"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

const (
	// timeout is after how long a query is taken for unanswered; resolvers ask again
	// after as long at the latest.
	timeout = 5 * time.Second
	// maxWaiting and maxConversations bound what is remembered.
	maxWaiting       = 65536
	maxConversations = 65536
)

// Conversation is the flow from a client to the name server that it asks.
type Conversation struct {
	NetNS          uint32
	Client, Server netip.AddrPort
}

// Query tells a query from all others.
type Query struct {
	// Socket is the client's.
	Socket uint64
	// Server is whom it went to, or zero where the socket gets answers from nobody
	// else. Where addresses are translated the answer comes from another.
	Server netip.AddrPort
	ID     uint16
}

// Lookups matches answers to queries, and counts both for each conversation until
// they are taken.
type Lookups struct {
	// keep is for how long counts wait to be taken: nobody may ever ask for them.
	keep    time.Duration
	waiting map[Query]asked
	counts  map[Conversation]*counts
	lost    uint64
}

// asked is when a query was sent, and the counts of its conversation, which may
// have ended since.
type asked struct {
	of *counts
	at int64
}

type counts struct {
	flow.DNS
	waiting int
	last    int64 // when something was counted last
}

// NewLookups returns Lookups that drop what is not taken for as long as keep.
func NewLookups(keep time.Duration) *Lookups {
	return &Lookups{keep: keep, waiting: make(map[Query]asked), counts: make(map[Conversation]*counts)}
}

// Query notes a query in c. One that is asked again before its answer has come
// has timed out.
func (l *Lookups) Query(c Conversation, q Query, at int64) {
	before, again := l.waiting[q]
	if !again && len(l.waiting) >= maxWaiting {
		l.lost++
		return
	}
	if again {
		before.of.timeOut(at)
	}
	k := l.counts[c]
	if k == nil {
		k = &counts{}
		if len(l.counts) < maxConversations {
			l.counts[c] = k
		} else {
			l.lost++ // to nobody's count, but its answer still tells names
		}
	}
	k.Queries++
	k.waiting++
	k.last = at
	l.waiting[q] = asked{k, at}
}

// timeOut counts a query that gets no answer, unless its conversation has ended
// and counted it by that.
func (k *counts) timeOut(at int64) {
	if k.waiting > 0 {
		k.waiting--
		k.Timeouts++
		k.last = at
	}
}

// Response notes an answer, and reports whether it is one to a query that waits.
// Any other says nothing: whoever knows the address of a socket can send it one.
func (l *Lookups) Response(q Query, at int64, code dnsmessage.RCode) bool {
	sent, ok := l.waiting[q]
	if !ok {
		return false
	}
	delete(l.waiting, q)
	k := sent.of
	if k.waiting == 0 || at-sent.at > int64(timeout) {
		k.timeOut(at)
		return false
	}
	k.waiting--
	k.last = at
	k.Responses++
	latency := uint64(max(at-sent.at, 0)) / uint64(time.Microsecond)
	k.LatencySum += latency
	k.LatencyMax = max(k.LatencyMax, uint32(latency))
	switch code {
	case dnsmessage.RCodeSuccess:
	case dnsmessage.RCodeNameError:
		k.NXDomain++
	case dnsmessage.RCodeServerFailure:
		k.ServFail++
	case dnsmessage.RCodeRefused:
		k.Refused++
	default:
		k.OtherErrors++
	}
	return true
}

// Take returns what was counted of c since the last time. If c has ended, what
// still waits has timed out.
func (l *Lookups) Take(c Conversation, ended bool) flow.DNS {
	k := l.counts[c]
	if k == nil {
		return flow.DNS{}
	}
	if ended {
		k.Timeouts += uint64(k.waiting)
		k.waiting = 0
	}
	taken := k.DNS
	k.DNS = flow.DNS{}
	if k.waiting == 0 {
		delete(l.counts, c)
	}
	return taken
}

// Expire counts the queries that have timed out by now, and drops what nobody
// has taken.
func (l *Lookups) Expire(now int64) {
	for q, sent := range l.waiting {
		if sent.of.waiting == 0 || now-sent.at > int64(timeout) {
			delete(l.waiting, q)
			sent.of.timeOut(now)
		}
	}
	for c, k := range l.counts {
		if k.waiting == 0 && now-k.last > int64(l.keep) {
			delete(l.counts, c)
		}
	}
}

// Lost is how many queries there was no room for.
func (l *Lookups) Lost() uint64 { return l.lost }
