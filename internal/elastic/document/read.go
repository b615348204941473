package document

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// value reads a value of a type. It is absent for null, and for a list of nothing. What has
// another form is passed over, and unread says so.
func (s *sourceReader) value(t flow.Type) (v flow.Value, unread, err error) {
	kind := s.json.PeekKind()
	switch {
	case kind == 'n':
		return flow.Value{}, nil, s.json.SkipValue()
	case t == flow.Keywords || t == flow.Map:
		return s.list(t, kind == '[')
	case kind == '[':
		return s.only(t)
	}
	text, err := s.json.ReadValue()
	if err != nil {
		return flow.Value{}, nil, err
	}
	v, unread = s.scalar(t, text)
	return v, unread, nil
}

// only reads the one value of a list.
func (s *sourceReader) only(t flow.Type) (v flow.Value, unread, err error) {
	n := 0
	err = s.each(true, func(text jsontext.Value) {
		if n++; n == 1 {
			v, unread = s.scalar(t, text)
		}
	})
	if n > 1 {
		return flow.Value{}, fmt.Errorf("a list of %d values is no %s", n, t), err
	}
	return v, unread, err
}

var errNoText = errors.New("the list holds something that is no text")

// list reads a list, or where there is one value, of which Elasticsearch may leave the brackets
// out, that.
func (s *sourceReader) list(t flow.Type, brackets bool) (v flow.Value, unread, err error) {
	v.Type = t
	var labels []flow.Label
	err = s.each(brackets, func(text jsontext.Value) {
		switch {
		case text.Kind() != '"':
			unread = errNoText
		case t == flow.Keywords:
			v.List = append(v.List, string(s.unquoted(text)))
		default:
			key, value, _ := strings.Cut(string(s.unquoted(text)), "=")
			labels = append(labels, flow.Label{Key: key, Value: value})
		}
	})
	switch {
	case unread != nil || t == flow.Keywords && len(v.List) == 0:
		return flow.Value{}, unread, err
	case t == flow.Map:
		v.Map = flow.LabelsOf(labels...)
	}
	return v, nil, err
}

// each calls take for each value of a list, or for one that is in no list.
func (s *sourceReader) each(brackets bool, take func(jsontext.Value)) error {
	if brackets {
		if _, err := s.json.ReadToken(); err != nil {
			return err
		}
	}
	for !brackets || s.json.PeekKind() != ']' {
		text, err := s.json.ReadValue()
		if err != nil {
			return err
		}
		take(text)
		if !brackets {
			return nil
		}
	}
	_, err := s.json.ReadToken()
	return err
}

// scalar reads one value from its JSON.
func (s *sourceReader) scalar(t flow.Type, json jsontext.Value) (v flow.Value, unread error) {
	v.Type = t
	kind, text, ok := json.Kind(), []byte(json), false
	if kind == '"' {
		text = s.unquoted(json)
	}
	switch t {
	case flow.Keyword:
		if ok = kind == '"'; ok {
			v.Str = string(text)
		}
	case flow.Address:
		if kind == '"' {
			var err error
			v.Addr, err = netip.ParseAddr(string(text))
			ok = err == nil
		}
	case flow.Integer:
		if kind == '0' {
			v.Int, ok = integerOf(text)
		}
	case flow.Time:
		v.Int, ok = timeOf(kind, text)
	case flow.Boolean:
		if ok = kind == 't' || kind == 'f'; kind == 't' {
			v.Int = 1
		}
	}
	if !ok {
		return flow.Value{}, fmt.Errorf("%.100q is no %s", text, t)
	}
	return v, nil
}

// integerOf keeps all digits, of which a double has but 53 bits.
func integerOf(text []byte) (int64, bool) {
	n, err := strconv.ParseInt(string(text), 10, 64)
	return n, err == nil
}

// timeOf takes what date_nanos takes in documents: text, or milliseconds.
func timeOf(kind jsontext.Kind, text []byte) (int64, bool) {
	switch kind {
	case '0':
		const most = math.MaxInt64 / int64(time.Millisecond)
		ms, ok := integerOf(text)
		return ms * int64(time.Millisecond), ok && ms >= 0 && ms <= most
	case '"':
		at, err := time.Parse(time.RFC3339Nano, string(text))
		if err != nil || at.Before(time.Unix(0, 0)) || at.After(time.Unix(0, math.MaxInt64)) {
			return 0, false
		}
		return at.UnixNano(), true
	default:
		return 0, false
	}
}
