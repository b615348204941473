package flowk8sprocessor

import (
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube/identity"
)

func TestANodesOwnAddressesAreThoseOfItsNetworks(t *testing.T) {
	node := &identity.Node{Addresses: []netip.Addr{netip.MustParseAddr("192.168.7.1")}}
	for name, test := range map[string]struct {
		interfaces []string
		want       []string
	}{
		"nic and bridge":                  {[]string{"127.0.0.1/8", "192.168.7.1/24", "10.244.1.1/24", "fd00:1::1/64"}, []string{"192.168.7.1", "10.244.1.1", "fd00:1::1"}},
		"the nic's is alone":              {[]string{"192.168.7.1/32", "10.244.1.1/24"}, []string{"10.244.1.1"}},
		"addresses of services":           {[]string{"192.168.7.1/24", "10.96.0.10/32", "fd00:96::10/128"}, []string{"192.168.7.1"}},
		"what every machine has":          {[]string{"192.168.7.1/24", "::1/128", "fe80::1/64", "169.254.20.10/16"}, []string{"192.168.7.1"}},
		"a pod's network":                 {[]string{"127.0.0.1/8", "10.244.1.7/24"}, nil},
		"a bridge without the node's own": {[]string{"192.168.7.2/24", "10.244.1.1/24"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var addresses []net.Addr
			for _, s := range test.interfaces {
				ip, network, err := net.ParseCIDR(s)
				require.NoError(t, err)
				network.IP = ip
				addresses = append(addresses, network)
			}
			var got []string
			for _, addr := range ownAddresses(node, addresses) {
				got = append(got, addr.String())
			}
			assert.Equal(t, test.want, got)
		})
	}
}
