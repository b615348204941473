package document

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"net/netip"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// draft is a document that is being written. Every field and every item of a list is
// followed by a comma, which end makes the bracket of.
type draft struct {
	buf  []byte
	id   string
	seen seen
	// others are where in buf the names are of fields for attributes that the registry does not
	// know.
	others [maxOthers]span
	nother int

	noted noted
}

// maxOthers bounds the attributes that the registry does not know: they are compared with each
// other, and each makes a field of the index.
const maxOthers = 64

// span is a part of a draft's buf.
type span struct{ from, to int32 }

// seen is the set of fields of a table that a draft has.
type seen [maxFields / 64]uint64

func (s *seen) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }
func (s *seen) add(i int)      { s[i/64] |= 1 << (i % 64) }

// attributes writes those of a record and of its resource: side by side in the ECS mapping,
// in objects of their own in the otel mapping.
func (d *draft) attributes(k *kind, resource, record pcommon.Map, m schema.Mapping) error {
	if m == schema.ECS {
		if err := d.section(k.record, record, &seen{}, 0); err != nil {
			return err
		}
		ofRecord, others := d.seen, d.nother
		return d.section(k.resource, resource, &ofRecord, others)
	}
	d.buf = append(d.buf, `"attributes":{`...)
	if err := d.section(k.record, record, &seen{}, 0); err != nil {
		return err
	}
	d.seen, d.nother = seen{}, 0
	d.buf = append(end(d.buf, '}'), `,"resource":{"attributes":{`...)
	if err := d.section(k.resource, resource, &seen{}, 0); err != nil {
		return err
	}
	d.buf = append(end(d.buf, '}'), "},"...)
	return nil
}

// section writes attributes but for those that are in before, or are one of the first
// before of the others.
func (d *draft) section(t *table, attributes pcommon.Map, before *seen, othersBefore int) error {
	next := 0
	for name, v := range attributes.All() {
		i := t.find(next, name)
		if i < 0 {
			if err := d.other(t, name, v, othersBefore); err != nil {
				return err
			}
			continue
		}
		next = i + 1
		if d.seen.has(i) {
			if before.has(i) {
				continue
			}
			return fmt.Errorf("attribute %s is there twice", name)
		}
		d.seen.add(i)
		if err := d.field(&t.fields[i], v); err != nil {
			return fmt.Errorf("attribute %s: %w", name, err)
		}
	}
	return nil
}

// field writes one attribute of the registry.
func (d *draft) field(f *field, v pcommon.Value) error {
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
			d.boolean(f, v.Bool())
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

// integer takes doubles that are integers too: a step through JSON makes them.
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
			return math.MaxInt64, f == math.Trunc(f) && !math.IsInf(f, 0)
		}
		return int64(f), f == float64(int64(f))
	default:
		return 0, false
	}
}

func (d *draft) text(f *field, s string) error {
	if f.key == "" {
		return d.setID(s)
	}
	d.buf = appendText(append(d.buf, f.key...), s)
	d.buf = append(d.buf, `",`...)
	if f.note == noteNothing {
		return nil
	}
	return d.noteText(f.note, s)
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
	d.buf = append(d.buf, f.key...)
	switch {
	case f.typ == flow.Time && n < 0:
		return fmt.Errorf("%d is before 1970, which Elasticsearch cannot keep in nanoseconds", n)
	case f.typ == flow.Time:
		d.buf = append(appendTime(d.buf, n), '"')
	case n > f.max || n < -f.max:
		return fmt.Errorf("%d is out of range: want at most %d", n, f.max)
	default:
		d.buf = appendInteger(d.buf, n)
	}
	d.buf = append(d.buf, ',')
	d.noteNumber(f.note, n)
	return nil
}

func (d *draft) boolean(f *field, v bool) {
	d.buf = append(d.buf, f.key...)
	if v {
		d.buf = append(d.buf, "true,"...)
	} else {
		d.buf = append(d.buf, "false,"...)
	}
}

func (d *draft) address(f *field, s string) error {
	addr, err := parseAddress(s)
	if err != nil {
		return err
	}
	d.buf = append(d.buf, f.key...)
	from := len(d.buf)
	d.buf = addr.AppendTo(d.buf)
	d.noteAddress(f.note, addr, span{int32(from), int32(len(d.buf))})
	d.buf = append(d.buf, `",`...)
	return nil
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

func appendAddress(dst []byte, addr netip.Addr) []byte {
	return append(addr.AppendTo(append(dst, '"')), '"')
}

func (d *draft) list(f *field, list pcommon.Slice) error {
	d.buf = append(d.buf, f.key...)
	for _, item := range list.All() {
		if !f.ip {
			d.buf = append(appendString(d.buf, asString(item)), ',')
			continue
		}
		addr, err := parseAddress(asString(item))
		if err != nil {
			return err
		}
		d.buf = append(appendAddress(d.buf, addr), ',')
	}
	d.buf = append(end(d.buf, ']'), ',')
	d.noteList(f.note, list)
	return nil
}

// labels writes a map as a list of key=value: keys with dots in them are not taken apart, and
// no key makes a field of its own.
func (d *draft) labels(f *field, labels pcommon.Map) {
	d.buf = append(d.buf, f.key...)
	for key, value := range labels.All() {
		d.buf = appendText(append(d.buf, '"'), key)
		d.buf = appendText(append(d.buf, '='), asString(value))
		d.buf = append(d.buf, `",`...)
	}
	d.buf = append(end(d.buf, ']'), ',')
}

// asString is without allocation for text.
func asString(v pcommon.Value) string {
	if v.Type() == pcommon.ValueTypeStr {
		return v.Str()
	}
	return v.AsString()
}

// other writes an attribute that the registry does not know, as text. One that makes the same
// field as one of the first before, which the record has, is passed over.
func (d *draft) other(t *table, name string, v pcommon.Value, before int) error {
	if name == "" {
		return errors.New("an attribute has no name")
	}
	from := len(d.buf)
	d.buf = append(append(d.buf, '"'), t.others...)
	for i := range len(name) {
		d.buf = append(d.buf, t.inName(name[i]))
	}
	field := d.buf[from:]
	for i, o := range d.others[:d.nother] {
		switch {
		case !bytes.Equal(d.buf[o.from:o.to], field):
		case i < before:
			d.buf = d.buf[:from]
			return nil
		default:
			return fmt.Errorf("attribute %.100q makes a field that another makes already: rename or delete one with the transform processor", name)
		}
	}
	if d.nother == maxOthers {
		return fmt.Errorf("attribute %.100q is one too many: a document takes %d that are not of flow records; delete what is not needed with the transform processor", name, maxOthers)
	}
	d.others[d.nother] = span{int32(from), int32(len(d.buf))}
	d.nother++
	d.buf = appendString(append(d.buf, `":`...), asString(v))
	d.buf = append(d.buf, ',')
	return nil
}

// inName is what a byte of an attribute's name is in the name of a field: dots would make objects
// of labels, and blanks, stars and what JSON escapes are trouble for those who search.
func (t *table) inName(c byte) byte {
	if !plain(c) || c == ' ' || c == '*' || c == 0x7f || c == '.' && t.others != "" {
		return '_'
	}
	return c
}

// finish writes what a document has beside the attributes, up to the constants of its
// destination, which it returns.
func (d *draft) finish(e *Encoder, k *kind, record plog.LogRecord) (*destination, error) {
	at, err := d.timestamp(record)
	if err != nil {
		return nil, err
	}
	d.buf = append(appendTime(append(d.buf, `"@timestamp":"`...), at), `",`...)
	if e.mapping == schema.OTel {
		d.finishOTel(record)
	} else {
		d.finishECS(k == e.flows, e.communityID)
	}
	if k == e.flows && d.noted.denied {
		return &k.denied, nil
	}
	return &k.allowed, nil
}

// timestamp is the record's, or else the end of its interval, or else when it was observed.
func (d *draft) timestamp(record plog.LogRecord) (int64, error) {
	for _, at := range [...]uint64{uint64(record.Timestamp()), uint64(d.noted.numbers[noteEnd]), uint64(record.ObservedTimestamp())} {
		switch {
		case at > math.MaxInt64:
			return 0, fmt.Errorf("timestamp %d ns is after 2262", at)
		case at != 0:
			return int64(at), nil
		}
	}
	return 0, errors.New("log record has no timestamp")
}

func (d *draft) finishOTel(record plog.LogRecord) {
	if at := record.ObservedTimestamp(); at != 0 && at <= math.MaxInt64 {
		d.buf = append(appendTime(append(d.buf, `"observed_timestamp":"`...), int64(at)), `",`...)
	}
	if n := record.SeverityNumber(); n > 0 && n <= plog.SeverityNumberFatal4 {
		d.buf = append(appendInteger(append(d.buf, `"severity_number":`...), int64(n)), ',')
	}
	if s := record.SeverityText(); s != "" {
		d.buf = append(appendString(append(d.buf, `"severity_text":`...), s), ',')
	}
}
