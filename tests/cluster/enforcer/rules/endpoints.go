package rules

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// endpoint is a pod with addresses of its own. Pods on the node's network are none:
// policies neither isolate them nor find them by their labels.
type endpoint struct {
	namespace, name string
	node            string
	labels          labels.Set
	namespaceLabels labels.Set
	addresses       []netip.Addr
	ports           map[namedPort]uint16
}

type namedPort struct {
	protocol corev1.Protocol
	name     string
}

// endpoints returns those of the whole cluster by name. Of pods that give the same
// address, which was reused before the API server heard of the earlier one's end, the
// later one has it.
func (s State) endpoints() (all []*endpoint) {
	namespaces := map[string]labels.Set{}
	for _, n := range s.Namespaces {
		namespaces[n.Name] = n.Labels
	}
	pods := slices.DeleteFunc(slices.Clone(s.Pods), func(p *corev1.Pod) bool {
		return p.Spec.HostNetwork || p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
	})
	slices.SortFunc(pods, byClaim)
	owners := map[netip.Addr]*endpoint{}
	for _, p := range pods {
		e := &endpoint{
			namespace: p.Namespace, name: p.Name, node: p.Spec.NodeName,
			labels: p.Labels, namespaceLabels: namespaces[p.Namespace],
			ports: portsOf(p),
		}
		for _, ip := range p.Status.PodIPs {
			if a, err := netip.ParseAddr(ip.IP); err == nil {
				owners[a] = e
			}
		}
	}
	for _, a := range slices.SortedFunc(maps.Keys(owners), netip.Addr.Compare) {
		e := owners[a]
		if len(e.addresses) == 0 {
			all = append(all, e)
		}
		e.addresses = append(e.addresses, a)
	}
	slices.SortFunc(all, func(a, b *endpoint) int {
		return cmp.Or(strings.Compare(a.namespace, b.namespace), strings.Compare(a.name, b.name))
	})
	return all
}

// byClaim puts last whose claim to an address is best.
func byClaim(a, b *corev1.Pod) int {
	ends := func(p *corev1.Pod) int {
		if p.DeletionTimestamp != nil {
			return 0
		}
		return 1
	}
	return cmp.Or(
		cmp.Compare(ends(a), ends(b)),
		a.CreationTimestamp.Compare(b.CreationTimestamp.Time),
		strings.Compare(a.Namespace, b.Namespace),
		strings.Compare(a.Name, b.Name),
	)
}

// portsOf finds the ports that a pod's containers have names for, with those of
// sidecars, which are init containers that stay.
func portsOf(p *corev1.Pod) map[namedPort]uint16 {
	containers := slices.Clone(p.Spec.Containers)
	for _, c := range p.Spec.InitContainers {
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			containers = append(containers, c)
		}
	}
	ports := map[namedPort]uint16{}
	for _, c := range containers {
		for _, port := range c.Ports {
			ports[namedPort{cmp.Or(port.Protocol, corev1.ProtocolTCP), port.Name}] = uint16(port.ContainerPort)
		}
	}
	return ports
}

// sortedByName returns the objects in an order that does not depend on theirs.
func sortedByName[T metav1.Object](objects []T) []T {
	return slices.SortedFunc(slices.Values(objects), func(a, b T) int {
		return cmp.Or(strings.Compare(a.GetNamespace(), b.GetNamespace()), strings.Compare(a.GetName(), b.GetName()))
	})
}
