package resolve

import (
	"net/netip"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube/identity"
)

// own are the addresses of a node that are known otherwise than by the API.
type own struct {
	node      flow.Name
	addresses map[netip.Addr]struct{}
}

// SetOwn has records of a node know its addresses, beside those that the API tells.
// Others' records do not: bridges of several nodes may have the same.
func (r *Resolver) SetOwn(node flow.Name, addresses []netip.Addr) {
	o := &own{node, make(map[netip.Addr]struct{}, len(addresses))}
	for _, addr := range addresses {
		o.addresses[addr] = struct{}{}
	}
	r.own.Store(o)
}

// ownNode returns the node of a record's machine if addr is known to be its own, or nil.
func (r *Resolver) ownNode(q *Question, addr netip.Addr) *identity.Node {
	o := r.own.Load()
	if o == nil || q.Node != o.node.String() {
		return nil
	}
	if _, ok := o.addresses[addr]; !ok {
		return nil
	}
	return r.Index.Node(o.node)
}
