package document

import (
	"fmt"
	"math"
	"net/netip"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// integer takes doubles that are integers too, for a step through JSON makes them, up to the
// largest integer.
func integer(v pcommon.Value) (int64, bool) {
	if n := v.Int(); n != 0 { // the usual case, without asking for the type
		return n, true
	}
	switch v.Type() {
	case pcommon.ValueTypeInt:
		return 0, true
	case pcommon.ValueTypeDouble:
		f := v.Double()
		if f >= math.MaxInt64 {
			return math.MaxInt64, !math.IsInf(f, 0)
		}
		return int64(f), f == float64(int64(f))
	default:
		return 0, false
	}
}

// parseAddress reads an address as the registry presents it: IPv4 mapped into IPv6 as IPv4, and
// without a zone, which Elasticsearch refuses.
func parseAddress(s string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("%.60q is no IP address", s)
	}
	return addr.Unmap().WithZone(""), nil
}

// asString is without allocation for text.
func asString(v pcommon.Value) string {
	if v.Type() == pcommon.ValueTypeStr {
		return v.Str()
	}
	return v.AsString()
}
