package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// Decoder reads the documents of one kind of record, as an Encoder wrote them. It does not
// change once it is made, so any number of goroutines may use it at once.
type Decoder[T any] struct {
	id     *flow.Field[T]
	fields map[string]*flow.Field[T] // by their paths
}

// NewDecoder returns the Decoder of the log records with that event name, whose registry it
// is.
func NewDecoder[T any](m schema.Mapping, event string, registry *flow.Registry[T]) *Decoder[T] {
	d := &Decoder[T]{fields: make(map[string]*flow.Field[T])}
	for _, f := range m.Fields(event) {
		switch {
		case f.Attribute == nil:
		case f.Path == schema.ID:
			d.id = registry.Lookup(f.Attribute.Name)
		default:
			d.fields[f.Path] = registry.Lookup(f.Attribute.Name)
		}
	}
	return d
}

// Decode reads a document with its _id into record, which is zero. A document may have been
// written, or changed, by others: an attribute that cannot be read is left out, and the
// error is of the first of these, or says that there is no document at all. An _id that
// Elasticsearch made is none of a record.
func (d *Decoder[T]) Decode(id string, source []byte, record *T) error {
	decoder := json.NewDecoder(bytes.NewReader(source))
	decoder.UseNumber() // a double has 53 bits
	var root map[string]any
	if err := decoder.Decode(&root); err != nil {
		return fmt.Errorf("decode document: %w", err)
	}
	if parsed, err := flow.ParseID(id); err == nil && !parsed.IsZero() {
		if err := d.id.Set(record, flow.Value{Type: flow.Keyword, Str: id}); err != nil {
			return err
		}
	}
	return d.object("", root, record)
}

// object reads the fields of an object. A field is found by its full name, however much of
// it is in names of objects and how much in dots.
func (d *Decoder[T]) object(prefix string, object map[string]any, record *T) error {
	var first error
	for name, value := range object {
		path := prefix + name
		var err error
		if field := d.fields[path]; field != nil {
			err = setField(field, value, record)
		} else if inner, ok := value.(map[string]any); ok {
			err = d.object(path+".", inner, record)
		}
		if err != nil && first == nil {
			first = err
		}
	}
	return first
}

func setField[T any](field *flow.Field[T], value any, record *T) error {
	v, err := decodeValue(field.Type, value)
	if err != nil {
		return fmt.Errorf("attribute %s: %w", field.Name, err)
	}
	if !v.Present() {
		return nil
	}
	return field.Set(record, v)
}

// decodeValue returns an absent value for null, and for a list of nothing.
func decodeValue(t flow.Type, value any) (flow.Value, error) {
	list, isList := value.([]any)
	switch {
	case value == nil:
		return flow.Value{}, nil
	case t == flow.Keywords || t == flow.Map:
		if !isList {
			list = []any{value} // where there is one, Elasticsearch may leave the brackets out
		}
		return decodeList(t, list)
	case isList && len(list) == 0:
		return flow.Value{}, nil
	case isList && len(list) == 1:
		value = list[0]
	}
	v := flow.Value{Type: t}
	var ok bool
	switch t {
	case flow.Keyword:
		v.Str, ok = value.(string)
	case flow.Address:
		var text string
		if text, ok = value.(string); ok {
			var err error
			v.Addr, err = netip.ParseAddr(text)
			ok = err == nil
		}
	case flow.Integer:
		v.Int, ok = decodeInteger(value)
	case flow.Time:
		v.Int, ok = decodeTime(value)
	case flow.Boolean:
		var is bool
		if is, ok = value.(bool); is {
			v.Int = 1
		}
	}
	if !ok {
		return flow.Value{}, fmt.Errorf("%.100q is no %s", fmt.Sprint(value), t)
	}
	return v, nil
}

var errNoText = errors.New("the list holds something that is no text")

func decodeList(t flow.Type, list []any) (flow.Value, error) {
	v := flow.Value{Type: t}
	var labels []flow.Label
	for _, item := range list {
		text, ok := item.(string)
		switch {
		case !ok:
			return flow.Value{}, errNoText
		case t == flow.Keywords:
			v.List = append(v.List, text)
		default:
			key, value, _ := strings.Cut(text, "=")
			labels = append(labels, flow.Label{Key: key, Value: value})
		}
	}
	if t == flow.Map {
		v.Map = flow.LabelsOf(labels...)
	} else if len(list) == 0 {
		return flow.Value{}, nil
	}
	return v, nil
}

func decodeInteger(value any) (int64, bool) {
	number, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(number.String(), 10, 64)
	return n, err == nil
}

// decodeTime takes what date_nanos takes in documents: text, or milliseconds.
func decodeTime(value any) (int64, bool) {
	if ms, ok := decodeInteger(value); ok {
		const most = math.MaxInt64 / int64(time.Millisecond)
		return ms * int64(time.Millisecond), ms >= 0 && ms <= most
	}
	text, ok := value.(string)
	if !ok {
		return 0, false
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || at.Before(time.Unix(0, 0)) || at.After(time.Unix(0, math.MaxInt64)) {
		return 0, false
	}
	return at.UnixNano(), true
}
