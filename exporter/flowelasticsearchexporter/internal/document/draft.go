package document

import (
	"bytes"
	"errors"
	"fmt"
	"math/bits"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// draft is a document that is being written. Attributes are first put into the order of the
// layout, for they may come in any, and then written one after the other. Every field, item and
// object is followed by a comma, of which end makes a bracket.
type draft struct {
	kind        *kind
	record      plog.LogRecord
	communityID bool

	// values are those of the attributes, by their places; seen are the places that have one.
	values [maxFields]pcommon.Value
	seen   set
	// others are the attributes that the registry does not know, those of the record first.
	others                [maxOthers]other
	ofRecord, ofBoth      int
	names                 [maxOthers]span // where in buf the names of others are
	addresses             [4]span         // where in buf the addresses are, without quotes
	addressLists          [4]span         // and lists of them, without brackets
	nAddress, nList, name int

	buf []byte
	in  *object
	id  string
	// written is the time that was last written, in nanoseconds, and where in buf it is.
	written     int64
	writtenTime span
}

// other is an attribute that the registry does not know.
type other struct {
	name  string
	value pcommon.Value
}

// maxOthers bounds the attributes that the registry does not know: they are compared with each
// other, and each makes a field of the index.
const maxOthers = 32

// span is a part of a draft's buf.
type span struct{ from, to int32 }

// take takes the attributes of a record and its resource.
func (d *draft) take(resource, record pcommon.Map) error {
	if err := d.takeFrom(&d.kind.record, record, &set{}); err != nil {
		return err
	}
	d.ofRecord = d.ofBoth
	ofRecord := d.seen
	return d.takeFrom(&d.kind.resource, resource, &ofRecord)
}

// takeFrom takes attributes but for those that are in before.
func (d *draft) takeFrom(n *names, attributes pcommon.Map, before *set) error {
	next := 0
	for name, v := range attributes.All() {
		i := n.find(next, name)
		if i < 0 {
			if d.ofBoth == maxOthers {
				return fmt.Errorf("attribute %.100q is one too many: a document takes %d that are not of flow records; delete what is not needed with the transform processor", name, maxOthers)
			}
			d.others[d.ofBoth] = other{name, v}
			d.ofBoth++
			continue
		}
		next = i + 1
		place := n.places[i]
		if !d.seen.has(place) {
			d.seen.add(place)
			d.values[place] = v
		} else if !before.has(place) {
			return fmt.Errorf("attribute %s is there twice", name)
		}
	}
	return nil
}

// write writes the document.
func (d *draft) write(l *layout) error {
	root := d.in
	for word := range d.seen {
		for places := d.seen[word] | l.beside[word]; places != 0; places &= places - 1 {
			place := word*64 + bits.TrailingZeros64(places)
			f := &l.fields[place]
			if f.made != fromAttribute {
				if err := d.make(f); err != nil {
					return err
				}
				continue
			}
			if err := d.attribute(f, d.values[place]); err != nil {
				return fmt.Errorf("attribute %s: %w", l.attributes[place], err)
			}
		}
	}
	d.enter(root)
	d.buf = end(d.buf, '}')
	return nil
}

// begin begins a field.
func (d *draft) begin(f *field) {
	if d.in != f.in {
		d.enter(f.in)
	}
	d.buf = append(d.buf, f.key...)
}

// enter closes the objects that o is not in, and opens those that it is in.
func (d *draft) enter(o *object) {
	for o.within[d.in.depth] != d.in {
		d.buf = append(end(d.buf, '}'), ',')
		d.in = d.in.parent
	}
	d.buf = append(d.buf, o.from[d.in.depth]...)
	d.in = o
}

// attribute writes one attribute of the registry.
func (d *draft) attribute(f *field, v pcommon.Value) error {
	switch f.typ {
	case flow.Keyword:
		if s := v.Str(); s != "" || v.Type() == pcommon.ValueTypeStr {
			return d.text(f, s)
		}
	case flow.Integer, flow.Time:
		if n, ok := integer(v); ok {
			return d.number(f, n)
		}
	case flow.Boolean:
		if v.Type() == pcommon.ValueTypeBool {
			d.begin(f)
			if v.Bool() {
				d.buf = append(d.buf, "true,"...)
			} else {
				d.buf = append(d.buf, "false,"...)
			}
			return nil
		}
	case flow.Address:
		if v.Type() == pcommon.ValueTypeStr {
			return d.address(f, v.Str())
		}
	case flow.Keywords:
		if v.Type() == pcommon.ValueTypeSlice {
			return d.list(f, v.Slice())
		}
	case flow.Map:
		if v.Type() == pcommon.ValueTypeMap {
			d.labels(f, v.Map())
			return nil
		}
	}
	return fmt.Errorf("want a value of type %s, got %s", f.typ, v.Type())
}

func (d *draft) text(f *field, s string) error {
	if f.key == "" {
		return d.setID(s)
	}
	d.begin(f)
	d.buf = append(appendText(d.buf, s), `",`...)
	return nil
}

// setID takes the id of a record, which has one form for each value.
func (d *draft) setID(s string) error {
	id, err := flow.ParseID(s)
	if err != nil || id.IsZero() {
		return err
	}
	const longest = len("01234567-01234567-0123456789abcdef")
	if len(s) > longest {
		return fmt.Errorf("%.50q… is no id: it has %d characters, want at most %d", s, len(s), longest)
	}
	d.id = s
	return nil
}

func (d *draft) number(f *field, n int64) error {
	switch {
	case f.typ == flow.Time && n < 0:
		return fmt.Errorf("%d is before 1970, which Elasticsearch cannot keep in nanoseconds", n)
	case n > f.max || n < -f.max:
		return fmt.Errorf("%d is out of range: want at most %d", n, f.max)
	}
	d.begin(f)
	if f.typ == flow.Time {
		d.time(n)
	} else {
		d.buf = append(appendInteger(d.buf, n), ',')
	}
	return nil
}

func (d *draft) address(f *field, s string) error {
	addr, err := parseAddress(s)
	if err != nil {
		return err
	}
	d.begin(f)
	from := len(d.buf)
	d.buf = addr.AppendTo(d.buf)
	d.addresses[d.nAddress] = span{int32(from), int32(len(d.buf))}
	d.nAddress++
	d.buf = append(d.buf, `",`...)
	return nil
}

func (d *draft) list(f *field, list pcommon.Slice) error {
	d.begin(f)
	from := len(d.buf)
	for _, item := range list.All() {
		if !f.ip {
			d.buf = append(appendString(d.buf, asString(item)), ',')
			continue
		}
		addr, err := parseAddress(asString(item))
		if err != nil {
			return err
		}
		d.buf = addr.AppendTo(append(d.buf, '"'))
		d.buf = append(d.buf, `",`...)
	}
	if f.ip && len(d.buf) > from {
		d.addressLists[d.nList] = span{int32(from), int32(len(d.buf) - len(","))}
		d.nList++
	}
	d.buf = append(end(d.buf, ']'), ',')
	return nil
}

// labels writes a map as a list of key=value: keys with dots in them are not taken apart, and
// no key makes a field of its own.
func (d *draft) labels(f *field, labels pcommon.Map) {
	d.begin(f)
	for key, value := range labels.All() {
		d.buf = appendText(append(d.buf, '"'), key)
		d.buf = appendText(append(d.buf, '='), asString(value))
		d.buf = append(d.buf, `",`...)
	}
	d.buf = append(end(d.buf, ']'), ',')
}

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
	d.buf = appendString(append(d.buf, `":`...), asString(o.value))
	d.buf = append(d.buf, ',')
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
