//go:build linux

package capture

import (
	"hash/maphash"
	"net/netip"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
)

const (
	// maxServers bounds what is remembered of servers; past it that begins anew.
	maxServers = 65536
	// A server is asked for until so many connections in a row were not translated,
	// and more of them if some were before.
	patience, patienceAfterHit = 4, 1024
	// From then on one connection in sampleOneIn is asked for, and one in each
	// sampleEvery: who becomes a service is found out soon.
	sampleOneIn = 16
	sampleEvery = int64(time.Second)
)

// Translations counts look-ups by what came of them.
type Translations struct {
	// Translated were found to be, Untranslated found not to be; of Unknown
	// connection tracking knew nothing.
	Translated, Untranslated, Unknown uint64
	// Failed could not be looked up.
	Failed uint64
}

// translations completes events by what connection tracking knows: whom a service
// stands for, and a source that has another address at its destination.
//
// Each connection is asked for by itself, for the connections to a service have
// different backends. Servers that nothing is translated for are learnt, so that
// they cost next to nothing.
type translations struct {
	translator probe.Translator
	seed       maphash.Seed

	// now and before hold translations of open connections, by a hash of them; when
	// now is full it becomes before.
	now, before map[uint64]probe.Translation
	limit       int // of each
	servers     map[uint64]*server

	asked   []question
	tuples  []probe.Tuple
	answers []probe.Translation

	counts Translations
}

// server is what is known of the end that accepts connections.
type server struct {
	asked      int64 // when it was last, CLOCK_MONOTONIC nanoseconds
	misses     uint32
	skipped    uint32
	translates bool
}

// question is an event whose connection is looked up.
type question struct {
	event  *probe.Event
	server *server
}

// newTranslations keeps no more than limit translations of open connections.
func newTranslations(translator probe.Translator, limit int) *translations {
	return &translations{
		translator: translator,
		seed:       maphash.MakeSeed(),
		now:        make(map[uint64]probe.Translation),
		before:     make(map[uint64]probe.Translation),
		limit:      max(limit/2, 1),
		servers:    make(map[uint64]*server),
	}
}

// complete puts translations into the events. A nil t knows none. It makes as many
// system calls as events fill batches. On an error they stay as they were.
func (t *translations) complete(events []probe.Event, now int64) error {
	if t == nil {
		return nil
	}
	t.asked, t.tuples = t.asked[:0], t.tuples[:0]
	for i := range events {
		if ev := &events[i]; t.concerns(ev) {
			t.recallOrAsk(ev, now)
		}
	}
	if len(t.asked) == 0 {
		return nil
	}
	if cap(t.answers) < len(t.asked) {
		t.answers = make([]probe.Translation, len(t.asked))
	}
	answers := t.answers[:len(t.asked)]
	if err := t.translator.Translate(t.tuples, answers); err != nil {
		t.counts.Failed += uint64(len(t.asked))
		return err
	}
	for i := range t.asked {
		t.answered(&t.asked[i], &answers[i])
	}
	return nil
}

// concerns tells whether ev is of a connection that could be translated. The
// loopback of another namespace is not its business.
func (t *translations) concerns(ev *probe.Event) bool {
	switch {
	case ev.Transport != flow.TransportTCP && ev.Transport != flow.TransportUDP,
		ev.Kind == probe.Listen || ev.Kind == probe.Unlisten || ev.Kind == probe.Dropped,
		ev.Reporter != flow.ReporterSource && ev.Reporter != flow.ReporterDestination,
		ev.Original.IsValid():
		return false
	}
	loopback := ev.Local.Addr().IsLoopback() || ev.Remote.Addr().IsLoopback()
	return !loopback || ev.NetNS == t.translator.NetNS()
}

// recallOrAsk completes ev if its translation is known, and else notes that it is
// to be looked up if that is worth it.
func (t *translations) recallOrAsk(ev *probe.Event, now int64) {
	if known, ok := t.recall(ev); ok {
		translate(ev, &known)
		return
	}
	if s := t.serverOf(ev); s.worthAsking(now) {
		t.asked = append(t.asked, question{ev, s})
		t.tuples = append(t.tuples, probe.Tuple{Transport: ev.Transport, Local: ev.Local, Remote: ev.Remote})
	}
}

// recall returns the translation of an open connection, and forgets it unless the
// connection lives on.
func (t *translations) recall(ev *probe.Event) (known probe.Translation, ok bool) {
	if len(t.now)+len(t.before) == 0 {
		return known, false
	}
	h := t.hash(ev)
	if known, ok = t.now[h]; !ok {
		known, ok = t.before[h]
	}
	if ok {
		t.remember(h, ev.Kind, known)
	}
	return known, ok
}

// remember keeps the translation of a connection while it is open.
func (t *translations) remember(connection uint64, kind probe.Kind, known probe.Translation) {
	if kind != probe.Live {
		delete(t.now, connection)
		delete(t.before, connection)
		return
	}
	if _, ok := t.now[connection]; !ok && len(t.now) >= t.limit {
		t.now, t.before = t.before, t.now
		clear(t.now)
	}
	t.now[connection] = known
}

// hash stands for ev's connection as it is before translation.
func (t *translations) hash(ev *probe.Event) uint64 {
	return maphash.Comparable(t.seed, struct {
		transport     flow.Transport
		netns         uint32
		local, remote netip.AddrPort
	}{ev.Transport, ev.NetNS, ev.Local, ev.Remote})
}

// serverOf returns what is known of the end that accepts ev's connection. Both ends
// learn by themselves.
func (t *translations) serverOf(ev *probe.Event) *server {
	at := ev.Remote
	if ev.Reporter == flow.ReporterDestination {
		at = ev.Local
	}
	h := maphash.Comparable(t.seed, struct {
		transport flow.Transport
		reporter  flow.Reporter
		at        netip.AddrPort
	}{ev.Transport, ev.Reporter, at})
	s, ok := t.servers[h]
	if !ok {
		if len(t.servers) >= maxServers {
			clear(t.servers)
		}
		s = new(server)
		t.servers[h] = s
	}
	return s
}

// worthAsking tells whether a connection to s may be translated.
func (s *server) worthAsking(now int64) bool {
	limit := uint32(patience)
	if s.translates {
		limit = patienceAfterHit
	}
	if s.misses >= limit && now-s.asked < sampleEvery && s.skipped+1 < sampleOneIn {
		s.skipped++
		return false
	}
	s.asked, s.skipped = now, 0
	return true
}

// answered completes an event and learns about its server. That nothing is known
// of a connection that was never answered says nothing: a connection that is
// refused on its way, behind its translation, is not tracked.
func (t *translations) answered(q *question, answer *probe.Translation) {
	ev := q.event
	switch {
	case !answer.Remote.IsValid():
		t.counts.Unknown++
		if ev.Kind != probe.Failed && ev.Kind != probe.Connecting && ev.ReceivedPackets > 0 {
			q.server.misses++
		}
	case *answer == probe.Translation{Local: ev.Local, Remote: ev.Remote}:
		t.counts.Untranslated++
		q.server.misses++
	default:
		t.counts.Translated++
		q.server.misses, q.server.translates = 0, true
		// An ended one may have become known by an event before it in the batch.
		if ev.Kind == probe.Live || len(t.now) > 0 {
			t.remember(t.hash(ev), ev.Kind, *answer)
		}
		translate(ev, answer)
	}
}

// translate puts a translation into the event. The remote end of a source is whom
// it reaches, and keeps what it asked for as the original; the ends of a
// destination stay as it sees them.
func translate(ev *probe.Event, by *probe.Translation) {
	if ev.Reporter == flow.ReporterSource {
		if by.Remote != ev.Remote {
			ev.Original, ev.Remote = ev.Remote, by.Remote
		}
		if by.Local != ev.Local {
			ev.Alias = by.Local
		}
		return
	}
	if by.Local != ev.Local {
		ev.Original = by.Local
	}
	if by.Remote != ev.Remote {
		ev.Alias = by.Remote
	}
}

// asked is the address that a source knows its destination by.
func asked(ev *probe.Event) netip.AddrPort {
	if ev.Original.IsValid() {
		return ev.Original
	}
	return ev.Remote
}

// takeCounts returns what was counted since it was last called.
func (t *translations) takeCounts() Translations {
	if t == nil {
		return Translations{}
	}
	counts := t.counts
	t.counts = Translations{}
	return counts
}
