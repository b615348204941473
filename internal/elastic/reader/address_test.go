package reader

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/filter"
)

// TestRangesHoldWhatTheFilterMatches goes by the order that Elasticsearch has of addresses: of
// their sixteen bytes, IPv4 mapped into IPv6.
func TestRangesHoldWhatTheFilterMatches(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	address := func() netip.Addr {
		var b [16]byte
		for i := range b {
			b[i] = []byte{0, 0, 0, 1, 127, 255}[r.IntN(6)]
		}
		switch r.IntN(4) {
		case 0:
			return netip.AddrFrom4([4]byte(b[:4]))
		case 1:
			copy(b[:], make([]byte, 10))
		case 2:
			copy(b[:], []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 254 + byte(r.IntN(2)), 255, 255, 255, 255})
		}
		return netip.AddrFrom16(b).Unmap()
	}
	field := flow.Flows.Lookup("source.address")
	for range 20_000 {
		operand := filter.Operand{Value: flow.Value{Type: flow.Address, Addr: address()}}
		op := []filter.Op{filter.Less, filter.LessOrEqual, filter.Greater, filter.GreaterOrEqual, filter.Equal}[r.IntN(5)]
		if op == filter.Equal {
			prefix, err := operand.Value.Addr.Prefix(r.IntN(operand.Value.Addr.BitLen() + 1))
			require.NoError(t, err)
			operand.Prefix = prefix
		}
		cond := filter.Cond{Field: field, Op: op, Values: []filter.Operand{operand}}
		f := flow.Flow{Source: flow.Endpoint{Address: address()}}
		found := false
		for _, in := range addressRanges(op, &operand) {
			at := f.Source.Address.As16()
			first, last := in.first.As16(), in.last.As16()
			found = found || compareBytes(first, at) <= 0 && compareBytes(at, last) <= 0
		}
		require.Equal(t, cond.Match(&f), found, "%s is compared by %d with %s %s", f.Source.Address, op, operand.Value.Addr, operand.Prefix)
	}
}

func compareBytes(a, b [16]byte) int { return netip.AddrFrom16(a).Compare(netip.AddrFrom16(b)) }
