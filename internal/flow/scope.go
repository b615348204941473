package flow

import "net/netip"

// Scope classifies an address by the range it lies in.
type Scope uint8

// The scopes.
const (
	ScopeUnknown Scope = iota
	ScopeLoopback
	ScopeLinkLocal
	ScopePrivate
	ScopeUniqueLocal
	ScopeSharedAddress
	ScopeMulticast
	ScopePublic
)

var scopeNames = [...]string{"", "loopback", "link_local", "private", "unique_local", "cgnat", "multicast", "public"}

func (s Scope) String() string { return nameOf(scopeNames[:], s) }

// ParseScope is the inverse of String.
func ParseScope(s string) (Scope, error) { return parseName[Scope]("scope", scopeNames[:], s) }

// sharedAddressSpace is the range of carrier-grade NAT (RFC 6598).
var sharedAddressSpace = netip.MustParsePrefix("100.64.0.0/10")

// ScopeOf classifies addr: RFC 1918 is private, RFC 4193 unique local, RFC 6598
// carrier-grade NAT. The unspecified address and an invalid one are unknown.
func ScopeOf(addr netip.Addr) Scope {
	addr = addr.Unmap()
	switch {
	case !addr.IsValid() || addr.IsUnspecified():
		return ScopeUnknown
	case addr.IsLoopback():
		return ScopeLoopback
	case addr.IsLinkLocalUnicast():
		return ScopeLinkLocal
	case addr.IsMulticast():
		return ScopeMulticast
	case addr.IsPrivate() && addr.Is4():
		return ScopePrivate
	case addr.IsPrivate():
		return ScopeUniqueLocal
	case sharedAddressSpace.Contains(addr):
		return ScopeSharedAddress
	default:
		return ScopePublic
	}
}

// mappedBits is the length of ::ffff:0:0/96, under which RFC 4291 maps IPv4.
const mappedBits = 96

// UnmapPrefix returns prefix without the bits beyond its length. One within the IPv4
// addresses that are mapped into IPv6 becomes the IPv4 prefix; a wider one is IPv6 and
// holds no IPv4 address.
func UnmapPrefix(prefix netip.Prefix) netip.Prefix {
	if addr := prefix.Addr(); addr.Is4In6() && prefix.Bits() >= mappedBits {
		prefix = netip.PrefixFrom(addr.Unmap(), prefix.Bits()-mappedBits)
	}
	return prefix.Masked()
}
