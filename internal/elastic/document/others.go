package document

import (
	"bytes"
	"errors"
	"fmt"
)

// writeOthers writes attributes that the registry does not know, as text. Dots in names become
// underscores unless they are to be kept.
func (d *draft) writeOthers(f *field, from, to int, keepDots bool) error {
	if from == to {
		return nil
	}
	d.enter(f.in)
	first := d.name
	for i := range d.others[from:to] {
		if err := d.other(&d.others[from+i], first, from+i >= d.ofRecord, keepDots); err != nil {
			return err
		}
	}
	return nil
}

// other writes one of them. One of the resource that makes the same field as one of the record is
// passed over.
func (d *draft) other(o *other, first int, ofResource, keepDots bool) error {
	if o.name == "" {
		return errors.New("an attribute has no name")
	}
	from := len(d.buf)
	d.buf = append(d.buf, '"')
	for i := range len(o.name) {
		d.buf = append(d.buf, inName(o.name[i], keepDots))
	}
	name := d.buf[from+1:]
	if keepDots && d.hasField(name, ofResource) {
		return otherTwice(o.name)
	}
	for i, before := range d.names[first:d.name] {
		switch {
		case !bytes.Equal(d.buf[before.from:before.to], name):
		case ofResource && first+i < d.ofRecord:
			d.buf = d.buf[:from]
			return nil
		default:
			return otherTwice(o.name)
		}
	}
	d.names[d.name] = span{int32(from + 1), int32(len(d.buf))}
	d.name++
	d.buf = append(d.buf, `":`...)
	d.buf = appendString(d.buf, asString(o.value))
	return nil
}

func otherTwice(name string) error {
	return fmt.Errorf("attribute %.100q makes a field that another makes already: rename or delete one with the transform processor", name)
}

// hasField reports whether the record, or its resource, has an attribute of the registry by a
// name that another was changed to.
func (d *draft) hasField(name []byte, ofResource bool) bool {
	n := &d.kind.record
	if ofResource {
		n = &d.kind.resource
	}
	i, ok := n.byName[string(name)]
	return ok && d.seen.has(n.places[i])
}

// inName is what a byte of an attribute's name is in the name of a field: dots would make objects
// of labels, and blanks, stars and what JSON escapes are trouble for those who search.
func inName(c byte, keepDots bool) byte {
	if !plain(c) || c == ' ' || c == '*' || c == 0x7f || c == '.' && !keepDots {
		return '_'
	}
	return c
}
