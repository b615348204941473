package flowk8sprocessor

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube/identity"
)

// The addresses of two nodes with two pods each, on the first of which one has a kernel of
// its own, and one outside.
const (
	node1, web1, guest1 = "192.168.7.1", "10.244.1.1", "10.244.1.3"
	node2, web2, db2    = "192.168.7.2", "10.244.2.1", "10.244.2.2"
	outside             = "203.0.113.9"
)

// newCluster is a gateway that knows these.
func newCluster(t *testing.T, change func(*Config)) *rig {
	r := newRig(t, change)
	since := time.Unix(1000, 0).UnixNano()
	for i, p := range []struct{ name, node, address string }{
		{"web-1", "node-1", web1}, {"guest-1", "node-1", guest1}, {"web-2", "node-2", web2}, {"db-2", "node-2", db2},
	} {
		uid := "22222222-0000-4000-8000-00000000000" + string(rune('0'+i))
		r.resolver.Index.SetPod(&identity.Pod{
			UID: uid, Name: p.name, Namespace: flow.Intern("shop"), Labels: flow.LabelsOf(), Node: flow.Intern(p.node),
			Addresses: []netip.Addr{netip.MustParseAddr(p.address)}, Started: since, Ran: since, OwnKernel: p.address == guest1,
		})
	}
	for name, address := range map[string]string{"node-1": node1, "node-2": node2} {
		r.resolver.Index.SetNode(&identity.Node{Name: flow.Intern(name), Addresses: []netip.Addr{netip.MustParseAddr(address)}})
	}
	return r
}

// signOf is a sign of life that a node's agent sends at a time.
func signOf(node string, at time.Time) flow.Agent {
	return flow.Agent{
		Observer: flow.Observer{Node: flow.InternKnown(node)}, Time: at.UnixNano(), Started: time.Unix(1000, 0).UnixNano(), Interval: int64(10 * time.Second),
		Engines: []flow.Engine{{Name: "tcp", On: true}, {Name: "datagram", On: true}},
	}
}

func (r *rig) hears(t *testing.T, signs ...flow.Agent) {
	t.Helper()
	require.NoError(t, r.ConsumeLogs(t.Context(), flow.Encode(&flow.Batch{Agents: signs}, r.at)))
}

// report is what the agent of a node tells of a connection.
func (r *rig) report(node string, reporter flow.Reporter, from, to string) flow.Flow {
	return flow.Flow{
		Start: r.at.Add(-10 * time.Second).UnixNano(), End: r.at.UnixNano(), Observer: flow.Observer{Node: flow.InternKnown(node)},
		Reporter: reporter, Action: flow.Allow, Transport: flow.TransportTCP, Connections: flow.Connections{Seen: 1},
		Source:      flow.Endpoint{Address: netip.MustParseAddr(from), Port: 40000},
		Destination: flow.Endpoint{Address: netip.MustParseAddr(to), Port: 5432},
	}
}

// passes has reports go through the gateway, all waits included.
func (r *rig) passes(t *testing.T, logs plog.Logs) []flow.Flow {
	t.Helper()
	r.sink.Reset()
	require.NoError(t, r.ConsumeLogs(t.Context(), logs))
	r.passDue(t)
	var out []flow.Flow
	for _, logs := range r.sink.AllLogs() {
		batch, rejected := flow.Decode(logs)
		require.NoError(t, rejected.Err())
		out = append(out, batch.Flows...)
	}
	return out
}

func TestPeersOnOtherNodesAreObserved(t *testing.T) {
	config := func(nodes ObservedNodes, hosts bool) func(*Config) {
		return func(c *Config) { c.ObservedNodes, c.ObservedHosts = nodes, hosts }
	}
	seen, all, none := config(NodesSeen, false), config(NodesAll, false), config(NodesNone, true)
	const source, destination = flow.ReporterSource, flow.ReporterDestination
	for name, test := range map[string]struct {
		config   func(*Config)
		heard    func(*flow.Agent) // changes the sign of node-1; nil sends it as it is
		reporter flow.Reporter
		from, to string
		change   func(*flow.Flow)
		want     bool
	}{
		"the destination's report":        {reporter: destination, from: web1, to: db2, want: true},
		"the destination in node network": {reporter: destination, from: web1, to: node2, want: true},
		"the source's report":             {reporter: source, from: db2, to: web1, want: true},
		"a datagram":                      {reporter: destination, from: web1, to: db2, change: datagram, want: true},
		"a service that was translated": {reporter: source, from: db2, to: web1, want: true, change: func(f *flow.Flow) {
			f.Destination.OriginalAddress, f.Destination.OriginalPort = netip.MustParseAddr("10.96.0.1"), 80
		}},

		"the other agent has its datagrams off": {reporter: destination, from: web1, to: db2, change: datagram, heard: func(a *flow.Agent) { a.Engines[1].On = false }},
		"the other agent began in between":      {reporter: destination, from: web1, to: db2, heard: func(a *flow.Agent) { a.Started = a.Time - 1 }},
		"the other agent fell silent":           {reporter: destination, from: web1, to: db2, heard: func(a *flow.Agent) { a.Time -= int64(61 * time.Second) }},
		"no node has no agent":                  {reporter: destination, from: web1, to: db2, heard: func(a *flow.Agent) { a.Observer.Node = flow.Name{} }},

		"ends on one node":        {config: all, reporter: destination, from: web2, to: db2},
		"marked on one node":      {config: none, reporter: destination, from: web2, to: db2, change: marked, want: true},
		"marked by someone":       {reporter: destination, from: outside, to: db2, change: marked, want: true},
		"a source outside":        {config: config(NodesAll, true), reporter: destination, from: outside, to: db2},
		"a source with a kernel":  {config: all, reporter: destination, from: guest1, to: db2},
		"denied at destination":   {config: all, reporter: destination, from: web1, to: db2, change: denied(flow.PolicyDrop)},
		"denied at source":        {config: all, reporter: source, from: db2, to: web1, change: denied(flow.Timeout)},
		"forwarded":               {config: all, reporter: flow.ReporterForward, from: web1, to: db2},
		"a reporter of no end":    {config: all, from: web1, to: db2},
		"an observer of no node":  {config: all, reporter: destination, from: web1, to: db2, change: func(f *flow.Flow) { f.Observer.Node = flow.Name{} }},
		"a node's address":        {config: all, reporter: destination, from: node1, to: db2},
		"a node's address, told":  {config: config(NodesAll, true), reporter: destination, from: node1, to: db2, want: true},
		"a node that is not seen": {config: config(NodesSeen, true), reporter: destination, from: node1, to: db2, heard: func(a *flow.Agent) { a.Observer.Node = flow.Intern("node-9") }},
		"its own node's address":  {config: config(NodesAll, true), reporter: destination, from: node2, to: db2},

		"every node, none heard of": {config: all, reporter: destination, from: web1, to: db2, want: true, heard: func(a *flow.Agent) { a.Observer.Node = flow.Name{} }},
		"no node":                   {config: none, reporter: destination, from: web1, to: db2},
	} {
		t.Run(name, func(t *testing.T) {
			if test.config == nil {
				test.config = seen
			}
			r := newCluster(t, test.config)
			sign := signOf("node-1", r.at)
			if test.heard != nil {
				test.heard(&sign)
			}
			r.hears(t, sign, signOf("node-2", r.at))
			f := r.report("node-2", test.reporter, test.from, test.to)
			if test.change != nil {
				test.change(&f)
			}
			got := r.passes(t, encode(f))
			require.Len(t, got, 1)
			assert.Equal(t, test.want, got[0].PeerObserved)
		})
	}
}

func datagram(f *flow.Flow) { f.Transport = flow.TransportUDP }
func marked(f *flow.Flow)   { f.PeerObserved = true }

func denied(class flow.DenyClass) func(*flow.Flow) {
	return func(f *flow.Flow) { f.Action, f.Denial.Class = flow.Deny, class }
}

// TestViewsCountOnceAcrossNodes holds what decision 1 says: how often a view that counts
// once counts one connection of which the agents of both nodes report what they see.
func TestViewsCountOnceAcrossNodes(t *testing.T) {
	r := newCluster(t, nil)
	r.hears(t, signOf("node-1", r.at), signOf("node-2", r.at))
	with := func(f flow.Flow, change func(*flow.Flow)) flow.Flow {
		change(&f)
		return f
	}
	abandoned := func(f *flow.Flow) { f.Connections.Abandoned = 1 }
	const source, destination = flow.ReporterSource, flow.ReporterDestination
	for name, test := range map[string]struct {
		reports      []flow.Flow
		allow, deny  uint64
		observedHost bool
	}{
		"between pods":             {reports: []flow.Flow{r.report("node-1", source, web1, db2), r.report("node-2", destination, web1, db2)}, allow: 1},
		"and back":                 {reports: []flow.Flow{r.report("node-2", source, db2, web1), r.report("node-1", destination, db2, web1)}, allow: 1},
		"to the node's network":    {reports: []flow.Flow{r.report("node-1", source, web1, node2), r.report("node-2", destination, web1, node2)}, allow: 1},
		"of one node":              {reports: []flow.Flow{r.report("node-2", source, web2, db2), with(r.report("node-2", destination, web2, db2), marked)}, allow: 1},
		"to outside":               {reports: []flow.Flow{r.report("node-1", source, web1, outside)}, allow: 1},
		"from outside":             {reports: []flow.Flow{r.report("node-2", destination, outside, db2)}, allow: 1},
		"from outside, by a node":  {reports: []flow.Flow{r.report("node-2", destination, node1, db2)}, allow: 1},
		"from a virtual machine":   {reports: []flow.Flow{r.report("node-2", destination, guest1, db2)}, allow: 1},
		"refused by nobody's port": {reports: []flow.Flow{with(r.report("node-1", source, web1, db2), denied(flow.NoListener))}, deny: 1},
		"dropped at the source":    {reports: []flow.Flow{with(r.report("node-1", source, web1, db2), denied(flow.PolicyDrop))}, deny: 1},
		"dropped at the destination, datagrams": {reports: []flow.Flow{
			with(r.report("node-1", source, web1, db2), datagram), with(with(r.report("node-2", destination, web1, db2), datagram), denied(flow.PolicyDrop)),
		}, allow: 1, deny: 1},
		"dropped at the destination, given up": {reports: []flow.Flow{
			with(r.report("node-1", source, web1, db2), abandoned), with(r.report("node-2", destination, web1, db2), denied(flow.PolicyDrop)),
		}, allow: 1, deny: 1},
		"dropped at the destination, timed out": {reports: []flow.Flow{
			with(r.report("node-1", source, web1, db2), denied(flow.Timeout)), with(r.report("node-2", destination, web1, db2), denied(flow.PolicyDrop)),
		}, deny: 2},
		"dropped by a node between": {reports: []flow.Flow{
			with(r.report("node-1", source, web1, outside), denied(flow.Timeout)), with(r.report("node-2", flow.ReporterForward, web1, outside), denied(flow.PolicyDrop)),
		}, deny: 2},
		"from a node's network": {reports: []flow.Flow{r.report("node-1", source, node1, db2), r.report("node-2", destination, node1, db2)}, allow: 2},
		"masqueraded":           {reports: []flow.Flow{r.report("node-1", source, web1, node2), r.report("node-2", destination, node1, node2)}, allow: 2},
		"from a node's network, told": {
			reports: []flow.Flow{r.report("node-1", source, node1, db2), r.report("node-2", destination, node1, db2)}, observedHost: true, allow: 1,
		},
		"masqueraded, told": {
			reports: []flow.Flow{r.report("node-1", source, web1, node2), r.report("node-2", destination, node1, node2)}, observedHost: true, allow: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r.config.ObservedHosts = test.observedHost
			counted := make(map[flow.Action]uint64)
			got := r.passes(t, encode(test.reports...))
			require.Len(t, got, len(test.reports))
			for _, f := range got {
				if f.CountsOnce() {
					counted[f.Action] += f.Connections.Seen
				}
			}
			assert.Equal(t, [2]uint64{test.allow, test.deny}, [2]uint64{counted[flow.Allow], counted[flow.Deny]})
		})
	}
}

// While an agent is replaced, reports from the other side count. One that is killed does
// not say so: until the next has started, or it has been silent for too long, they do not.
func TestViewsCountWhileAnAgentIsAway(t *testing.T) {
	sign := func(ended bool) func(*flow.Agent) { return func(a *flow.Agent) { a.Ended = ended } }
	start := func(a *flow.Agent) { a.Started = a.Time }
	type step struct {
		at     time.Duration
		sign   func(*flow.Agent) // of the source's agent, unless nil
		counts bool              // the destination's report of the ten seconds before
	}
	for name, steps := range map[string][]step{
		"replaced": {
			{0, sign(true), false}, {10 * time.Second, nil, true}, {12 * time.Second, start, true}, {22 * time.Second, nil, false},
		},
		"killed, and started again": {
			{0, sign(false), false}, {10 * time.Second, nil, false}, {12 * time.Second, start, true}, {22 * time.Second, nil, false},
		},
		"killed for good": {{0, sign(false), false}, {30 * time.Second, nil, false}, {31 * time.Second, nil, true}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newCluster(t, nil)
			began := r.at
			for _, s := range steps {
				r.at = began.Add(s.at)
				if s.sign != nil {
					a := signOf("node-1", r.at)
					s.sign(&a)
					r.hears(t, a)
				}
				got := r.passes(t, encode(r.report("node-2", flow.ReporterDestination, web1, db2)))
				require.Len(t, got, 1)
				assert.Equal(t, s.counts, got[0].CountsOnce(), s.at)
			}
		})
	}
}

func TestSignsAreHeardOfBeforeRecordsGoOn(t *testing.T) {
	r := newCluster(t, nil)
	r.knows(false)
	r.patience = r.at.Add(10 * time.Second)
	require.NoError(t, r.ConsumeLogs(t.Context(), encode(r.report("node-2", flow.ReporterDestination, web1, db2))))
	r.hears(t, signOf("node-1", r.at))
	require.Empty(t, r.sink.AllLogs())
	r.knows(true)
	r.passDue(t)
	batch, rejected := flow.Decode(r.sink.AllLogs()[0])
	require.NoError(t, rejected.Err())
	assert.True(t, batch.Flows[0].PeerObserved)
	assert.Equal(t, 1, r.observed().Agents)
}

func TestBrokenSignsDoNoHarm(t *testing.T) {
	r := newCluster(t, nil)
	logs := flow.Encode(&flow.Batch{Agents: []flow.Agent{signOf("node-1", r.at)}}, r.at)
	recordOf(logs).PutStr("flow.agent.interval", "soon")
	require.NoError(t, r.ConsumeLogs(t.Context(), logs))
	assert.Equal(t, 1, r.sink.LogRecordCount())
	assert.Zero(t, r.observed().Agents)
}
