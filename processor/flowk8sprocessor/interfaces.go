package flowk8sprocessor

import (
	"net"
	"net/netip"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube/identity"
)

// interfacesEvery is how often the addresses of this machine are looked at.
const interfacesEvery = 5 * time.Second

// lookAtInterfaces tells the resolver which addresses the collector's node has, if the
// collector can know.
func (p *identifier) lookAtInterfaces() {
	if p.config.Node == "" || p.now().Before(p.interfacesDue) {
		return
	}
	p.interfacesDue = p.now().Add(interfacesEvery)
	name := flow.Intern(p.config.Node)
	node := p.cluster.Index.Node(name)
	if node == nil {
		return
	}
	addresses, err := p.interfaces()
	if err != nil {
		p.logger.Debug("the addresses of this machine cannot be read: those that the cluster tells of its node are used", zap.Error(err))
		return
	}
	p.resolver.SetOwn(name, ownAddresses(node, addresses))
}

// ownAddresses are those of the networks that a node is on, such as that of the bridge to
// its pods, among the addresses of the collector's network namespace. That this is the
// node's is sure only if an address of the node is there. An address alone on its
// interface may be a service's: kube-proxy and the local DNS cache put them there.
func ownAddresses(node *identity.Node, addresses []net.Addr) []netip.Addr {
	var on []netip.Addr
	sure := false
	for _, a := range addresses {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue
		}
		addr := prefix.Addr().Unmap()
		sure = sure || slices.Contains(node.Addresses, addr)
		if !prefix.IsSingleIP() && !addr.IsLoopback() && !addr.IsLinkLocalUnicast() {
			on = append(on, addr)
		}
	}
	if !sure {
		return nil
	}
	return on
}
