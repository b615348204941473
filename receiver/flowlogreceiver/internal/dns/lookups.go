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

// Conversation is a client's socket and the name server that it asks.
type Conversation struct {
	NetNS          uint32
	Client, Server netip.AddrPort
}

// Lookups matches answers to queries, and counts both for each conversation until
// they are taken.
type Lookups struct {
	// keep is for how long counts wait to be taken: nobody may ever ask for them.
	keep    time.Duration
	waiting map[query]int64 // when each was sent
	counts  map[Conversation]*counts
	lost    uint64
}

// query is one of a conversation that may have ended since.
type query struct {
	of *counts
	id uint16
}

type counts struct {
	flow.DNS
	waiting int
	last    int64 // when something was counted last
}

// NewLookups returns Lookups that drop what is not taken for as long as keep.
func NewLookups(keep time.Duration) *Lookups {
	return &Lookups{keep: keep, waiting: make(map[query]int64), counts: make(map[Conversation]*counts)}
}

// Query notes a query. One that is asked again before its answer has come has
// timed out.
func (l *Lookups) Query(c Conversation, id uint16, at int64) {
	k := l.counts[c]
	_, again := l.waiting[query{k, id}]
	if k == nil && len(l.counts) >= maxConversations || !again && len(l.waiting) >= maxWaiting {
		l.lost++
		return
	}
	if k == nil {
		k = &counts{}
		l.counts[c] = k
	}
	k.Queries++
	k.last = at
	if again {
		k.Timeouts++
	} else {
		k.waiting++
	}
	l.waiting[query{k, id}] = at
}

// Response notes an answer, and reports whether it is one to a query that waits.
// Any other says nothing: whoever knows the address of a socket can send it one.
func (l *Lookups) Response(c Conversation, id uint16, at int64, code dnsmessage.RCode) bool {
	k := l.counts[c]
	sent, ok := l.waiting[query{k, id}]
	if !ok {
		return false
	}
	delete(l.waiting, query{k, id})
	k.waiting--
	k.last = at
	k.Responses++
	latency := uint64(max(at-sent, 0)) / uint64(time.Microsecond)
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
		switch {
		case q.of.waiting == 0: // it has ended
			delete(l.waiting, q)
		case now-sent > int64(timeout):
			delete(l.waiting, q)
			q.of.waiting--
			q.of.Timeouts++
			q.of.last = now
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
