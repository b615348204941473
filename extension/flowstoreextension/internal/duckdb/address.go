package duckdb

import (
	"fmt"
	"net/netip"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/filter"
)

// addressKey encodes an address so that bytes sort as (netip.Addr).Compare does:
// the family, then the address, then the zone. A prefix is then one range of keys.
func addressKey(addr netip.Addr) []byte {
	addr = addr.Unmap()
	if addr.Is4() {
		a := addr.As4()
		return append([]byte{4}, a[:]...)
	}
	a := addr.As16()
	return append(append([]byte{6}, a[:]...), addr.Zone()...)
}

// keyLength is the length of the key of an address of prefix's family without zone.
func keyLength(prefix netip.Prefix) int {
	if prefix.Addr().Is4() {
		return 5
	}
	return 17
}

// parseAddressKey is the inverse of addressKey.
func parseAddressKey(key []byte) (netip.Addr, error) {
	switch {
	case len(key) == 5 && key[0] == 4:
		return netip.AddrFrom4([4]byte(key[1:])), nil
	case len(key) >= 17 && key[0] == 6:
		return netip.AddrFrom16([16]byte(key[1:17])).WithZone(string(key[17:])), nil
	default:
		return netip.Addr{}, fmt.Errorf("%x is not the key of an address", key)
	}
}

// prefixKeys returns the keys of the first and the last address of prefix.
func prefixKeys(prefix netip.Prefix) (first, last []byte) {
	from, to := filter.Addresses(prefix)
	return addressKey(from), addressKey(to)
}
