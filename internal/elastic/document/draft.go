package document

import (
	"fmt"
	"math/bits"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// draft is a document that is being written. Attributes are first put into the order of the
// layout, for they may come in any, and then written one after the other.
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

	// buf is the document so far. Every field, item and object in it is followed by a comma, which
	// goes when what it is in ends.
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
			// Nearly all attributes are of these two types and as they should be: for them the calls
			// below would be a twentieth of the time.
			if f.made == fromKeyword {
				if s := d.values[place].Str(); s != "" {
					d.buf = append(appendText(d.begin(f), s), `",`...)
					continue
				}
			} else if f.made == fromInteger {
				if n := d.values[place].Int(); n > 0 && n <= f.max {
					d.buf = appendInteger(d.begin(f), n)
					continue
				}
			}
			if f.made > fromAttribute {
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
	d.close(root)
	return nil
}

// begin returns buf with the beginning of a field, to which who writes it appends.
func (d *draft) begin(f *field) []byte {
	if d.in != f.in {
		d.enter(f.in)
	}
	return appendPiece(d.buf, &f.key)
}

// enter closes the objects that o is not in, and opens those that it is in.
func (d *draft) enter(o *object) {
	shared := o.shared[d.in.index]
	buf := d.buf
	if n := d.in.depth - shared; n > 0 {
		buf = appendPiece(buf[:len(buf)-len(",")], &closing[n])
	}
	d.buf = appendPiece(buf, &o.from[shared])
	d.in = o
}

// closing are the brackets after as many objects. No object is empty, for it is opened for a
// field, or with one.
var closing = func() (p [maxDepth]piece) {
	for n := range p {
		p[n] = newPiece(strings.Repeat("}", n) + ",")
	}
	return p
}()

// close ends the document.
func (d *draft) close(root *object) {
	d.enter(root)
	d.buf[len(d.buf)-1] = '}'
}
