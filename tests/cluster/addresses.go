package cluster

import "net/netip"

// family is what a cluster takes of the addresses of IPv4 or of IPv6.
type family struct {
	table    string       // the family's name in nft
	nodes    netip.Prefix // of which one subnet holds the cluster's nodes
	pods     netip.Prefix // of which the i-th subnet is node i's
	services netip.Prefix
	subnet   int // bits of a subnet's prefix
}

var (
	ipv4 = family{
		table:    "ip",
		nodes:    netip.MustParsePrefix("10.250.0.0/16"),
		pods:     netip.MustParsePrefix("10.244.0.0/16"),
		services: netip.MustParsePrefix("10.98.0.0/16"),
		subnet:   24,
	}
	ipv6 = family{
		table:    "ip6",
		nodes:    netip.MustParsePrefix("fd00:10:250::/48"),
		pods:     netip.MustParsePrefix("fd00:10:244::/48"),
		services: netip.MustParsePrefix("fd00:10:98::/112"),
		subnet:   64,
	}
)

// families are those of the cluster; that by which it is reached is the first.
func (o Options) families() []family {
	if o.DualStack {
		return []family{ipv4, ipv6}
	}
	return []family{ipv4}
}

// podsOf holds the addresses of the pods of node i.
func (f family) podsOf(i int) netip.Prefix { return f.part(f.pods, i) }

// part is the i-th subnet, from 0 to 255.
func (f family) part(of netip.Prefix, i int) netip.Prefix {
	return netip.PrefixFrom(withByte(of.Addr(), f.subnet/8-1, i), f.subnet)
}

// everything holds all addresses.
func (f family) everything() netip.Prefix {
	all, _ := f.pods.Addr().Prefix(0) // no address has fewer bits
	return all
}

// host is the n-th address of a subnet, from 1 to 254.
func host(subnet netip.Prefix, n int) netip.Addr {
	return withByte(subnet.Addr(), subnet.Addr().BitLen()/8-1, n)
}

func withByte(a netip.Addr, at, value int) netip.Addr {
	bytes := a.AsSlice()
	bytes[at] = byte(value)
	changed, _ := netip.AddrFromSlice(bytes) // which has as many as it had
	return changed
}

// prefixes returns one of each family as text.
func (o Options) prefixes(of func(family) netip.Prefix) (texts []string) {
	for _, f := range o.families() {
		texts = append(texts, of(f).String())
	}
	return texts
}
