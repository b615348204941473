package document

import (
	"bytes"
	"strconv"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// finishECS writes the fields that Kibana, Elastic Security and other tools look for, and that
// follow from several attributes.
func (d *draft) finishECS(isFlow, communityID bool) {
	n := &d.noted
	if n.inKubernetes {
		d.buf = append(d.buf, `"orchestrator.type":"kubernetes",`...)
	}
	if n.inNode {
		d.buf = append(d.buf, `"orchestrator.resource.type":"node",`...)
	}
	d.relatedHosts()
	if !isFlow {
		return
	}
	d.relatedAddresses()
	d.eventType()
	if start, end := n.numbers[noteStart], n.numbers[noteEnd]; n.has(noteStart) && end >= start {
		d.buf = append(appendInteger(append(d.buf, `"event.duration":`...), end-start), ',')
	}
	if bytes, known := n.sum(noteSourceBytes, noteDestinationBytes); known {
		d.buf = append(appendInteger(append(d.buf, `"network.bytes":`...), bytes), ',')
	}
	if packets, known := n.sum(noteSourcePackets, noteDestinationPackets); known {
		d.buf = append(appendInteger(append(d.buf, `"network.packets":`...), packets), ',')
	}
	switch n.reporter {
	case flow.ReporterSource.String():
		d.buf = append(d.buf, `"network.direction":"egress",`...)
	case flow.ReporterDestination.String():
		d.buf = append(d.buf, `"network.direction":"ingress",`...)
	}
	if communityID {
		d.communityID()
	}
}

func (d *draft) eventType() {
	d.buf = append(d.buf, `"event.type":["connection"`...)
	n := &d.noted
	switch {
	case n.denied:
		d.buf = append(d.buf, `,"denied"`...)
	case n.acted:
		d.buf = append(d.buf, `,"allowed"`...)
	}
	if n.numbers[noteStarted] > 0 {
		d.buf = append(d.buf, `,"start"`...)
	}
	if n.numbers[noteCompleted] > 0 {
		d.buf = append(d.buf, `,"end"`...)
	}
	d.buf = append(d.buf, "],"...)
}

func (d *draft) relatedAddresses() {
	n := &d.noted
	if n.nAddresses+n.nAddressLists == 0 {
		return
	}
	d.buf = append(d.buf, `"related.ip":[`...)
	for i, addr := range n.addresses[:n.nAddresses] {
		if !d.among(n.addresses[:i], addr) {
			d.buf = append(append(d.buf, '"'), d.buf[addr.from:addr.to]...)
			d.buf = append(d.buf, `",`...)
		}
	}
	for _, list := range n.addressLists[:n.nAddressLists] {
		for _, item := range list.All() {
			if addr, err := parseAddress(asString(item)); err == nil { // as it was when it was listed
				d.buf = append(appendAddress(d.buf, addr), ',')
			}
		}
	}
	d.buf = append(end(d.buf, ']'), ',')
}

// among reports whether one of the spans has the same text as s.
func (d *draft) among(spans []span, s span) bool {
	for _, o := range spans {
		if bytes.Equal(d.buf[o.from:o.to], d.buf[s.from:s.to]) {
			return true
		}
	}
	return false
}

func (d *draft) relatedHosts() {
	n := &d.noted
	if n.nHosts+n.nHostLists == 0 {
		return
	}
	d.buf = append(d.buf, `"related.hosts":[`...)
	for _, host := range n.hosts[:n.nHosts] {
		d.buf = append(appendString(d.buf, host), ',')
	}
	for _, list := range n.hostLists[:n.nHostLists] {
		for _, item := range list.All() {
			d.buf = append(appendString(d.buf, asString(item)), ',')
		}
	}
	d.buf = append(end(d.buf, ']'), ',')
}

func appendInteger(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }
