package flow_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow/flowtest"
)

// like returns a random record with f's key.
func like(f *flow.Flow, r *rand.Rand) flow.Flow {
	g := flowtest.Flow(r)
	g.Observer, g.Reporter, g.PeerObserved, g.Action, g.Denial = f.Observer, f.Reporter, f.PeerObserved, f.Action, f.Denial
	g.Transport, g.ICMP, g.NetworkNamespace = f.Transport, f.ICMP, f.NetworkNamespace
	g.IPVersion, g.SamplingRate, g.Aggregation = f.IPVersion, f.SamplingRate, f.Aggregation
	for _, side := range [][2]*flow.Endpoint{{&g.Source, &f.Source}, {&g.Destination, &f.Destination}} {
		side[0].Kubernetes = side[1].Kubernetes
		port := side[0].Port
		side[0].Address, side[0].Type, side[0].Scope, side[0].Process, side[0].Port = side[1].Address, side[1].Type, side[1].Scope, side[1].Process, side[1].Port
		original := side[0].OriginalPort
		side[0].OriginalAddress, side[0].OriginalPort = side[1].OriginalAddress, side[1].OriginalPort
		if side[0] == &g.Source && r.IntN(2) == 0 {
			side[0].Port, side[0].OriginalPort = port, original
		}
	}
	other := g.Process
	g.Process = f.Process
	if r.IntN(2) == 0 {
		g.Process.PID, g.Process.CommandLine = other.PID, other.CommandLine
	}
	return g
}

func merged(flows ...flow.Flow) flow.Flow {
	sum := flows[0]
	for i := range flows[1:] {
		sum.Merge(&flows[i+1])
	}
	sum.ID = flow.ID{} // the one thing that depends on the order
	return sum
}

func TestMergeInAnyOrderIsTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 2000 {
		a := flowtest.Flow(r)
		b, c := like(&a, r), like(&a, r)
		assert.Equal(t, a.Key(false), b.Key(false))
		assert.Empty(t, cmp.Diff(merged(a, b), merged(b, a), comparable), "commutative")
		assert.Empty(t, cmp.Diff(merged(merged(a, b), c), merged(a, merged(b, c)), comparable), "associative")
		both := merged(a, b)
		assert.Equal(t, a.Key(false), both.Key(false), "the key stays")
	}
}

func TestMergeConservesEveryCounter(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	flows := []flow.Flow{flowtest.Flow(r)}
	for range 500 {
		flows = append(flows, like(&flows[0], r))
	}
	sum := merged(flows...)
	for i := range flow.Flows.Fields() {
		f := &flow.Flows.Fields()[i]
		if f.Role != flow.Counter && f.Name != "flow.connections.open" {
			continue
		}
		var want int64
		for k := range flows {
			want += f.Get(&flows[k]).Int
		}
		assert.Equal(t, want, f.Get(&sum).Int, f.Name)
	}
}

// TestMergeFollowsTheRegistry holds the typed merge against what the registry says of
// each attribute.
func TestMergeFollowsTheRegistry(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for range 1000 {
		a := flowtest.Flow(r)
		b := like(&a, r)
		sum := merged(a, b)
		for i := range flow.Flows.Fields() {
			f := &flow.Flows.Fields()[i]
			if f.Merge == flow.MergeAgain || f.Merge == flow.MergeNew || ofMergedRecords(f.Name) {
				continue
			}
			assert.Equal(t, mergedValue(f.Merge, f.Get(&a), f.Get(&b)), f.Get(&sum), f.Name)
		}
	}
}

// ofMergedRecords is what flow_aggregation adds, after the records that Flow.Merge merges.
func ofMergedRecords(name string) bool {
	return strings.HasPrefix(name, "flow.aggregation.") || name == "flow.sampling.rate" ||
		slices.ContainsFunc(flow.Listings(), func(l flow.Listing) bool { return name == l.Count || name == l.List && l.List != l.Of })
}

func mergedValue(how flow.Merging, a, b flow.Value) flow.Value {
	equal := cmp.Equal(a, b, comparable)
	switch {
	case how == flow.MergeSum && a.Present() && b.Present():
		a.Int += b.Int
		return a
	case how == flow.MergeCommon && equal, how == flow.MergeIntersect && equal, !b.Present() && how != flow.MergeCommon:
		return a
	case how == flow.MergeCommon:
		return flow.Value{}
	case !a.Present():
		return b
	case how == flow.MergeLeast:
		a.Int = min(a.Int, b.Int)
	case how == flow.MergeMost:
		a.Int = max(a.Int, b.Int)
	case how == flow.MergeMixed && !equal:
		a.Str = "mixed"
	case how == flow.MergeUnion:
		a.List = append(slices.Clone(a.List), b.List...)
		slices.Sort(a.List)
		a.List = slices.Compact(a.List)
		a.List = a.List[:min(len(a.List), flow.MaxNames)]
	}
	return a
}

func TestMergeOfIntervalsAndExtremes(t *testing.T) {
	a := flow.Flow{ID: flow.ID{Counter: 1}, Start: 10, End: 20, Source: flow.Endpoint{Port: 1}, Process: flow.Process{PID: 5}, TCP: flow.TCP{RTTMin: 7, RTTMax: 9}}
	b := flow.Flow{ID: flow.ID{Counter: 2}, Start: 5, End: 15, Source: flow.Endpoint{Port: 1}, Process: flow.Process{PID: 6}, TCP: flow.TCP{RTTMax: 30}}
	a.Merge(&b)
	assert.EqualValues(t, 1, a.ID.Counter, "the first keeps its ID")
	assert.EqualValues(t, 5, a.Start)
	assert.EqualValues(t, 20, a.End)
	assert.EqualValues(t, 1, a.Source.Port, "a port that both have is known")
	assert.Zero(t, a.Process.PID, "two processes have no one id")
	assert.EqualValues(t, 7, a.TCP.RTTMin, "unknown is not the least")
	assert.EqualValues(t, 30, a.TCP.RTTMax)
	c := flow.Flow{Source: flow.Endpoint{Port: 2}, TCP: flow.TCP{RTTMin: 3}}
	a.Merge(&c)
	assert.Zero(t, a.Source.Port)
	assert.EqualValues(t, 3, a.TCP.RTTMin)
}

// TestKeyTellsApart changes one attribute after the other: a dimension that
// Merge cannot represent must be in the key.
func TestKeyTellsApart(t *testing.T) {
	base := flow.Flow{}
	notInKey := map[string]bool{
		"source.port": true, "source.original.port": true, "process.pid": true, "process.command_line": true, // unknown when they differ
		"source.type": true, "source.scope": true, "destination.type": true, "destination.scope": true, // follow from the address
		"container.id":         true, // follows from the cgroup
		"flow.tcp.final_state": true, // mixed when they differ
		"network.type":         true, // derived from it
		"destination.domains":  true, // joined
	}
	values := map[flow.Type]flow.Value{
		flow.Keyword: {Type: flow.Keyword, Str: "x"}, flow.Address: {Type: flow.Address, Addr: addr("192.0.2.1")},
		flow.Integer: {Type: flow.Integer, Int: 7}, flow.Boolean: {Type: flow.Boolean, Int: 1},
		flow.Keywords: {Type: flow.Keywords, List: []string{"x"}}, flow.Map: {Type: flow.Map, Map: flow.LabelsOf()},
	}
	enumerated := map[string]string{"flow.reporter": "forward", "flow.action": "deny", "flow.deny.class": "reject", "network.transport": "udp", "flow.tcp.final_state": "time_wait", "source.type": "pod", "destination.type": "pod", "source.scope": "public", "destination.scope": "public", "network.type": "ipv4"}
	for i := range flow.Flows.Fields() {
		f := &flow.Flows.Fields()[i]
		if f.Role != flow.Dimension || ofMergedRecords(f.Name) {
			continue
		}
		// What the cluster knows is added to records that are merged.
		ofKubernetes := strings.Contains(f.Name, "n.k8s.") || strings.Contains(f.Name, "e.k8s.") ||
			strings.HasSuffix(f.Name, ".network.name") || strings.HasSuffix(f.Name, ".cloud.availability_zone")
		v := values[f.Type]
		if s, ok := enumerated[f.Name]; ok {
			v.Str = s
		}
		changed := base
		assert.NoError(t, f.Set(&changed, v))
		assert.Equal(t, notInKey[f.Name] || ofKubernetes, changed.Key(false) == base.Key(false), f.Name)
	}
	port := flow.Flow{Source: flow.Endpoint{Port: 1}}
	assert.Equal(t, base.Key(false), port.Key(false))
	assert.NotEqual(t, base.Key(true), port.Key(true), "unless the source port is to be kept")
	port.Source = flow.Endpoint{OriginalPort: 1}
	assert.Equal(t, base.Key(false), port.Key(false))
	assert.NotEqual(t, base.Key(true), port.Key(true), "and the original one too")
}

func TestCountsOnce(t *testing.T) {
	for _, test := range []struct {
		reporter flow.Reporter
		peer     bool
		want     bool
	}{
		{flow.ReporterSource, false, true},
		{flow.ReporterSource, true, true},
		{flow.ReporterDestination, false, true},
		{flow.ReporterDestination, true, false},
		{flow.ReporterForward, false, true},
		{flow.ReporterUnknown, false, true},
	} {
		f := flow.Flow{Reporter: test.reporter, PeerObserved: test.peer}
		assert.Equal(t, test.want, f.CountsOnce(), "%s %t", test.reporter, test.peer)
	}
}

func TestReportedAlike(t *testing.T) {
	for _, reporter := range []flow.Reporter{flow.ReporterUnknown, flow.ReporterSource, flow.ReporterDestination, flow.ReporterForward} {
		atAnEnd := reporter == flow.ReporterSource || reporter == flow.ReporterDestination
		for action, want := range map[flow.Action]bool{flow.Allow: atAnEnd, flow.Deny: false, flow.ActionUnknown: false} {
			assert.Equal(t, want, flow.ReportedAlike(reporter, action), "%s %s", reporter, action)
		}
	}
}

func TestMergeOfHealth(t *testing.T) {
	a := flow.TCP{
		RTTSum: 300, RTTSamples: 1, RTTMin: 200, RTTMax: 300, MinRTTSum: 200, MinRTTMax: 200,
		HandshakeSum: 250, HandshakeSamples: 1, HandshakeMax: 250,
		CwndSum: 10, MSSSum: 1448, Samples: 1, CwndMin: 10, MSSMin: 1448, FinalState: flow.TCPTimeWait,
	}
	b := flow.TCP{
		RTTSum: 100, RTTSamples: 1, RTTMin: 50, RTTMax: 100, MinRTTSum: 50, MinRTTMax: 50,
		CwndSum: 3, MSSSum: 536, Samples: 1, CwndMin: 3, MSSMin: 536,
	}
	f, g := flow.Flow{TCP: a}, flow.Flow{TCP: b}
	f.Merge(&g)
	for name, want := range map[string]int64{
		"flow.tcp.rtt.mean": 200, "flow.tcp.rtt.min": 50, "flow.tcp.rtt.max": 300,
		"flow.tcp.min_rtt.mean": 125, "flow.tcp.min_rtt.max": 200,
		"flow.tcp.handshake.mean": 250, "flow.tcp.handshake.max": 250, "flow.tcp.handshake.samples": 1,
		"flow.tcp.cwnd.mean": 6, "flow.tcp.cwnd.min": 3, "flow.tcp.mss.mean": 992, "flow.tcp.mss.min": 536, "flow.tcp.samples": 2,
	} {
		assert.Equal(t, want, flow.Flows.Lookup(name).Get(&f).Int, name)
	}
	assert.Equal(t, flow.TCPTimeWait, f.TCP.FinalState, "one that is open has no final state")
	f.Merge(&flow.Flow{TCP: flow.TCP{FinalState: flow.TCPLastAck}})
	assert.Equal(t, flow.TCPMixed, f.TCP.FinalState)
	f.Merge(&flow.Flow{TCP: flow.TCP{FinalState: flow.TCPTimeWait}})
	assert.Equal(t, flow.TCPMixed, f.TCP.FinalState, "and stays so")
}

func TestMergeOfCommandLines(t *testing.T) {
	line := flow.Intern("sleep 1")
	f := flow.Flow{Process: flow.Process{PID: 1, CommandLine: line}}
	f.Merge(&flow.Flow{Process: flow.Process{PID: 2, CommandLine: line}})
	assert.Equal(t, line, f.Process.CommandLine, "several processes with one command line have it")
	f.Merge(&flow.Flow{Process: flow.Process{CommandLine: flow.Intern("sleep 2")}})
	assert.False(t, f.Process.CommandLine.Known())
	f.Merge(&flow.Flow{Process: flow.Process{CommandLine: line}})
	assert.False(t, f.Process.CommandLine.Known(), "once lost it stays so")
}
