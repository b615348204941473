package filtering

import (
	"net/netip"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// The ends of the sample's flows.
var (
	web        = pod("node-1", "shop", "Deployment", "web", "10.244.1.10", "nginx")
	db         = pod("node-2", "shop", "StatefulSet", "db", "10.244.2.20", "postgres")
	replica    = pod("node-1", "shop", "StatefulSet", "db", "10.244.1.21", "postgres")
	report     = labelled(pod("node-2", "batch", "CronJob", "report", "10.244.2.40", "python3"), "example.com/flow-logs", "off")
	dns        = pod("node-1", "kube-system", "Deployment", "coredns", "10.244.1.2", "coredns")
	prometheus = pod("node-2", "monitoring", "StatefulSet", "prometheus", "10.244.2.30", "prometheus")
	node1      = node("node-1", "192.168.7.1", "kubelet")
	node2      = node("node-2", "192.168.7.2", "")
	mirror     = end(flow.EndpointNetwork, "198.51.100.80", "", nil)
	api        = end(flow.EndpointNetwork, "198.51.100.9", "", nil)
	client     = end(flow.EndpointNetwork, "203.0.113.9", "", nil)
	clientV6   = end(flow.EndpointNetwork, "2001:db8::9", "", nil)
	balancer   = end(flow.EndpointNetwork, "203.0.113.70", "", nil)
	nobody     = flow.Endpoint{}
)

func end(kind flow.EndpointType, address, process string, known *flow.Kubernetes) flow.Endpoint {
	addr := netip.MustParseAddr(address)
	return flow.Endpoint{
		Address: addr, Port: 40000, Type: kind, Scope: flow.ScopeOf(addr), Process: flow.InternKnown(process), Kubernetes: known,
	}
}

func node(name, address, process string) flow.Endpoint {
	return end(flow.EndpointHost, address, process, &flow.Kubernetes{Node: flow.Intern(name)})
}

func pod(node, namespace, kind, workload, address, process string) flow.Endpoint {
	return end(flow.EndpointPod, address, process, &flow.Kubernetes{
		Node: flow.Intern(node), Namespace: flow.Intern(namespace), Pod: flow.Intern(workload + "-" + node), PodPrefix: flow.Intern(workload + "-*"),
		WorkloadKind: flow.Intern(kind), WorkloadName: flow.Intern(workload),
		PodLabels: flow.LabelsOf(flow.Label{Key: "app", Value: workload}, flow.Label{Key: "owner", Value: "anna"}),
	})
}

func labelled(e flow.Endpoint, key, value string) flow.Endpoint {
	known := *e.Kubernetes
	known.PodLabels = flow.LabelsOf(append(known.PodLabels.List(), flow.Label{Key: key, Value: value})...)
	e.Kubernetes = &known
	return e
}

// at is an end with another address, as where a pod talks to itself over loopback.
func at(e flow.Endpoint, address string) flow.Endpoint {
	e.Address = netip.MustParseAddr(address)
	e.Scope = flow.ScopeOf(e.Address)
	return e
}

func port(n uint16) change { return func(f *flow.Flow) { f.Destination.Port = n } }

// whole is n connections that began and ended in the interval, and carried little.
func whole(n uint64) change {
	return func(f *flow.Flow) {
		f.Connections = flow.Connections{Seen: n, Started: n, Completed: n}
		f.Source.PayloadBytes, f.Destination.PayloadBytes = 90*n, 200*n
	}
}

// deny is what an end makes of a connection that is refused.
func deny(class flow.DenyClass, reason string) change {
	return func(f *flow.Flow) {
		f.Action, f.Denial = flow.Deny, flow.Denial{Class: class, Reason: flow.Intern(reason)}
		f.Connections = flow.Connections{Seen: 1, Started: 1, Completed: 1}
		f.Source.PayloadBytes, f.Destination.PayloadBytes = 0, 0
	}
}

// givenUp is what a source reports that waited for an answer until its own timeout.
func givenUp(f *flow.Flow) {
	f.Connections = flow.Connections{Seen: 1, Started: 1, Completed: 1, Abandoned: 1}
	f.Source.PayloadBytes, f.Destination.PayloadBytes = 0, 0
}

// asSource makes a change to the source's report, of what it alone knows.
func asSource(c change) change {
	return func(f *flow.Flow) {
		if f.Reporter == flow.ReporterSource {
			c(f)
		}
	}
}

func service(namespace, name, address string, port uint16) change {
	return asSource(func(f *flow.Flow) {
		known := *f.Destination.Kubernetes
		known.Service = flow.Service{Name: flow.Intern(name), Namespace: flow.Intern(namespace), Port: port}
		f.Destination.Kubernetes = &known
		f.Destination.OriginalAddress, f.Destination.OriginalPort = netip.MustParseAddr(address), port
	})
}

// lookups are what the source alone sees of DNS.
func lookups(dns flow.DNS) change {
	seen := asSource(func(f *flow.Flow) { f.DNS = dns })
	return func(f *flow.Flow) {
		f.Transport, f.Destination.Port = flow.TransportUDP, 53
		seen(f)
	}
}

// inside are flows with both ends in the cluster.
func (s *Sample) inside() {
	s.both("web to db", web, db, port(5432), service("shop", "db", "10.96.0.7", 5432))
	s.both("db to its replica", db, replica, port(5432))
	s.both("prometheus to web", prometheus, web, port(9090))
	s.both("prometheus to coredns", prometheus, dns, port(9153))
	s.both("report to replica", report, replica, port(5432))
	s.both("web to web over loopback", at(web, "127.0.0.1"), at(web, "127.0.0.1"), port(8000))
	s.both("kubelet to web", node1, web, port(8080), whole(2))
	s.both("node to prometheus", renamed(node1, "curl"), prometheus, port(443))
	s.both("web asks dns", web, dns, lookups(flow.DNS{Queries: 4, Responses: 4, NXDomain: 3}))
	s.both("web asks dns in vain", web, dns, lookups(flow.DNS{Queries: 4, Responses: 1, Timeouts: 3}))
	s.both("web to db, small", web, db, port(5433), whole(1))
	s.both("web to db, idle", web, db, port(5434), func(f *flow.Flow) { f.Source.PayloadBytes, f.Destination.PayloadBytes = 9, 9 })
	s.add("web to db, given up", flow.ReporterSource, web, db, port(5432), givenUp)
	s.add("kubelet to web, given up", flow.ReporterSource, node1, web, port(8080), givenUp)
	s.ingress()
}

// ingress is a pod in its node's network: the source knows it by its cgroup, the
// destination sees the node's address.
func (s *Sample) ingress() {
	ingress := pod("node-1", "ingress", "DaemonSet", "ingress", "192.168.7.1", "envoy")
	s.Connections = append(s.Connections, "ingress to web")
	s.add("ingress to web, source", flow.ReporterSource, ingress, web, port(8080))
	s.add("ingress to web, destination", flow.ReporterDestination, renamed(node1, "envoy"), web, port(8080))
}

func renamed(e flow.Endpoint, process string) flow.Endpoint {
	e.Process = flow.Intern(process)
	return e
}

// outside are flows with an end that no agent reports.
func (s *Sample) outside() {
	s.add("web to api", flow.ReporterSource, web, api, port(443))
	s.add("web to api, small", flow.ReporterSource, web, api, port(8443), whole(1))
	s.add("web to mirror", flow.ReporterSource, web, mirror, port(443), func(f *flow.Flow) {
		f.Destination.Domains = flow.NameSetOf(flow.Intern("cdn.example.net"), flow.Intern("mirror.example.com"))
	})
	s.add("client to web", flow.ReporterDestination, client, web, port(8080))
	s.add("IPv6 client to web", flow.ReporterDestination, clientV6, web, port(8080))
	s.add("balancer to web", flow.ReporterDestination, balancer, web, port(8080), whole(1))
	s.add("client to web by another node", flow.ReporterDestination, node2, web, port(8080), func(f *flow.Flow) {
		f.Source.OriginalAddress = client.Address
	})
}

// denied are flows that were refused. Of one that was dropped on another node the source
// knows only that nobody answered.
func (s *Sample) denied() {
	s.Connections = append(s.Connections, "report to replica, denied")
	s.add("report to replica, denied, source", flow.ReporterSource, report, replica, port(5432), deny(flow.Timeout, "timed_out"))
	s.add("report to replica, denied, destination", flow.ReporterDestination, report, replica, port(5432), deny(flow.PolicyDrop, "netfilter_drop"))
	s.add("kubelet to web, refused", flow.ReporterSource, node1, web, port(8080), deny(flow.NoListener, "connection_refused"))
	s.add("web asks dns, denied", flow.ReporterSource, web, dns, port(53), deny(flow.PolicyDrop, "netfilter_drop"))
	s.add("web to api, denied", flow.ReporterSource, web, api, port(443), deny(flow.PolicyDrop, "netfilter_drop"))
	s.add("client to node, no listener", flow.ReporterDestination, client, node1, port(23), deny(flow.NoListener, "no_socket"))
	s.add("client to web, no room", flow.ReporterDestination, client, web, port(8080), deny(flow.Buffer, "tcp_listen_overflow"))
	s.add("web over loopback, refused", flow.ReporterSource, at(web, "127.0.0.1"), at(web, "127.0.0.1"), port(8001), deny(flow.NoListener, "no_socket"))
}

// partial are records that do not say who it was.
func (s *Sample) partial() {
	unknown := func(address string) flow.Endpoint {
		return end(flow.EndpointNetwork, address, "", &flow.Kubernetes{Uncertain: flow.NameSetOf(flow.Intern(flow.UncertainNotSynced))})
	}
	s.add("not known yet", flow.ReporterSource, unknown("10.244.1.99"), unknown("10.244.2.99"), port(7000))
	s.add("folded", flow.ReporterSource, nobody, nobody, func(f *flow.Flow) {
		f.Source.Port, f.Destination.Port, f.Process = 0, 0, flow.Process{}
		f.Folded, f.Connections = 12, flow.Connections{Seen: 12, Completed: 2, Open: 10}
	})
}
