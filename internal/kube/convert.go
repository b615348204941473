package kube

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube/identity"
)

// mirrorAnnotation holds, of the API's object for a static pod, the UID that the pod has
// on its node.
const mirrorAnnotation = "kubernetes.io/config.mirror"

// KubeVirt labels the pods of its virtual machines so.
const kubevirtLabel, kubevirtLauncher = "kubevirt.io", "virt-launcher"

// strip leaves of a pod what podOf reads, so that the pods of a large cluster need not all
// be in memory as they were sent.
func strip(obj any) (any, error) {
	p, ok := obj.(*corev1.Pod)
	if !ok {
		return obj, nil
	}
	kept := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: p.Name, GenerateName: p.GenerateName, Namespace: p.Namespace, UID: p.UID, ResourceVersion: p.ResourceVersion,
			Labels: p.Labels, OwnerReferences: p.OwnerReferences, DeletionTimestamp: p.DeletionTimestamp,
		},
		Spec: corev1.PodSpec{NodeName: p.Spec.NodeName, HostNetwork: p.Spec.HostNetwork, RuntimeClassName: p.Spec.RuntimeClassName},
		Status: corev1.PodStatus{
			Phase: p.Status.Phase, PodIP: p.Status.PodIP, PodIPs: p.Status.PodIPs, StartTime: p.Status.StartTime,
			InitContainerStatuses: p.Status.InitContainerStatuses, ContainerStatuses: p.Status.ContainerStatuses,
			EphemeralContainerStatuses: p.Status.EphemeralContainerStatuses,
		},
	}
	if hash, ok := p.Annotations[mirrorAnnotation]; ok {
		kept.Annotations = map[string]string{mirrorAnnotation: hash}
	}
	return kept, nil
}

// podOf reads a pod as it was told at now.
func (o *owners) podOf(p *corev1.Pod, now time.Time) *identity.Pod {
	pod := &identity.Pod{
		UID: string(p.UID), Name: p.Name, Namespace: flow.Intern(p.Namespace),
		Labels: flow.LabelsOfMap(p.Labels), Node: flow.InternKnown(p.Spec.NodeName),
		Owner: o.of(p), HostNetwork: p.Spec.HostNetwork,
		OwnKernel: p.Spec.RuntimeClassName != nil || p.Labels[kubevirtLabel] == kubevirtLauncher,
		Mirrors:   identity.IDOf(p.Annotations[mirrorAnnotation]),
	}
	if p.GenerateName != "" {
		pod.Prefix = flow.Intern(p.GenerateName + "*")
	}
	if t := p.Status.StartTime; t != nil {
		pod.Started = t.UnixNano()
	}
	if !pod.HostNetwork {
		pod.Addresses = podAddresses(&p.Status)
	}
	readContainers(pod, p)
	pod.Released = released(p, now)
	pod.Terminating = p.DeletionTimestamp != nil && pod.Released == 0
	return pod
}

func podAddresses(s *corev1.PodStatus) []netip.Addr {
	texts := make([]string, 0, 2)
	for _, ip := range s.PodIPs {
		texts = append(texts, ip.IP)
	}
	if len(texts) == 0 && s.PodIP != "" {
		texts = append(texts, s.PodIP)
	}
	return parseAddresses(texts)
}

// parseAddresses passes over what is no address, such as the name of a load balancer.
func parseAddresses(texts []string) []netip.Addr {
	var list []netip.Addr
	for _, s := range texts {
		if addr, err := netip.ParseAddr(s); err == nil {
			list = append(list, addr.Unmap().WithZone(""))
		}
	}
	return list
}

// second is how exactly the API tells times: an event is in the second that it names.
const second = int64(time.Second)

// readContainers lists containers of every sort, those before a restart too, and finds
// when the first was surely running.
func readContainers(pod *identity.Pod, p *corev1.Pod) {
	for _, s := range containerStatuses(p) {
		var started metav1.Time
		if t := s.State.Running; t != nil {
			started = t.StartedAt
		}
		pod.Containers = addContainer(pod.Containers, s.ContainerID, s.Name)
		for _, t := range []*corev1.ContainerStateTerminated{s.State.Terminated, s.LastTerminationState.Terminated} {
			if t != nil {
				pod.Containers = addContainer(pod.Containers, t.ContainerID, s.Name)
				if !t.StartedAt.IsZero() && (started.IsZero() || t.StartedAt.Before(&started)) {
					started = t.StartedAt
				}
			}
		}
		if !started.IsZero() {
			if ran := started.UnixNano() + second; pod.Ran == 0 || ran < pod.Ran {
				pod.Ran = ran
			}
		}
	}
}

func addContainer(list []identity.Container, id, name string) []identity.Container {
	_, id, ok := strings.Cut(id, "://")
	if !ok {
		return list
	}
	c := identity.Container{ID: identity.IDOf(id), Name: flow.Intern(name)}
	for _, known := range list {
		if known == c {
			return list
		}
	}
	return append(list, c)
}

func containerStatuses(p *corev1.Pod) []corev1.ContainerStatus {
	s := &p.Status
	all := make([]corev1.ContainerStatus, 0, len(s.InitContainerStatuses)+len(s.ContainerStatuses)+len(s.EphemeralContainerStatuses))
	return append(append(append(all, s.InitContainerStatuses...), s.ContainerStatuses...), s.EphemeralContainerStatuses...)
}

// released is when a pod had no more use for its addresses: when the last container of one
// that completed, or is being deleted, had finished. Where no container says so, it is
// now at the latest. A pod that is terminating but runs has not released them.
func released(p *corev1.Pod, now time.Time) int64 {
	done := p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
	if !done && p.DeletionTimestamp == nil {
		return 0
	}
	var last int64
	for _, s := range p.Status.ContainerStatuses {
		if s.State.Terminated == nil {
			if !done {
				return 0
			}
			continue
		}
		if at := s.State.Terminated.FinishedAt; !at.IsZero() {
			last = max(last, at.UnixNano()+second)
		}
	}
	if last == 0 && done {
		return now.UnixNano()
	}
	return last
}

func nodeOf(n *corev1.Node) *identity.Node {
	texts := make([]string, 0, len(n.Status.Addresses))
	for _, a := range n.Status.Addresses {
		if a.Type == corev1.NodeInternalIP || a.Type == corev1.NodeExternalIP {
			texts = append(texts, a.Address)
		}
	}
	for _, annotation := range addressAnnotations {
		if s, ok := n.Annotations[annotation]; ok {
			s, _, _ = strings.Cut(s, "/")
			texts = append(texts, s)
		}
	}
	return &identity.Node{
		Name: flow.Intern(n.Name), Zone: flow.InternKnown(n.Labels[corev1.LabelTopologyZone]),
		Addresses: parseAddresses(texts), Created: n.CreationTimestamp.UnixNano(),
	}
}

// addressAnnotations hold more addresses of a node, of the interfaces by which network
// plugins send what comes from the node itself.
var addressAnnotations = []string{
	"projectcalico.org/IPv4IPIPTunnelAddr", "projectcalico.org/IPv4VXLANTunnelAddr", "projectcalico.org/IPv6VXLANTunnelAddr",
	"projectcalico.org/IPv4WireguardInterfaceAddr", "projectcalico.org/IPv6WireguardInterfaceAddr",
	"network.cilium.io/ipv4-cilium-host", "network.cilium.io/ipv6-cilium-host",
}

func serviceOf(s *corev1.Service) *identity.Service {
	service := &identity.Service{Namespace: flow.Intern(s.Namespace), Name: flow.Intern(s.Name), Created: s.CreationTimestamp.UnixNano()}
	service.Cluster = parseAddresses(append(append([]string{}, s.Spec.ClusterIPs...), s.Spec.ClusterIP))
	outside := append([]string{}, s.Spec.ExternalIPs...)
	for _, in := range s.Status.LoadBalancer.Ingress {
		outside = append(outside, in.IP)
	}
	service.Cluster, service.External = unique(service.Cluster), unique(parseAddresses(outside))
	for _, p := range s.Spec.Ports {
		service.Ports = append(service.Ports, identity.ServicePort{
			Name: flow.Intern(p.Name), Port: uint16(p.Port), NodePort: uint16(p.NodePort), Transport: transportOf(p.Protocol),
		})
	}
	return service
}

func unique(list []netip.Addr) []netip.Addr {
	var kept []netip.Addr
	for _, addr := range list {
		if !slices.Contains(kept, addr) {
			kept = append(kept, addr)
		}
	}
	return kept
}

func transportOf(p corev1.Protocol) flow.Transport {
	switch p {
	case corev1.ProtocolUDP:
		return flow.TransportUDP
	case corev1.ProtocolSCTP:
		return flow.TransportSCTP
	default:
		return flow.TransportTCP
	}
}

func endpointSliceOf(e *discoveryv1.EndpointSlice) *identity.EndpointSlice {
	slice := &identity.EndpointSlice{
		Namespace: flow.Intern(e.Namespace), Name: flow.Intern(e.Name), Service: flow.Intern(e.Labels[discoveryv1.LabelServiceName]),
	}
	for _, p := range e.Ports {
		if p.Port == nil {
			continue
		}
		port := identity.ServicePort{Port: uint16(*p.Port), Transport: flow.TransportTCP, Name: flow.Intern("")}
		if p.Protocol != nil {
			port.Transport = transportOf(*p.Protocol)
		}
		if p.Name != nil {
			port.Name = flow.Intern(*p.Name)
		}
		slice.Ports = append(slice.Ports, port)
	}
	for _, endpoint := range e.Endpoints {
		if ref := endpoint.TargetRef; ref != nil && ref.Kind == "Pod" {
			slice.Pods = append(slice.Pods, identity.IDOf(string(ref.UID)))
		}
	}
	return slice
}
