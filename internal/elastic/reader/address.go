package reader

import (
	"net/netip"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/filter"
)

// addressRange has both of its ends.
type addressRange struct{ first, last netip.Addr }

var (
	first4, last4 = netip.AddrFrom4([4]byte{}), netip.AddrFrom4([4]byte{255, 255, 255, 255})
	first6, last6 = netip.IPv6Unspecified(), netip.AddrFrom16([16]byte{
		255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
	})
	every4 = addressRange{first4, last4}
)

// addressRanges are the addresses for which a comparison with operand holds. The filter has
// IPv4 before all of IPv6 and in no prefix of it; Elasticsearch keeps it where it is mapped
// into IPv6. So ranges of IPv6 are cut there.
func addressRanges(op filter.Op, operand *filter.Operand) []addressRange {
	if p := operand.Prefix; p.IsValid() {
		return within(filter.Addresses(p))
	}
	a := operand.Value.Addr
	switch op {
	case filter.Less, filter.LessOrEqual:
		if op == filter.Less {
			a = a.Prev() // before the first there is none
		}
		switch {
		case !a.IsValid() && operand.Value.Addr.Is4():
			return nil
		case !a.IsValid():
			return []addressRange{every4}
		case a.Is4():
			return within(first4, a)
		default:
			return append(within(first6, a), every4)
		}
	default:
		if op == filter.Greater {
			a = a.Next()
		}
		switch {
		case !a.IsValid() && operand.Value.Addr.Is4():
			return within(first6, last6)
		case !a.IsValid():
			return nil
		case a.Is4():
			return append(within(first6, last6), addressRange{a, last4})
		default:
			return within(a, last6)
		}
	}
}

// within are the addresses of one version from first to last.
func within(first, last netip.Addr) []addressRange {
	if first.Is4() {
		return []addressRange{{first, last}}
	}
	mapped, end := netip.AddrFrom16(first4.As16()), netip.AddrFrom16(last4.As16())
	if last.Less(mapped) || end.Less(first) {
		return []addressRange{{first, last}}
	}
	var ranges []addressRange
	if first.Less(mapped) {
		ranges = append(ranges, addressRange{first, mapped.Prev()})
	}
	if end.Less(last) {
		ranges = append(ranges, addressRange{end.Next(), last})
	}
	return ranges
}
