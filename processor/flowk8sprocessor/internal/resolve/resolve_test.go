package resolve_test

import (
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube/identity"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/networks"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/meter"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowk8sprocessor/internal/resolve"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// now is the second at which questions are asked.
const now = 2000

func seconds(n int64) int64 { return n * int64(time.Second) }

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

const (
	webUID    = "11111111-0000-4000-8000-000000000001"
	dbUID     = "11111111-0000-4000-8000-000000000002"
	hostUID   = "11111111-0000-4000-8000-000000000003"
	staticUID = "11111111-0000-4000-8000-000000000004"
	newUID    = "11111111-0000-4000-8000-000000000005"
	manifest  = "d41d8cd98f00b204e9800998ecf8427e"
)

var (
	mainContainer    = strings.Repeat("a", 64)
	sidecarContainer = strings.Repeat("b", 64)
)

func cgroup(uid, container string) string { return group(uid) + "/" + container }

// group is the cgroup of a pod, which its containers are in.
func group(uid string) string { return "/kubepods/burstable/pod" + uid }

// site is a small cluster: web and db on node-1, one of them with two addresses, a pod in
// the node's network, a static pod, services of every kind, nodes in two zones.
func site(t *testing.T) *resolve.Resolver {
	t.Helper()
	x := identity.NewIndex(2*time.Minute, func() time.Time { return time.Unix(now, 0) })
	node := flow.Intern("node-1")
	pod := func(uid, name string, addresses ...string) *identity.Pod {
		p := &identity.Pod{UID: uid, Name: name, Namespace: flow.Intern("shop"), Node: node, Started: seconds(1000), Ran: seconds(1001)}
		for _, a := range addresses {
			p.Addresses = append(p.Addresses, addr(a))
		}
		return p
	}
	web := pod(webUID, "web-1", "10.244.0.1", "fd00::1")
	web.Containers = []identity.Container{{ID: identity.IDOf(mainContainer), Name: flow.Intern("nginx")}, {ID: identity.IDOf(sidecarContainer), Name: flow.Intern("proxy")}}
	host := pod(hostUID, "agent")
	host.HostNetwork = true
	static := pod(staticUID, "kube-apiserver-node-1")
	static.HostNetwork, static.Mirrors = true, identity.IDOf(manifest)
	x.ReplacePods([]*identity.Pod{web, pod(dbUID, "db-0", "10.244.0.2"), host, static})
	x.ReplaceNodes([]*identity.Node{
		{Name: node, Zone: flow.Intern("zone-a"), Addresses: []netip.Addr{addr("192.168.0.1")}, Created: seconds(100)},
		{Name: flow.Intern("node-2"), Zone: flow.Intern("zone-b"), Addresses: []netip.Addr{addr("192.168.0.2")}, Created: seconds(100)},
	})
	service := func(name string, cluster, external string, ports ...identity.ServicePort) *identity.Service {
		s := &identity.Service{Namespace: flow.Intern("shop"), Name: flow.Intern(name), Created: seconds(100), Ports: ports}
		if cluster != "" {
			s.Cluster = []netip.Addr{addr(cluster)}
		}
		if external != "" {
			s.External = []netip.Addr{addr(external)}
		}
		return s
	}
	port := func(name string, number, node uint16, transport flow.Transport) identity.ServicePort {
		return identity.ServicePort{Name: flow.Intern(name), Port: number, NodePort: node, Transport: transport}
	}
	x.ReplaceServices([]*identity.Service{
		service("db", "10.96.0.10", "", port("sql", 5432, 0, flow.TransportTCP), port("stats", 5432, 0, flow.TransportUDP)),
		service("web", "10.96.0.20", "203.0.113.5", port("http", 80, 30080, flow.TransportTCP)),
		service("web-tls", "10.96.0.21", "203.0.113.5", port("https", 443, 30443, flow.TransportTCP)),
	})
	x.ReplaceEndpointSlices([]*identity.EndpointSlice{{
		Namespace: flow.Intern("shop"), Name: flow.Intern("db-headless-1"), Service: flow.Intern("db-headless"),
		Ports: []identity.ServicePort{port("sql", 5432, 0, flow.TransportTCP)}, Pods: []identity.ID{identity.IDOf(dbUID)},
	}})
	table := new(networks.Table)
	office, err := networks.Named("office", []string{"198.51.100.0/24", "10.244.0.0/16"})
	require.NoError(t, err)
	table.Replace(networks.FromConfig, []networks.Network{office})
	return resolve.New(x, table, nil, false, 64)
}

// synced is a cluster that is well known.
var synced = resolve.State{Watched: true, Synced: true, Young: math.MaxInt64}

// ask resolves a TCP flow of the last ten seconds that the source reports.
func ask(r *resolve.Resolver, state resolve.State, source, destination string, change func(*resolve.Question)) [2]resolve.Answer {
	q := resolve.Question{
		Reporter: flow.ReporterSource, Transport: flow.TransportTCP, Start: seconds(now - 10), End: seconds(now - 1),
		Node: "node-1", Host: "machine",
	}
	from, to := netip.MustParseAddrPort(source), netip.MustParseAddrPort(destination)
	q.Ends = [2]resolve.End{
		{Address: from.Addr(), Port: from.Port(), Type: flow.EndpointHost}, {Address: to.Addr(), Port: to.Port(), Type: flow.EndpointNetwork},
	}
	if change != nil {
		change(&q)
	}
	var answers [2]resolve.Answer
	r.Resolve(&q, &state, &answers)
	return answers
}

// text prints what a person would say of an end.
func text(a resolve.Answer) string {
	out := a.Type.String()
	add := func(name, s string) {
		if s != "" {
			out += " " + name + "=" + s
		}
	}
	if a.Pod != nil {
		add("pod", a.Pod.Name)
	}
	add("container", a.Container.String())
	add("node", a.Node.String())
	add("zone", a.Zone.String())
	if a.Network != nil {
		add("network", a.Network.Name.String())
	}
	if s := a.Service.Service; s != nil {
		add("service", s.Name.String())
		add("port", a.Service.Port.Name.String())
	}
	a.Reasons.Each(func(reason string) { add("uncertain", reason) })
	if a.Waiting {
		out += " waiting"
	}
	return out
}

const (
	web      = "pod pod=web-1 node=node-1 zone=zone-a"
	db       = "pod pod=db-0 node=node-1 zone=zone-a"
	hostPod  = "pod pod=agent node=node-1 zone=zone-a"
	elsewere = "network"
)

func TestResolve(t *testing.T) {
	by := func(group string) func(*resolve.Question) {
		return func(q *resolve.Question) { q.Cgroup = group }
	}
	asked := func(original string) func(*resolve.Question) {
		at := netip.MustParseAddrPort(original)
		return func(q *resolve.Question) {
			q.Ends[resolve.Destination].Original, q.Ends[resolve.Destination].OriginalPort = at.Addr(), at.Port()
		}
	}
	for name, test := range map[string]struct {
		source, destination string
		change              func(*resolve.Question)
		want                [2]string
	}{
		"pods by their addresses":              {"10.244.0.1:1", "10.244.0.2:22", nil, [2]string{web, db}},
		"dual stack":                           {"[fd00::1]:1", "[::ffff:10.244.0.2]:22", nil, [2]string{web, db}},
		"the container by the cgroup":          {"10.244.0.1:1", "8.8.8.8:53", by(cgroup(webUID, mainContainer)), [2]string{"pod pod=web-1 container=nginx node=node-1 zone=zone-a", "network"}},
		"a sidecar":                            {"10.244.0.1:1", "8.8.8.8:53", by(cgroup(webUID, sidecarContainer)), [2]string{"pod pod=web-1 container=proxy node=node-1 zone=zone-a", "network"}},
		"a pod in its node's network":          {"192.168.0.1:1", "8.8.8.8:53", by(group(hostUID)), [2]string{hostPod, "network"}},
		"a static pod, by its manifest's hash": {"192.168.0.1:1", "8.8.8.8:53", by(group(manifest)), [2]string{"pod pod=kube-apiserver-node-1 node=node-1 zone=zone-a", "network"}},
		"a process of the node itself":         {"192.168.0.1:1", "192.168.0.2:10250", by("/system.slice/kubelet.service"), [2]string{"host node=node-1 zone=zone-a", "host node=node-2 zone=zone-b"}},
		"another address of the machine":       {"172.17.0.1:1", "8.8.8.8:53", nil, [2]string{"host node=node-1 zone=zone-a", "network"}},
		"a container without a pod's group": {"192.168.0.1:1", "8.8.8.8:53", func(q *resolve.Question) { q.Container = mainContainer },
			[2]string{"pod pod=web-1 node=node-1 zone=zone-a uncertain=", "network"}},
		"a process of one pod in the network of another": {"10.244.0.2:1", "8.8.8.8:53", by(cgroup(webUID, mainContainer)),
			[2]string{"pod pod=web-1 container=nginx node=node-1 zone=zone-a uncertain=ambiguous", "network"}},

		"a service by what was asked for":    {"10.244.0.1:1", "10.244.0.2:5432", asked("10.96.0.10:5432"), [2]string{web, db + " service=db port=sql"}},
		"a service by the load balancer":     {"10.244.0.1:1", "10.244.0.1:8443", asked("203.0.113.5:443"), [2]string{web, web + " service=web-tls port=https"}},
		"a service by a node port":           {"203.0.113.9:1", "10.244.0.1:8080", asked("192.168.0.2:30080"), [2]string{"host node=node-1 zone=zone-a", web + " service=web port=http"}},
		"a node port of this machine":        {"192.168.0.1:1", "10.244.0.1:8080", asked("127.0.0.1:30080"), [2]string{"host node=node-1 zone=zone-a", web + " service=web port=http"}},
		"a node port that is not translated": {"10.244.0.1:1", "192.168.0.2:30443", nil, [2]string{web, "host node=node-2 zone=zone-b service=web-tls port=https"}},
		"no service at another's node port":  {"10.244.0.1:1", "10.244.0.2:30080", nil, [2]string{web, db}},
		"a service without a backend":        {"10.244.0.1:1", "10.96.0.10:5432", nil, [2]string{web, "service service=db port=sql"}},
		"a service's port that it has not":   {"10.244.0.1:1", "10.96.0.10:9", nil, [2]string{web, "service service=db"}},
		"no service at a shared address":     {"10.244.0.1:1", "203.0.113.5:9", nil, [2]string{web, "network"}},
		"a headless service":                 {"10.244.0.1:1", "10.244.0.2:5432", nil, [2]string{web, db + " service=db-headless port=sql"}},
		"no headless service for a port":     {"10.244.0.1:1", "10.244.0.2:5433", nil, [2]string{web, db}},
		"ports have a transport": {"10.244.0.1:1", "10.96.0.10:5432", func(q *resolve.Question) { q.Transport = flow.TransportUDP },
			[2]string{web, "service service=db port=stats"}},

		"a named network":          {"10.244.0.1:1", "198.51.100.7:443", nil, [2]string{web, "network_set network=office"}},
		"a network names no pod":   {"10.244.0.1:1", "10.244.0.2:22", nil, [2]string{web, db}},
		"what nothing is known of": {"10.244.0.1:1", "10.9.9.9:1", nil, [2]string{web, elsewere}},
		"a destination's own report": {"10.244.0.1:1", "10.244.0.2:22", func(q *resolve.Question) {
			q.Reporter, q.Cgroup = flow.ReporterDestination, group(dbUID)
		}, [2]string{web, db}},
		"forwarded traffic": {"10.244.0.1:1", "8.8.8.8:22", func(q *resolve.Question) {
			q.Reporter, q.Ends[0].Type = flow.ReporterForward, flow.EndpointNetwork
		}, [2]string{web, "network"}},
		"a flow before the pod began": {"10.244.0.1:1", "8.8.8.8:22", func(q *resolve.Question) {
			q.Start, q.End, q.Reporter, q.Ends[0].Type = seconds(900), seconds(999), flow.ReporterForward, flow.EndpointNetwork
		}, [2]string{"network_set network=office", "network"}},
	} {
		t.Run(name, func(t *testing.T) {
			answers := ask(site(t), synced, test.source, test.destination, test.change)
			assert.Equal(t, strings.TrimSuffix(test.want[0], " uncertain="), strings.TrimSuffix(text(answers[0]), " uncertain="))
			assert.Equal(t, test.want[1], text(answers[1]))
		})
	}
}

func TestLoopbackIsTheReportersOwnPod(t *testing.T) {
	r := site(t)
	inPod := func(q *resolve.Question) { q.Namespace, q.Cgroup = 77, cgroup(webUID, mainContainer) }
	answers := ask(r, synced, "127.0.0.1:1", "127.0.0.1:8080", inPod)
	assert.Equal(t, "pod pod=web-1 container=nginx node=node-1 zone=zone-a", text(answers[0]))
	assert.Equal(t, web, text(answers[1]), "the same network namespace, another container perhaps")

	noGroup := func(q *resolve.Question) { q.Namespace = 77 }
	answers = ask(r, synced, "127.0.0.1:1", "127.0.0.1:8080", noGroup)
	assert.Equal(t, [2]string{web, web}, [2]string{text(answers[0]), text(answers[1])}, "learnt from the flow before")
	answers = ask(r, synced, "127.0.0.1:1", "127.0.0.1:8080", func(q *resolve.Question) { q.Namespace, q.Node = 77, "node-2" })
	assert.Equal(t, "host node=node-2 zone=zone-b", text(answers[0]), "a namespace of another node has another number")

	hostNetwork := func(q *resolve.Question) { q.Namespace, q.Cgroup = 1, group(hostUID) }
	answers = ask(r, synced, "127.0.0.1:1", "127.0.0.1:8080", hostNetwork)
	assert.Equal(t, hostPod, text(answers[0]))
	assert.Equal(t, "network", text(answers[1]), "who else is in the node's network is not known")
	answers = ask(r, synced, "127.0.0.1:1", "127.0.0.1:8080", func(q *resolve.Question) { q.Namespace = 1 })
	assert.Nil(t, answers[0].Pod)

	r.Index.DeletePod(webUID)
	answers = ask(r, synced, "127.0.0.1:1", "127.0.0.1:8080", func(q *resolve.Question) { q.Namespace, q.Start, q.End = 77, seconds(now), seconds(now+1) })
	assert.Nil(t, answers[0].Pod, "after the pod's end its number may be another's")
}

func TestDoubt(t *testing.T) {
	unknown := func(q *resolve.Question) { q.Cgroup = cgroup(newUID, mainContainer) }
	known := func(q *resolve.Question) { q.Cgroup = cgroup(webUID, mainContainer) }
	newContainer := func(q *resolve.Question) { q.Cgroup = cgroup(webUID, strings.Repeat("c", 64)) }
	inside := func(q *resolve.Question) {
		q.Cgroup = cgroup(webUID, mainContainer) + "/docker/" + strings.Repeat("c", 64)
	}
	young := synced
	young.Young = seconds(now - 2)
	for name, test := range map[string]struct {
		state  resolve.State
		change func(*resolve.Question)
		want   [2]string
	}{
		"a young flow waits for a pod that may come":                           {young, nil, [2]string{"pod pod=web-1 node=node-1 zone=zone-a", "network waiting"}},
		"a pod's group that is not known waits":                                {young, unknown, [2]string{"host node=node-1 zone=zone-a waiting", "network waiting"}},
		"what has waited goes on, and only what is sure to be a pod is marked": {synced, nil, [2]string{web, "network"}},
		"a container that is not known waits":                                  {young, newContainer, [2]string{"pod pod=web-1 node=node-1 zone=zone-a waiting", "network waiting"}},
		"and is marked once it has":                                            {synced, newContainer, [2]string{"pod pod=web-1 node=node-1 zone=zone-a uncertain=lagging", "network"}},
		"a container in a pod's container is it":                               {young, inside, [2]string{"pod pod=web-1 container=nginx node=node-1 zone=zone-a", "network waiting"}},
		"not synced":                                                           {resolve.State{Watched: true, Young: math.MaxInt64}, known, [2]string{"uncertain=not_synced", "network uncertain=not_synced"}},
		"never reached":                                                        {resolve.State{Watched: true, Failing: 1, Young: math.MaxInt64}, known, [2]string{"uncertain=api_unavailable", "network uncertain=api_unavailable"}},
		"stale":                                                                {resolve.State{Watched: true, Synced: true, Failing: seconds(now - 5), Young: 0}, nil, [2]string{web + " uncertain=api_unavailable", "network uncertain=api_unavailable"}},
		"stale, but not for what happened before":                              {resolve.State{Watched: true, Synced: true, Failing: seconds(now), Young: math.MaxInt64}, nil, [2]string{web, "network"}},
		"too long ago":                                                         {resolve.State{Watched: true, Synced: true, Horizon: seconds(now), Young: math.MaxInt64}, nil, [2]string{web, "network uncertain=forgotten"}},
		"no cluster":                                                           {resolve.State{}, nil, [2]string{web, "network"}},
	} {
		t.Run(name, func(t *testing.T) {
			answers := ask(site(t), test.state, "10.244.0.1:1", "10.1.1.1:1", test.change)
			assert.Contains(t, text(answers[0]), test.want[0])
			assert.Equal(t, test.want[1], text(answers[1]))
		})
	}
	answers := ask(site(t), synced, "10.244.0.99:1", "8.8.8.8:1", unknown)
	assert.Equal(t, "host node=node-1 zone=zone-a uncertain=lagging", text(answers[0]), "its group says that it is a pod")
	assert.Equal(t, "network", text(answers[1]), "no pod has a public address")
	answers = ask(site(t), synced, "10.244.0.1:1", "8.8.8.8:1", unknown)
	assert.Equal(t, "host node=node-1 zone=zone-a uncertain=lagging", text(answers[0]), "and that it is another than had the address before")
	answers = ask(site(t), young, "10.244.0.99:1", "8.8.8.8:1", unknown)
	assert.True(t, answers[0].Waiting)
	answers = ask(site(t), young, "10.244.0.254:1", "8.8.8.8:1", func(q *resolve.Question) { q.Cgroup = "/system.slice/kubelet.service" })
	assert.False(t, answers[0].Waiting, "a process of the node, at whatever address")
	answers = ask(site(t), young, "10.244.0.99:1", "8.8.8.8:1", func(q *resolve.Question) { q.Cgroup = "/" })
	assert.True(t, answers[0].Waiting, "a socket of the kernel may be a pod's")
}

func TestOneNodeDoubtsOnlyItsOwnEnds(t *testing.T) {
	r := site(t)
	r.OneNode = true
	answers := ask(r, resolve.State{Watched: true, Young: math.MaxInt64}, "10.9.9.8:1", "10.9.9.9:1", nil)
	assert.Equal(t, "host node=node-1 zone=zone-a uncertain=not_synced", text(answers[0]))
	assert.Equal(t, "network", text(answers[1]), "which is for an instance that knows the cluster")
}

func TestAnAddressThatANodeKnowsForItsOwn(t *testing.T) {
	young := synced
	young.Young = seconds(now - 2)
	fromNode := func(node string) func(*resolve.Question) {
		return func(q *resolve.Question) { q.Node, q.Reporter = node, flow.ReporterDestination }
	}
	r := site(t)
	const bridge = "10.244.0.99"
	answers := ask(r, young, bridge+":1", "10.244.0.1:1", fromNode("node-1"))
	assert.Equal(t, "host node=node-1 zone=zone-a waiting", text(answers[0]), "a pod may have it")
	r.SetOwn(flow.Intern("node-1"), []netip.Addr{addr(bridge), addr("10.244.0.2")})
	answers = ask(r, young, bridge+":1", "10.244.0.1:1", fromNode("node-1"))
	assert.Equal(t, "host node=node-1 zone=zone-a", text(answers[0]))
	answers = ask(r, young, "8.8.8.8:1", bridge+":1", nil)
	assert.Equal(t, "host node=node-1 zone=zone-a", text(answers[1]), "before the receiver knows it")
	answers = ask(r, young, "10.244.0.2:1", "10.244.0.1:1", fromNode("node-1"))
	assert.Equal(t, "pod pod=db-0 node=node-1 zone=zone-a", text(answers[0]), "a pod's address is the pod's")
	answers = ask(r, young, bridge+":1", "10.244.0.1:1", fromNode("node-2"))
	assert.Equal(t, "host node=node-2 zone=zone-b waiting", text(answers[0]), "on another node it may be anybody's")
}

func TestAnEarlierObservationIsKept(t *testing.T) {
	earlier := func(uid, name string) func(*resolve.Question) {
		return func(q *resolve.Question) {
			e := &q.Ends[resolve.Destination]
			e.Type, e.PodUID, e.Pod, e.PodNamespace = flow.EndpointPod, uid, name, "shop"
		}
	}
	for name, test := range map[string]struct {
		address string
		change  func(*resolve.Question)
		want    string
	}{
		"the same": {"10.244.0.2:1", earlier(dbUID, "db-0"), db},
		"the same, of which only the name is known": {"10.244.0.2:1", earlier("", "db-0"), db},
		"another than the address says":             {"10.244.0.2:1", earlier(webUID, "web-1"), web + " uncertain=conflict"},
		"another, of which only the name is known":  {"10.244.0.2:1", earlier("", "web-1"), "pod uncertain=conflict"},
		"one in its node's network":                 {"192.168.0.1:1", earlier(hostUID, "agent"), hostPod},
		"one that is not known here":                {"10.9.9.9:1", earlier(newUID, "gone"), "pod"},
	} {
		t.Run(name, func(t *testing.T) {
			answers := ask(site(t), synced, "10.244.0.1:1", test.address, test.change)
			assert.Equal(t, test.want, text(answers[1]))
		})
	}
}

func TestAddressesThatTwoMayHaveHad(t *testing.T) {
	r := site(t)
	r.Index.SetPod(&identity.Pod{UID: newUID, Name: "next", Started: seconds(now - 5), Ran: seconds(now), Addresses: []netip.Addr{addr("10.244.0.2")}})
	answers := ask(r, synced, "10.244.0.1:1", "10.244.0.2:1", nil)
	assert.Equal(t, "network_set network=office uncertain=ambiguous", text(answers[1]))
}

func TestWhatAPodThatIsBeingDeletedHadMayBeAnothersSoon(t *testing.T) {
	r := site(t)
	ending := *r.Index.Pod(identity.IDOf(dbUID))
	ending.Terminating = true
	r.Index.SetPod(&ending)
	young := synced
	young.Young = seconds(now - 2)
	answers := ask(r, young, "10.244.0.1:1", "10.244.0.2:22", nil)
	assert.Equal(t, db+" waiting", text(answers[1]))
	answers = ask(r, synced, "10.244.0.1:1", "10.244.0.2:22", nil)
	assert.Equal(t, db, text(answers[1]), "if none came it is its own")
	answers = ask(r, young, "10.244.0.2:1", "8.8.8.8:22", func(q *resolve.Question) { q.Cgroup = group(dbUID) })
	assert.Equal(t, db, text(answers[0]), "its cgroup leaves no doubt")
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	r := site(t)
	for i := range uint32(1000) {
		ask(r, synced, "10.244.0.1:1", "8.8.8.8:1", func(q *resolve.Question) {
			q.Namespace, q.Cgroup = i+1, cgroup(webUID, mainContainer)+strings.Repeat("/x", int(i%200))
		})
	}
	answers := ask(r, synced, "127.0.0.1:1", "8.8.8.8:1", func(q *resolve.Question) { q.Namespace = 1 })
	assert.Nil(t, answers[0].Pod, "forgotten")
	answers = ask(r, synced, "127.0.0.1:1", "8.8.8.8:1", func(q *resolve.Question) { q.Namespace = 1000 })
	assert.NotNil(t, answers[0].Pod)
}

func TestReasonsHaveNames(t *testing.T) {
	for _, name := range flow.Flows.Lookup("source.k8s.uncertain").Values {
		r := resolve.ReasonNamed(name)
		assert.NotZero(t, r, name)
		r.Each(func(back string) { assert.Equal(t, name, back) })
	}
	assert.Zero(t, resolve.ReasonNamed("anything"))
}

// BenchmarkResolve answers all there is to ask of a flow between two pods, through a
// service, whose source is known by its cgroup.
func BenchmarkResolve(b *testing.B) {
	t := &testing.T{}
	r := site(t)
	q := resolve.Question{
		Reporter: flow.ReporterSource, Transport: flow.TransportTCP, Start: seconds(now - 10), End: seconds(now - 1), Node: "node-1", Namespace: 77, Cgroup: cgroup(webUID, mainContainer),
		Ends: [2]resolve.End{
			{Address: addr("10.244.0.1"), Port: 1, Type: flow.EndpointHost},
			{Address: addr("10.244.0.2"), Port: 5432, Type: flow.EndpointNetwork, Original: addr("10.96.0.10"), OriginalPort: 5432},
		},
	}
	b.ReportAllocs()
	m := meter.Start()
	b.RunParallel(func(pb *testing.PB) {
		var answers [2]resolve.Answer
		mine := q
		for pb.Next() {
			r.Resolve(&mine, &synced, &answers)
		}
	})
	m.Each(b, "flow", 1)
}
