package document

import (
	"fmt"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

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
