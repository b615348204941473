package identity

import (
	"net/netip"
	"slices"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// Node is what the index keeps of a node; nothing changes it once it is handed over.
type Node struct {
	Name, Zone flow.Name
	Addresses  []netip.Addr
	// Created is in nanoseconds since the Unix epoch.
	Created int64
}

func (n *Node) key() name { return name(n.Name.String()) }

// Node returns the node of a name, or nil.
func (x *Index) Node(of flow.Name) *Node {
	n, _ := x.nodes.get(name(of.String()))
	return n
}

// NodeAt returns the node that had addr throughout an interval, or nil with the reason.
func (x *Index) NodeAt(addr netip.Addr, first, last int64) (*Node, Verdict) {
	n, verdict := x.nodeAddresses.at(addr, first, last)
	if n == nil {
		return nil, verdict
	}
	if now := x.Node(n.Name); now != nil {
		return now, verdict // its zone may be known by now
	}
	return n, verdict
}

// SetNode adds a node, or changes the one of its name. Nodes say much more often that
// they are well than that anything about them is new.
func (x *Index) SetNode(n *Node) {
	x.write.Lock()
	defer x.write.Unlock()
	x.setNode(n)
}

func (x *Index) setNode(n *Node) {
	k := n.key()
	before, known := x.nodes.get(k)
	if known && before.Zone == n.Zone && before.Created == n.Created && slices.Equal(before.Addresses, n.Addresses) {
		return
	}
	now := x.now().UnixNano()
	x.nodes.set(k, n)
	for _, addr := range n.Addresses {
		from := n.Created
		if known && !slices.Contains(before.Addresses, addr) {
			from = now
		}
		x.nodeAddresses.begin(addr, n, n, span{from: min(from, now), sure: min(from, now), to: open})
	}
	if known {
		x.endNode(before, now)
	}
}

// DeleteNode notes that a node is gone.
func (x *Index) DeleteNode(of flow.Name) {
	x.write.Lock()
	defer x.write.Unlock()
	x.deleteNode(name(of.String()))
}

func (x *Index) deleteNode(k name) {
	if n, ok := x.nodes.get(k); ok {
		x.nodes.delete(k)
		x.endNode(n, x.now().UnixNano())
	}
}

func (x *Index) endNode(n *Node, now int64) {
	for _, addr := range n.Addresses {
		x.nodeAddresses.end(addr, n, now)
		x.bury(now, func() { x.nodeAddresses.forget(addr, n) })
	}
}

// ReplaceNodes makes the nodes those in list.
func (x *Index) ReplaceNodes(list []*Node) {
	x.write.Lock()
	defer x.write.Unlock()
	replace(&x.nodes, list, (*Node).key, x.deleteNode, x.setNode)
}

// NamespaceLabels returns the labels of a namespace, unknown where it is.
func (x *Index) NamespaceLabels(of flow.Name) flow.Labels {
	l, _ := x.namespaces.get(name(of.String()))
	return l
}

// SetNamespace sets the labels of a namespace; unknown labels remove it. Pods outlive
// their namespace by no more than the grace period, for which its labels are not kept.
func (x *Index) SetNamespace(of string, labels flow.Labels) {
	x.namespaces.change(name(of), func(flow.Labels) (flow.Labels, bool) { return labels, labels.Known() })
}

// ReplaceNamespaces makes the namespaces those in all.
func (x *Index) ReplaceNamespaces(all map[string]flow.Labels) {
	x.namespaces.each(func(k name, _ flow.Labels) {
		if _, ok := all[string(k)]; !ok {
			x.SetNamespace(string(k), flow.Labels{})
		}
	})
	for of, labels := range all {
		x.SetNamespace(of, labels)
	}
}
