package workload

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

const (
	// hostNamespace is the inode number of a machine's own network namespace, which is
	// the same on every machine.
	hostNamespace = 4026531840
	// firstPort and lastPort are what Linux gives clients by default.
	firstPort, lastPort = 32768, 60999
)

// node is a machine with an agent, and what the agent has to tell.
type node struct {
	name, zone flow.Name
	observer   flow.Observer
	address    netip.Addr
	// identity is what the node's address tells.
	identity *flow.Kubernetes
	pods     uint32 // that it has had
	next     flow.ID
	pending  table
}

// podAddress is one of the node's range, 10.244.x.0/24.
func (n *node) podAddress(i byte) netip.Addr {
	own := n.address.As4()
	return netip.AddrFrom4([4]byte{10, 244, own[2]<<6 | own[3], i})
}

// end is one side of connections: a process of a pod or of a node, or an address outside
// the cluster, which has no node.
type end struct {
	address netip.Addr
	node    *node
	kind    flow.EndpointType
	// identity is what the address tells, own and ownKind what its own agent knows by the
	// cgroup: the container, and a pod in its node's network.
	identity, own *flow.Kubernetes
	ownKind       flow.EndpointType
	process       flow.Process
	namespace     uint32
	// serves is the port that it is probed and scraped at, 0 for none, phase when; asks is
	// how many names it looks up in a second, once that is drawn.
	serves uint16
	phase  time.Duration
	asks   float64
	// rtt is what the way to an end outside takes, in microseconds, domains what it was
	// looked up by.
	rtt     float64
	domains flow.NameSet
	port    uint16 // last given to a client
}

// sourcePort gives ports in turn, none again before all the others.
func (e *end) sourcePort() uint16 {
	if e.port == lastPort {
		e.port = firstPort - 1
	}
	e.port++
	return e.port
}

// service is an address that stands for pods, unless it is headless.
type service struct {
	flow.Service
	address  netip.Addr
	target   uint16 // port of the pods
	headless bool
	domains  flow.NameSet
	backends []*end
}

// workload is what pods are made of.
type workload struct {
	kind, namespace, name, process string
	port                           uint16
	hostNetwork                    bool
	hash                           string // of the pod template
	version                        int
	labels                         flow.Labels
	service                        *service
	pods                           []*end
}

// cluster is what there is.
type cluster struct {
	chance   chance
	nodes    []*node
	services uint32 // that have an address
	// pods are those that live and are probed, scraped and look up names.
	pods []*end
	// stopped are those that ended in the interval at hand.
	stopped []*end
	// offered are the identities of pods reached by a service.
	offered map[offer]*flow.Kubernetes
}

type offer struct {
	identity *flow.Kubernetes
	service  *service
}

func newCluster(c chance, nodes int, epoch uint32) *cluster {
	k := &cluster{chance: c, offered: make(map[offer]*flow.Kubernetes)}
	for i := range nodes {
		n := &node{
			name: flow.Intern(fmt.Sprintf("node-%02d", i)), zone: flow.Intern("eu-west-1" + string(rune('a'+i%3))),
			address: netip.AddrFrom4([4]byte{10, 0, byte(i % 3), byte(10 + i/3)}),
			next:    flow.ID{Node: c.Uint32(), Epoch: epoch},
			pending: table{index: make(map[flow.Key]int)},
		}
		n.observer = flow.Observer{Host: n.name, Node: n.name, Cluster: flow.Intern("reference")}
		n.identity = &flow.Kubernetes{Node: n.name, Zone: n.zone}
		k.nodes = append(k.nodes, n)
	}
	return k
}

// deploy makes a workload of n pods, spread over the nodes.
func (k *cluster) deploy(w workload, n int) *workload {
	k.template(&w)
	first := k.chance.IntN(len(k.nodes))
	for i := range n {
		w.pods = append(w.pods, k.start(&w, k.nodes[(first+i)%len(k.nodes)], i))
	}
	return &w
}

// template gives the pods of a workload that start from now on a hash and labels of their own.
func (k *cluster) template(w *workload) {
	w.hash = k.text("bcdf456789", 9)
	w.version = k.chance.IntN(100)
	w.labels = w.describe()
}

// describe returns labels as charts write them.
func (w *workload) describe() flow.Labels {
	labels := map[string]string{
		"app.kubernetes.io/name": w.name, "app.kubernetes.io/instance": w.namespace + "-" + w.name,
		"app.kubernetes.io/version": fmt.Sprint("1.", w.version), "app.kubernetes.io/managed-by": "Helm", "team": w.namespace,
	}
	switch w.kind {
	case "Deployment":
		labels["pod-template-hash"] = w.hash
	case "StatefulSet", "DaemonSet":
		labels["controller-revision-hash"] = w.name + "-" + w.hash
	}
	return flow.LabelsOfMap(labels)
}

// start makes the i-th pod of a workload.
func (k *cluster) start(w *workload, on *node, i int) *end {
	prefix := w.name + "-"
	if w.kind == "Deployment" || w.kind == "CronJob" {
		prefix += w.hash + "-"
	}
	name := prefix + k.text("bcdfghjklmnpqrstvwxz2456789", 5)
	prefix += "*"
	switch w.kind {
	case "StatefulSet":
		name = fmt.Sprint(w.name, "-", i)
	case "Node": // of a static pod
		name = w.name + "-" + on.name.String()
		prefix = name
	}
	uid := k.uid()
	pod := &flow.Kubernetes{
		Namespace: flow.Intern(w.namespace), Pod: flow.Intern(name), PodUID: flow.Intern(uid), PodPrefix: flow.Intern(prefix),
		PodLabels: w.labels, WorkloadKind: flow.Intern(w.kind), WorkloadName: flow.Intern(w.name), Node: on.name, Zone: on.zone,
	}
	own := *pod
	own.Container = flow.Intern(w.name)
	e := &end{node: on, kind: flow.EndpointPod, identity: pod, own: &own, ownKind: flow.EndpointPod, process: k.contained(w.process, uid), serves: w.port, phase: k.chance.duration(time.Minute), port: k.port()}
	if w.hostNetwork {
		e.address, e.kind, e.identity, e.namespace = on.address, flow.EndpointHost, on.identity, hostNamespace
	} else {
		on.pods++
		e.address = on.podAddress(byte(on.pods))
		e.namespace = hostNamespace + 500 + on.pods*3
		k.pods = append(k.pods, e)
	}
	return e
}

// stop ends a pod.
func (k *cluster) stop(e *end) {
	k.pods = slices.DeleteFunc(k.pods, func(pod *end) bool { return pod == e })
	k.stopped = append(k.stopped, e)
}

// expose gives a workload a service.
func (k *cluster) expose(w *workload, port uint16, portName string, headless bool) *service {
	k.services++
	s := &service{
		Service: flow.Service{Name: flow.Intern(w.name), Namespace: flow.Intern(w.namespace), PortName: flow.Intern(portName), Port: port},
		address: netip.AddrFrom4([4]byte{10, 96, byte(k.services / 5), byte(10 + k.services*7%240)}),
		target:  w.port, headless: headless, backends: w.pods,
		domains: flow.NameSetOf(flow.Intern(w.name + "." + w.namespace + ".svc.cluster.local")),
	}
	w.service = s
	return s
}

// daemon is a process of a node's own network outside any pod.
func (k *cluster) daemon(on *node, process string) *end {
	return &end{
		address: on.address, node: on, kind: flow.EndpointHost, identity: on.identity, own: on.identity, ownKind: flow.EndpointHost, namespace: hostNamespace, port: k.port(),
		process: flow.Process{Executable: flow.Intern(process), PID: k.pid(), Cgroup: flow.Intern("/system.slice/" + process + ".service")},
	}
}

// outside is an address without an agent; network is what flow_k8s has been told that it
// belongs to, or empty.
func (k *cluster) outside(address netip.Addr, network string) *end {
	e := &end{address: address, kind: flow.EndpointNetwork, port: k.port(), rtt: k.chance.logNormal(25_000, 0.8)}
	if network != "" {
		e.kind, e.identity = flow.EndpointNetworkSet, &flow.Kubernetes{Network: flow.Intern(network)}
	}
	return e
}

// public is an address of the Internet.
func (k *cluster) public() netip.Addr {
	for {
		b := k.chance.Uint32()
		addr := netip.AddrFrom4([4]byte{byte(b >> 24), byte(b >> 16), byte(b >> 8), byte(b)})
		if first := addr.As4()[0]; first != 0 && first < 224 && flow.ScopeOf(addr) == flow.ScopePublic {
			return addr
		}
	}
}

// reachedBy returns what is known of a destination together with the service that was
// asked for.
func (k *cluster) reachedBy(s *service, identity *flow.Kubernetes) *flow.Kubernetes {
	at := offer{identity, s}
	known, ok := k.offered[at]
	if !ok {
		known = new(flow.Kubernetes)
		*known = *identity
		known.Service = s.Service
		k.offered[at] = known
	}
	return known
}

// contained is a process of a container, in the group that containerd and systemd give it.
func (k *cluster) contained(name, podUID string) flow.Process {
	container := k.text("0123456789abcdef", 64)
	cgroup := fmt.Sprintf("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod%s.slice/cri-containerd-%s.scope",
		strings.ReplaceAll(podUID, "-", "_"), container)
	return flow.Process{Executable: flow.Intern(name), PID: k.pid(), Cgroup: flow.Intern(cgroup), Container: flow.Intern(container)}
}

func (k *cluster) port() uint16 { return firstPort + uint16(k.chance.IntN(lastPort-firstPort)) }

func (k *cluster) pid() uint32 { return 1000 + k.chance.Uint32N(4_000_000) }

func (k *cluster) uid() string {
	const hex = "0123456789abcdef"
	return k.text(hex, 8) + "-" + k.text(hex, 4) + "-4" + k.text(hex, 3) + "-a" + k.text(hex, 3) + "-" + k.text(hex, 12)
}

func (k *cluster) text(letters string, n int) string {
	text := make([]byte, n)
	for i := range text {
		text[i] = letters[k.chance.IntN(len(letters))]
	}
	return string(text)
}
