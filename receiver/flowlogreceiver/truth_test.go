//go:build linux

package flowlogreceiver

import (
	"cmp"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// truth is what all records of a test must add up to, for one pair of ends as
// one of them reports it. Tests declare all truths; any other fails them.
type truth struct {
	Reporter            flow.Reporter
	Source, Destination netip.Addr
	Port                uint16 // of the destination
	Action              flow.Action
	Reason              string
	// PeerUnseen says that the other end is not reported.
	PeerUnseen bool

	Started, Completed, Reset, TimedOut, Abandoned uint64
	SourcePayload, DestinationPayload              uint64

	// Processes at both ends, the reporter's own and what is known of the other.
	SourceProcess, DestinationProcess string
}

// me is how the kernel names the process of the tests.
var me = filepath.Base(os.Args[0])

// both returns the two reports of a connection on this machine by processes of
// the tests; t is the source's.
func both(t truth) []truth {
	t.Reporter, t.Action = flow.ReporterSource, flow.Allow
	t.SourceProcess = cmp.Or(t.SourceProcess, me)
	t.DestinationProcess = cmp.Or(t.DestinationProcess, me)
	d := t
	d.Reporter = flow.ReporterDestination
	return []truth{t, d}
}

// denied returns the report of a connect that failed.
func denied(to netip.AddrPort, from netip.Addr, reason string) truth {
	return truth{
		Reporter: flow.ReporterSource, Source: from, Destination: to.Addr(), Port: to.Port(), Action: flow.Deny, Reason: reason,
		PeerUnseen: true, Started: 1, Completed: 1, SourceProcess: me,
	}
}

// add up the records.
func truths(tb testing.TB, flows []flow.Flow) []truth {
	tb.Helper()
	sums := make(map[truth]truth)
	for i := range flows {
		f := &flows[i]
		if f.Connections.Seen != f.Connections.Completed+f.Connections.Open {
			tb.Errorf("seen is not completed and open: %s", describe(flows[i:i+1]))
		}
		key := truth{
			Reporter: f.Reporter, Source: f.Source.Address, Destination: f.Destination.Address, Port: f.Destination.Port,
			Action: f.Action, Reason: f.Denial.Reason.String(), PeerUnseen: !f.PeerObserved,
			SourceProcess: f.Source.Process.String(), DestinationProcess: f.Destination.Process.String(),
		}
		sum, ok := sums[key]
		if !ok {
			sum = key
		}
		sum.Started += f.Connections.Started
		sum.Completed += f.Connections.Completed
		sum.Reset += f.Connections.Reset
		sum.TimedOut += f.Connections.TimedOut
		sum.Abandoned += f.Connections.Abandoned
		sum.SourcePayload += f.Source.PayloadBytes
		sum.DestinationPayload += f.Destination.PayloadBytes
		sums[key] = sum
	}
	all := make([]truth, 0, len(sums))
	for _, sum := range sums {
		all = append(all, sum)
	}
	return all
}

// verify fails unless flows add up to exactly want.
func verify(tb testing.TB, flows []flow.Flow, want ...truth) {
	tb.Helper()
	requireSums(tb, flows, want, truths(tb, flows))
}

// requireSums fails unless what flows add up to, in any order, is what is wanted.
func requireSums[T any](tb testing.TB, flows []flow.Flow, want, got []T) {
	tb.Helper()
	order := func(a, b T) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) }
	slices.SortFunc(got, order)
	slices.SortFunc(want, order)
	if diff := gocmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{}), cmpopts.EquateEmpty()); diff != "" {
		tb.Errorf("records (-want +got):\n%s\n%s", diff, describe(flows))
	}
}

// ends counts the reports of a connection's end.
func ends(n uint64) func([]flow.Flow) bool {
	return func(flows []flow.Flow) bool {
		var sum uint64
		for i := range flows {
			sum += flows[i].Connections.Completed
		}
		return sum >= n
	}
}

// payloads waits until both ends together report n bytes of payload.
func payloads(n uint64) func([]flow.Flow) bool {
	return func(flows []flow.Flow) bool {
		var sum uint64
		for i := range flows {
			sum += flows[i].Source.PayloadBytes + flows[i].Destination.PayloadBytes
		}
		return sum >= n
	}
}
