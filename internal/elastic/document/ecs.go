package document

import (
	"bytes"
	"math"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

func (d *draft) eventType(f *field) {
	d.buf = append(d.begin(f), `["connection"`...)
	switch d.textAt(d.kind.places.action) {
	case flow.Allow.String():
		d.buf = append(d.buf, `,"allowed"`...)
	case flow.Deny.String():
		d.buf = append(d.buf, `,"denied"`...)
	}
	if n, _ := d.numberAt(d.kind.places.started); n > 0 {
		d.buf = append(d.buf, `,"start"`...)
	}
	if n, _ := d.numberAt(d.kind.places.completed); n > 0 {
		d.buf = append(d.buf, `,"end"`...)
	}
	d.buf = append(d.buf, "],"...)
}

// sum writes the sum of two numbers of which one may be unknown, or the largest that there is.
func (d *draft) sum(f *field, a, b int) {
	x, knownX := d.numberAt(a)
	y, knownY := d.numberAt(b)
	if !knownX && !knownY {
		return
	}
	n := x + y
	if x > 0 && y > math.MaxInt64-x {
		n = math.MaxInt64
	}
	d.buf = appendInteger(d.begin(f), n)
}

// direction is as ECS wants it of what is seen on a host: from its side.
func (d *draft) direction(f *field) {
	switch d.textAt(d.kind.places.reporter) {
	case flow.ReporterSource.String():
		d.buf = append(d.begin(f), `"egress",`...)
	case flow.ReporterDestination.String():
		d.buf = append(d.begin(f), `"ingress",`...)
	}
}

// relatedIP repeats the addresses that were written, each once.
func (d *draft) relatedIP(f *field) {
	if d.nAddress+d.nList == 0 {
		return
	}
	d.buf = append(d.begin(f), '[')
	for i, addr := range d.addresses[:d.nAddress] {
		if !d.among(d.addresses[:i], addr) {
			d.buf = append(append(d.buf, '"'), d.buf[addr.from:addr.to]...)
			d.buf = append(d.buf, `",`...)
		}
	}
	for _, list := range d.addressLists[:d.nList] {
		d.buf = append(append(d.buf, d.buf[list.from:list.to]...), ',')
	}
	d.buf = end(d.buf)
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

// relatedHosts names machines. A pod is none, and is found by its name.
func (d *draft) relatedHosts(f *field) {
	p := &d.kind.places
	var hosts [4]string
	n := 0
	for _, place := range [...]int{p.host, p.node, p.sourceNode, p.destinationNode} {
		host := d.textAt(place)
		if host == "" || host == hosts[0] || host == hosts[1] || host == hosts[2] {
			continue
		}
		hosts[n] = host
		n++
	}
	if n == 0 && !d.has(p.domains) {
		return
	}
	d.buf = append(d.begin(f), '[')
	for _, host := range hosts[:n] {
		d.buf = appendString(d.buf, host)
	}
	if d.has(p.domains) {
		for _, domain := range d.values[p.domains].Slice().All() {
			d.buf = appendString(d.buf, asString(domain))
		}
	}
	d.buf = end(d.buf)
}
