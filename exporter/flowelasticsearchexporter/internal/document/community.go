package document

import (
	"crypto/sha1" //nolint:gosec // what the specification of Community ID asks for, and no secret
	"encoding/base64"
	"encoding/binary"
	"net/netip"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// communityID writes the Community ID, by which other tools name the same connection
// whatever its direction: https://github.com/corelight/community-id-spec, version 1, seed 0.
func (d *draft) communityID() {
	n := &d.noted
	switch n.transport {
	case flow.TransportTCP, flow.TransportUDP, flow.TransportSCTP:
	default:
		return // of ICMP it rests on the type of the message, and a flow has both
	}
	from := netip.AddrPortFrom(n.source, uint16(n.numbers[noteSourcePort]))
	to := netip.AddrPortFrom(n.destination, uint16(n.numbers[noteDestinationPort]))
	if !from.IsValid() || !to.IsValid() || from.Port() == 0 || to.Port() == 0 || from.Addr().Is4() != to.Addr().Is4() {
		return
	}
	if from.Compare(to) > 0 {
		from, to = to, from
	}
	buf := make([]byte, 2, 2+2*16+2+2*2) // begins with the seed
	buf = appendRaw(appendRaw(buf, from.Addr()), to.Addr())
	buf = append(buf, byte(n.transport), 0)
	buf = binary.BigEndian.AppendUint16(buf, from.Port())
	buf = binary.BigEndian.AppendUint16(buf, to.Port())
	sum := sha1.Sum(buf) //nolint:gosec // see the import
	d.buf = append(d.buf, `"network.community_id":"1:`...)
	d.buf = base64.StdEncoding.AppendEncode(d.buf, sum[:])
	d.buf = append(d.buf, `",`...)
}

func appendRaw(dst []byte, addr netip.Addr) []byte {
	if addr.Is4() {
		b := addr.As4()
		return append(dst, b[:]...)
	}
	b := addr.As16()
	return append(dst, b[:]...)
}
