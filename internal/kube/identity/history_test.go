package identity_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube/identity"
)

// life is what truly happened to a pod, in milliseconds: it started, got its address, its
// first container ran, it gave the address back, by completing or by being deleted.
// What the API server told of it came later, if at all.
type life struct {
	name                                   string
	addr                                   netip.Addr
	started, got, ran, seen, lost, deleted int64
	completes                              bool
}

const ms = int64(time.Millisecond)

// lives makes random histories of few addresses that are used again and again.
func lives(r *rand.Rand) []life {
	var all []life
	for a := range 4 {
		addr := netip.AddrFrom4([4]byte{10, 0, 0, byte(a)})
		free := int64(1_000_000)
		for i := range 12 {
			l := life{name: fmt.Sprintf("%d-%d", a, i), addr: addr, completes: r.IntN(3) == 0}
			l.got = free + r.Int64N(3000)
			l.started = l.got - 1 - r.Int64N(4000) // may be while another had the address
			l.ran = l.got + 1 + r.Int64N(2000)
			l.seen = l.got + r.Int64N(3000)
			l.lost = max(l.ran, l.seen) + 1 + r.Int64N(20_000)
			l.deleted = l.lost + r.Int64N(6000) // may be after another has it
			free = l.lost + r.Int64N(500)
			all = append(all, l)
		}
	}
	return all
}

// pod is how the API tells of l at a time: starts are whole seconds, and what ran did
// so from the end of a second on.
func (l *life) pod(now int64) *identity.Pod {
	p := &identity.Pod{UID: l.name, Name: l.name, Started: l.started / 1000 * 1000 * ms}
	if now >= l.seen {
		p.Addresses = []netip.Addr{l.addr}
	}
	if now >= l.ran {
		p.Ran = (l.ran/1000 + 1) * 1000 * ms
	}
	if l.completes && now >= l.lost {
		p.Released = l.lost * ms
	}
	return p
}

// TestNoHistoryNamesAPodThatDidNotHoldTheAddress plays random histories to an index and
// asks at every step about times past: while somebody held the address, of whom the API
// server has told by the question, the answer is that pod or none.
func TestNoHistoryNamesAPodThatDidNotHoldTheAddress(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, seed))
		all := lives(r)
		type event struct {
			at int64
			do func(*identity.Index, int64)
		}
		var events []event
		for i := range all {
			l := &all[i]
			update := func(x *identity.Index, now int64) { x.SetPod(l.pod(now)) }
			events = append(events, event{l.started + r.Int64N(l.seen-l.started+1), update}, event{l.seen, update}, event{l.ran + r.Int64N(2000), update})
			if l.completes {
				events = append(events, event{l.lost, update})
			}
			events = append(events, event{max(l.deleted, l.ran+2000), func(x *identity.Index, _ int64) { x.DeletePod(l.name) }})
		}
		slices.SortStableFunc(events, func(a, b event) int { return int(a.at - b.at) })

		var now int64
		x := identity.NewIndex(grace, func() time.Time { return time.UnixMilli(now) })
		named, held := 0, 0
		for _, e := range events {
			now = e.at
			e.do(x, now)
			if r.IntN(5) == 0 {
				x.Sweep()
			}
			for range 20 {
				l := &all[r.IntN(len(all))]
				first := l.got + r.Int64N(l.lost-l.got)
				last := first + r.Int64N(l.lost-first)
				if last > now || l.seen > now {
					continue
				}
				held++
				p, verdict := x.PodAt(l.addr, first*ms, last*ms)
				if verdict != identity.Found {
					continue
				}
				named++
				if p.Name != l.name {
					t.Fatalf("seed %d at %d: from %d to %d the address was %s's, not %s's: %+v", seed, now, first, last, l.name, p.Name, *l)
				}
			}
		}
		if named*3 < held {
			t.Errorf("seed %d: only %d of %d questions had an answer", seed, named, held)
		}
	}
}
