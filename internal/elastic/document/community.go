package document

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"net/netip"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// writeCommunityID writes the Community ID, by which other tools name the same connection
// whatever its direction: https://github.com/corelight/community-id-spec, version 1, seed 0.
func (d *draft) writeCommunityID(f *field) {
	p := &d.kind.places
	// A protocol without a name has no ports, and an unknown one no id.
	transport, _ := flow.ParseTransport(d.textAt(p.transport))
	switch transport {
	case flow.TransportTCP, flow.TransportUDP, flow.TransportSCTP:
	default:
		return // of ICMP it rests on the type of the message, and a flow has both
	}
	from, to := d.addrPortAt(p.sourceAddress, p.sourcePort), d.addrPortAt(p.destinationAddress, p.destinationPort)
	if !from.IsValid() || !to.IsValid() || from.Addr().Is4() != to.Addr().Is4() {
		return
	}
	if from.Compare(to) > 0 {
		from, to = to, from
	}
	buf := make([]byte, 2, 2+2*16+2+2*2) // begins with the seed
	buf = appendRaw(appendRaw(buf, from.Addr()), to.Addr())
	buf = append(buf, byte(transport), 0)
	buf = binary.BigEndian.AppendUint16(buf, from.Port())
	buf = binary.BigEndian.AppendUint16(buf, to.Port())
	sum := sha1.Sum(buf) // which is what the specification asks for, and hides nothing
	d.buf = append(d.begin(f), `"1:`...)
	d.buf = base64.StdEncoding.AppendEncode(d.buf, sum[:])
	d.buf = append(d.buf, `",`...)
}

// addrPortAt is not valid where the address or the port is not known.
func (d *draft) addrPortAt(address, port int) netip.AddrPort {
	addr, err := parseAddress(d.textAt(address))
	n, _ := d.numberAt(port)
	if err != nil || n <= 0 || n > 1<<16-1 {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(addr, uint16(n))
}

func appendRaw(dst []byte, addr netip.Addr) []byte {
	if addr.Is4() {
		b := addr.As4()
		return append(dst, b[:]...)
	}
	b := addr.As16()
	return append(dst, b[:]...)
}
