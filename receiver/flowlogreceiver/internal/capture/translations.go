//go:build linux

package capture

import (
	"hash/maphash"
	"net/netip"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
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
// Each connection is asked for by itself. Nothing of one follows from others: those
// to a service have different backends, and of those to a backend's own address any
// may have been to a service.
type translations struct {
	translator probe.Translator
	seed       maphash.Seed

	// now and before hold translations of open connections, by a hash of them; when
	// now is full it becomes before.
	now, before map[uint64]probe.Translation
	limit       int // of each

	asked   []*probe.Event // whose connections are looked up
	tuples  []probe.Tuple
	answers []probe.Translation

	counts Translations
}

// newTranslations keeps no more than limit translations of open connections.
func newTranslations(translator probe.Translator, limit int) *translations {
	return &translations{
		translator: translator,
		seed:       maphash.MakeSeed(),
		now:        make(map[uint64]probe.Translation),
		before:     make(map[uint64]probe.Translation),
		limit:      max(limit/2, 1),
	}
}

// complete puts translations into the events. A nil t knows none. It makes as many
// system calls as events fill batches. On an error they stay as they were.
func (t *translations) complete(events []probe.Event) error {
	if t == nil {
		return nil
	}
	t.asked, t.tuples = t.asked[:0], t.tuples[:0]
	for i := range events {
		if ev := &events[i]; t.concerns(ev) {
			t.recallOrAsk(ev)
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
	for i, ev := range t.asked {
		t.answered(ev, &answers[i])
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
// to be looked up.
func (t *translations) recallOrAsk(ev *probe.Event) {
	if known, ok := t.recall(ev); ok {
		translate(ev, &known)
		return
	}
	t.asked = append(t.asked, ev)
	t.tuples = append(t.tuples, probe.Tuple{Transport: ev.Transport, Local: ev.Local, Remote: ev.Remote})
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

// answered completes an event by what was found.
func (t *translations) answered(ev *probe.Event, answer *probe.Translation) {
	switch {
	case !answer.Remote.IsValid():
		t.counts.Unknown++
	case *answer == probe.Translation{Local: ev.Local, Remote: ev.Remote}:
		t.counts.Untranslated++
	default:
		t.counts.Translated++
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
