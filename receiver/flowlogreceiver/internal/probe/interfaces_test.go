//go:build linux

package probe

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/bpf"
)

// What is stacked on a chosen interface is chosen with it; a tunnel is not stacked, and
// the peer of a virtual interface lies elsewhere.
func TestTraitsOfInterfaces(t *testing.T) {
	attrs := func(index int, name string, parent, master int) netlink.LinkAttrs {
		return netlink.LinkAttrs{Index: index, Name: name, ParentIndex: parent, MasterIndex: master}
	}
	links := []netlink.Link{
		&netlink.Vlan{LinkAttrs: attrs(6, "uplink", 5, 0)},
		&netlink.Bond{LinkAttrs: attrs(5, "bond0", 0, 0)},
		&netlink.Device{LinkAttrs: attrs(2, "eth0", 0, 5)},
		&netlink.Device{LinkAttrs: attrs(3, "eth1", 0, 5)},
		&netlink.Vxlan{LinkAttrs: attrs(7, "vxlan0", 2, 0)},
		&netlink.Bridge{LinkAttrs: attrs(8, "cni0", 0, 0)},
		&netlink.Veth{LinkAttrs: attrs(9, "veth1", 2, 8)},
		&netlink.Veth{LinkAttrs: attrs(10, "veth2", 9, 99)},
	}
	all := map[int]bpf.ForwardForwardInterface{2: 0, 3: 0, 5: stacked, 6: stacked, 7: 0, 8: stacked, 9: 0, 10: 0}
	for name, test := range map[string]struct {
		options ForwardOptions
		chosen  []int
	}{
		"none":                {ForwardOptions{Interfaces: []string{"tap*"}}, nil},
		"one, and above it":   {ForwardOptions{Interfaces: []string{"eth0"}}, []int{2, 5, 6}},
		"a port's bridge":     {ForwardOptions{Interfaces: []string{"veth?"}}, []int{8, 9, 10}},
		"not below":           {ForwardOptions{Interfaces: []string{"bond0"}}, []int{5, 6}},
		"all but some":        {ForwardOptions{Interfaces: []string{"*"}, Exclude: []string{"eth*", "bond0", "uplink"}}, []int{7, 8, 9, 10}},
		"not the one between": {ForwardOptions{Interfaces: []string{"eth0"}, Exclude: []string{"bond0"}}, []int{2}},
	} {
		t.Run(name, func(t *testing.T) {
			want := make(map[int]bpf.ForwardForwardInterface)
			for index, traits := range all {
				want[index] = traits
			}
			for _, index := range test.chosen {
				want[index] |= chosen
			}
			i := &interfaces{options: &test.options}
			require.Equal(t, want, i.traitsOf(links))
		})
	}
}
