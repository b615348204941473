//go:build linux

package probe

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/bpf"
)

// The kernel finds the longest prefix only, so each carries what holds of the
// wider ones.
func TestFilterPrefixesCarryTheWiderOnes(t *testing.T) {
	p := netip.MustParsePrefix
	f := Filter{
		IncludeAddresses: []netip.Prefix{p("10.0.0.0/8"), p("2001:db8::/32")},
		ExcludeAddresses: []netip.Prefix{p("10.1.0.0/16"), p("10.1.2.3/32"), p("192.168.0.0/16")},
	}
	require.Equal(t, map[netip.Prefix]bpf.TCPFilterPart{
		p("10.0.0.0/8"):     includeAddress,
		p("2001:db8::/32"):  includeAddress,
		p("10.1.0.0/16"):    includeAddress | excludeAddress,
		p("10.1.2.3/32"):    includeAddress | excludeAddress,
		p("192.168.0.0/16"): excludeAddress,
	}, f.prefixes())
	require.Equal(t, uint8(includeAddress|excludeAddress), f.parts())
	require.Zero(t, new(Filter).parts())
	require.Equal(t, uint8(includePort|excludePort), (&Filter{IncludePorts: []uint16{80}, ExcludePorts: []uint16{22}}).parts())
}
