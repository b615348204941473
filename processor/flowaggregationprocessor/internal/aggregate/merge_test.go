package aggregate_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowaggregationprocessor/internal/aggregate"
)

// pod is an end of a flow; i tells pods of a workload apart.
func pod(workload string, i int) flow.Endpoint {
	name := fmt.Sprintf("%s-%d", workload, i)
	return flow.Endpoint{
		Address: netip.AddrFrom4([4]byte{10, 1, workload[0], byte(i)}), Type: flow.EndpointPod, Scope: flow.ScopePrivate, Bytes: 100 * uint64(i+1),
		Kubernetes: &flow.Kubernetes{
			Namespace: flow.Intern("shop"), Pod: flow.Intern(name), PodPrefix: flow.Intern(workload + "-*"),
			WorkloadKind: flow.Intern("Deployment"), WorkloadName: flow.Intern(workload), Node: flow.Intern(fmt.Sprint("node-", i%2)),
			PodLabels: flow.LabelsOfMap(map[string]string{"app": workload, "pod": name}),
		},
	}
}

// between is a flow that ended s seconds after the start of the first window.
func between(source, destination flow.Endpoint, port uint16, s int) flow.Flow {
	destination.Port, source.Port = port, 40000+uint16(s)
	end := start.Add(time.Duration(s) * time.Second).UnixNano()
	return flow.Flow{
		Start: end - 10e9, End: end, Observer: flow.Observer{Host: flow.Intern("h"), Node: flow.Intern("node-0")},
		Reporter: flow.ReporterSource, Action: flow.Allow, Transport: flow.TransportTCP, Source: source, Destination: destination,
		Process:     flow.Process{Executable: flow.Intern("curl"), PID: uint32(s)},
		Connections: flow.Connections{Seen: 1, Started: 1, Completed: 1},
	}
}

func list(f *flow.Flow, of string) flow.List {
	for i, l := range flow.Listings() {
		if l.Of == of {
			return f.Aggregation.Lists[i]
		}
	}
	panic(of)
}

func TestWorkloadsBecomeOneAndSayWhatTheyDifferIn(t *testing.T) {
	b := newBench(t, nil)
	b.add(between(pod("web", 0), pod("db", 0), 5432, 10), between(pod("web", 1), pod("db", 0), 5432, 20), between(pod("web", 1), pod("db", 0), 5432, 30))
	flows := b.take(true)
	require.Len(t, flows, 1)
	f := &flows[0]
	assert.Equal(t, flow.LevelWorkloads, f.Aggregation.Level)
	assert.EqualValues(t, 3, f.Aggregation.Records)
	assert.Equal(t, start.UnixNano(), f.Start, "the earliest start")
	assert.Equal(t, start.Add(30*time.Second).UnixNano(), f.End, "the latest end")
	assert.EqualValues(t, 100+200+200, f.Source.Bytes)
	assert.EqualValues(t, 3, f.Connections.Started)

	assert.False(t, f.Source.Address.IsValid())
	assert.Equal(t, []string{"10.1.119.1", "10.1.119.0"}, list(f, "source.address").Values, "the most bytes first")
	assert.Zero(t, list(f, "source.address").Count, "the list has them all")
	assert.Equal(t, []string{"web-1", "web-0"}, list(f, "source.k8s.pod.name").Values)
	assert.Equal(t, "web", f.Source.Kubernetes.WorkloadName.String())
	assert.False(t, f.Source.Kubernetes.Node.Known(), "they run on two nodes")
	assert.Equal(t, map[string]string{"app": "web"}, labels(f.Source.Kubernetes.PodLabels), "what the labels share")

	assert.Equal(t, "10.1.100.0", f.Destination.Address.String(), "what all share stays")
	assert.Equal(t, "db-0", f.Destination.Kubernetes.Pod.String())
	assert.Equal(t, map[string]string{"app": "db", "pod": "db-0"}, labels(f.Destination.Kubernetes.PodLabels))
	assert.Equal(t, flow.List{}, list(f, "destination.address"))
	assert.Equal(t, flow.IPv4, f.NetworkType())
	assert.Equal(t, []string{"20", "30", "10"}, list(f, "process.pid").Values)
	assert.Equal(t, "curl", f.Process.Executable.String())
}

func labels(l flow.Labels) map[string]string {
	m := make(map[string]string)
	for key, value := range l.All() {
		m[key] = value
	}
	return m
}

func TestLevels(t *testing.T) {
	two := func(change func(*flow.Flow)) []flow.Flow {
		a := between(pod("web", 0), pod("db", 0), 5432, 10)
		b := a
		change(&b)
		return []flow.Flow{a, b}
	}
	for name, test := range map[string]struct {
		change func(*flow.Flow)
		until  flow.Level // the last level that tells them apart
	}{
		"source port":      {func(f *flow.Flow) { f.Source.Port++ }, flow.LevelAll},
		"process":          {func(f *flow.Flow) { f.Process.PID++ }, 0},
		"executable":       {func(f *flow.Flow) { f.Process.Executable = flow.Intern("wget") }, flow.LevelPorts},
		"pod":              {func(f *flow.Flow) { f.Source = pod("web", 1) }, flow.LevelPorts},
		"destination port": {func(f *flow.Flow) { f.Destination.Port++ }, flow.LevelWorkloads},
		"workload":         {func(f *flow.Flow) { f.Destination = pod("cache", 0) }, flow.LevelServices},
		"action":           {func(f *flow.Flow) { f.Action = flow.Deny }, flow.LevelServices},
		"reporter":         {func(f *flow.Flow) { f.Reporter = flow.ReporterDestination }, flow.LevelServices},
		"peer observed":    {func(f *flow.Flow) { f.PeerObserved = true }, flow.LevelServices},
		"observer":         {func(f *flow.Flow) { f.Observer.Node = flow.Intern("node-9") }, flow.LevelServices},
		"nodes of hosts": {func(f *flow.Flow) {
			f.Destination.Type, f.Destination.Kubernetes = flow.EndpointHost, &flow.Kubernetes{Node: flow.Intern("node-3")}
		}, flow.LevelServices},
		"labels": {func(f *flow.Flow) {
			f.Source.Kubernetes = &flow.Kubernetes{Namespace: flow.Intern("shop"), Pod: flow.Intern("web-0"), PodPrefix: flow.Intern("web-*"), WorkloadKind: flow.Intern("Deployment"), WorkloadName: flow.Intern("web"), Node: flow.Intern("node-0")}
		}, 0},
		"sampling rate": {func(f *flow.Flow) { f.SamplingRate = 10 }, flow.LevelServices},
	} {
		t.Run(name, func(t *testing.T) {
			for level := flow.LevelAll; level <= flow.LevelServices; level++ {
				b := newBench(t, func(a *aggregate.Aggregator, o *aggregate.Options) {
					o.Classes = []aggregate.Class{{Chain: a.Level(level)}, {Chain: a.Level(level)}}
				})
				b.add(two(test.change)...)
				want := 1
				if level <= test.until {
					want = 2
				}
				assert.Len(t, b.take(true), want, "level %s", level)
			}
		})
	}
}

func TestPodsWithoutAWorkloadAreToldByTheirPrefix(t *testing.T) {
	a, other := pod("web", 0), pod("job", 0)
	for _, e := range []*flow.Endpoint{&a, &other} {
		e.Kubernetes.WorkloadKind, e.Kubernetes.WorkloadName = flow.Name{}, flow.Name{}
	}
	b := newBench(t, nil)
	b.add(between(a, pod("db", 0), 1, 10), between(other, pod("db", 0), 1, 10))
	assert.Len(t, b.take(true), 2)
}

func TestOwnKeys(t *testing.T) {
	b := newBench(t, func(a *aggregate.Aggregator, o *aggregate.Options) {
		o.Classes = []aggregate.Class{{Chain: a.Keys([]string{"destination.k8s.workload.name", "team"})}}
	})
	logs := plog.NewLogs()
	for i, team := range []string{"red", "red", "blue", ""} {
		one := flow.Encode(&flow.Batch{Flows: []flow.Flow{between(pod("web", i), pod("db", i), uint16(i), 10+i)}}, b.now)
		if team != "" {
			one.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().PutStr("team", team)
		}
		one.ResourceLogs().At(0).Resource().Attributes().PutStr("deployment.environment", "test")
		one.ResourceLogs().MoveAndAppendTo(logs.ResourceLogs())
	}
	b.Add(logs, func(*aggregate.Record) int { return 0 }, nil)
	w := b.Take(true)[0]
	require.Equal(t, 3, w.Len())
	out := b.writer.Write(w, 0, w.Len())
	require.Equal(t, 1, out.ResourceLogs().Len())
	env, _ := out.ResourceLogs().At(0).Resource().Attributes().Get("deployment.environment")
	assert.Equal(t, "test", env.Str(), "what the registry does not know of a resource stays")
	var teams []string
	for _, lr := range out.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
		if v, ok := lr.Attributes().Get("team"); ok {
			teams = append(teams, v.Str())
		} else {
			teams = append(teams, "none")
		}
		level, _ := lr.Attributes().Get("flow.aggregation.level")
		assert.Equal(t, "keys", level.Str())
		_, named := lr.Attributes().Get("destination.k8s.workload.name")
		assert.True(t, named)
	}
	assert.Equal(t, []string{"red", "blue", "none"}, teams)
}

func TestUnknownEmptyAndAbsentStayApart(t *testing.T) {
	with := func(l flow.Labels) flow.Flow {
		source := pod("web", 0)
		source.Kubernetes.PodLabels = l
		return between(source, pod("db", 0), 1, 10)
	}
	none, app := flow.LabelsOf(), flow.LabelsOfMap(map[string]string{"app": "web"})
	for _, test := range []struct{ a, b, want flow.Labels }{
		{none, none, none},
		{app, none, none},
		{app, flow.LabelsOfMap(map[string]string{"app": "db"}), none},
		{app, flow.Labels{}, flow.Labels{}},
		{none, flow.Labels{}, flow.Labels{}},
		{flow.Labels{}, flow.Labels{}, flow.Labels{}},
	} {
		for _, order := range [][]flow.Flow{{with(test.a), with(test.b)}, {with(test.b), with(test.a)}, {with(test.a), with(test.b), with(test.a)}} {
			b := newBench(t, nil)
			b.add(order...)
			flows := b.take(true)
			require.Len(t, flows, 1)
			assert.Equal(t, test.want, flows[0].Source.Kubernetes.PodLabels)
		}
	}
	for _, test := range []struct{ a, b, want flow.Name }{
		{flow.Intern(""), flow.Intern(""), flow.Intern("")},
		{flow.Intern(""), flow.Name{}, flow.Name{}},
		{flow.Intern("curl"), flow.Intern(""), flow.Name{}},
	} {
		b := newBench(t, nil)
		one, two := between(pod("web", 0), pod("db", 0), 1, 10), between(pod("web", 0), pod("db", 0), 1, 10)
		one.Process.Executable, two.Process.Executable = test.a, test.b
		b.add(one, two)
		assert.Equal(t, test.want, b.take(true)[0].Process.Executable)
	}
}

func TestManyValuesAreCountedExactlyThenEstimated(t *testing.T) {
	for _, n := range []int{2, 8, 9, 64, 65, 5000} {
		b := newBench(t, nil)
		for i := range n {
			source := pod("web", 0)
			source.Address = netip.AddrFrom4([4]byte{10, 2, byte(i >> 8), byte(i)})
			source.Bytes = 1
			if i == n-1 {
				source.Bytes = 1 << 30
			}
			b.add(between(source, pod("db", 0), 1, 10))
		}
		flows := b.take(true)
		require.Len(t, flows, 1)
		l := list(&flows[0], "source.address")
		assert.Len(t, l.Values, min(n, 8))
		assert.Equal(t, fmt.Sprintf("10.2.%d.%d", (n-1)>>8, (n-1)&255), l.Values[0], "what has most bytes is first however late it comes")
		estimated := flows[0].Aggregation.Estimated.Strings()
		switch {
		case n <= 8:
			assert.Zero(t, l.Count)
		case n <= 64:
			assert.EqualValues(t, n, l.Count)
			assert.Empty(t, estimated)
		default:
			assert.InEpsilon(t, n, l.Count, 0.15)
			assert.Equal(t, []string{"source.address_count"}, estimated)
		}
	}
}

func TestDomainsAreJoined(t *testing.T) {
	b := newBench(t, nil)
	for i := range 10 {
		f := between(pod("web", 0), flow.Endpoint{Type: flow.EndpointNetwork}, 443, 10)
		if i > 0 {
			f.Destination.Domains = flow.NameSetOf(flow.Intern(fmt.Sprintf("%d.example", i)), flow.Intern("0.example"))
		}
		f.Source.Bytes = uint64(i)
		b.add(f)
	}
	f := b.take(true)[0]
	assert.Len(t, f.Destination.Domains.Names(), 8)
	assert.Contains(t, f.Destination.Domains.Strings(), "0.example")
	assert.EqualValues(t, 10, list(&f, "destination.domains").Count)
}

// TestMergingTwiceIsMergingOnce has a gateway merge what agents merged.
func TestMergingTwiceIsMergingOnce(t *testing.T) {
	once, gateway := newBench(t, nil), newBench(t, nil)
	for agent := range 3 {
		b := newBench(t, nil)
		b.last = uint64(agent) << 32 // ids of another origin
		for i := range 20 {
			f := between(pod("web", agent*7+i%7), pod("db", i%2), 5432, 10+i)
			b.add(f)
			once.add(f)
		}
		gateway.add(b.take(true)...)
	}
	want, got := once.take(true), gateway.take(true)
	require.Len(t, got, 1)
	require.Len(t, want, 1)
	assert.Equal(t, totals(want), totals(got))
	assert.Equal(t, want[0].Aggregation.Records, got[0].Aggregation.Records)
	assert.Equal(t, want[0].Connections, got[0].Connections)
	assert.EqualValues(t, 21, list(&want[0], "source.k8s.pod.name").Count)
	assert.EqualValues(t, 21, list(&got[0], "source.k8s.pod.name").Count)
	assert.Equal(t, want[0].Source.Kubernetes, got[0].Source.Kubernetes)
	assert.Equal(t, list(&want[0], "destination.address").Values, list(&got[0], "destination.address").Values)
}
