package document

import (
	"fmt"
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// attribute writes one attribute of the registry.
func (d *draft) attribute(f *field, v pcommon.Value) error {
	switch f.typ {
	case flow.Keyword:
		if v.Type() == pcommon.ValueTypeStr {
			if f.key.n == 0 {
				return d.setID(v.Str())
			}
			d.buf = append(appendText(d.begin(f), v.Str()), `",`...)
			return nil
		}
	case flow.Integer:
		if n, ok := integer(v); ok {
			if n > f.max || n < -f.max {
				return fmt.Errorf("%d is out of range: want at most %d", n, f.max)
			}
			d.buf = appendInteger(d.begin(f), n)
			return nil
		}
	case flow.Time:
		if n, ok := integer(v); ok {
			if n < 0 {
				return fmt.Errorf("%d is before 1970, which Elasticsearch cannot keep in nanoseconds", n)
			}
			d.time(f, n)
			return nil
		}
	case flow.Boolean:
		if v.Type() == pcommon.ValueTypeBool {
			d.buf = append(strconv.AppendBool(d.begin(f), v.Bool()), ',')
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

func (d *draft) address(f *field, s string) error {
	addr, err := parseAddress(s)
	if err != nil {
		return err
	}
	buf := d.begin(f)
	from := len(buf)
	if addr.Is4() && len(s) <= len("255.255.255.255") { // not mapped into IPv6: there is one form only
		buf = append(buf, s...)
	} else {
		buf = addr.AppendTo(buf)
	}
	d.addresses[d.nAddress] = span{int32(from), int32(len(buf))}
	d.nAddress++
	d.buf = append(buf, `",`...)
	return nil
}

func (d *draft) list(f *field, list pcommon.Slice) error {
	d.buf = d.begin(f)
	from := len(d.buf)
	for _, item := range list.All() {
		if !f.ip {
			d.buf = appendString(d.buf, asString(item))
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
	d.buf = end(d.buf)
	return nil
}

// labels writes a map as a list of key=value: keys with dots in them are not taken apart, and
// no key makes a field of its own.
func (d *draft) labels(f *field, labels pcommon.Map) {
	buf := d.begin(f)
	for key, value := range labels.All() {
		buf = append(appendText(append(buf, '"'), key), '=')
		buf = append(appendText(buf, asString(value)), `",`...)
	}
	d.buf = end(buf)
}
