package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// Decoder reads the documents of one kind of record, as an Encoder wrote them. It does not
// change once it is made, so any number of goroutines may use it at once.
type Decoder[T any] struct {
	id   *flow.Field[T]
	root *branch[T]
}

// branch is a part of the path of a field: the field that ends there, if any, and the
// branches that begin there. A branch has several names where some of its path may be
// written in dots.
type branch[T any] struct {
	field *flow.Field[T]
	inner map[string]*branch[T]
}

// NewDecoder returns the Decoder of the log records with that event name, whose registry it
// is.
func NewDecoder[T any](m schema.Mapping, event string, registry *flow.Registry[T]) *Decoder[T] {
	d := &Decoder[T]{root: &branch[T]{}}
	branches := map[string]*branch[T]{"": d.root}
	for _, f := range m.Fields(event) {
		switch {
		case f.Attribute == nil:
		case f.Path == schema.ID:
			d.id = registry.Lookup(f.Attribute.Name)
		default:
			branchOf(branches, f.Path).field = registry.Lookup(f.Attribute.Name)
		}
	}
	return d
}

// branchOf returns the branch of a path, which it makes if need be with all that lead there: a
// field is found by its full name, however much of it is in names of objects and how much
// in dots.
func branchOf[T any](branches map[string]*branch[T], path string) *branch[T] {
	b := branches[path]
	if b != nil {
		return b
	}
	b = &branch[T]{}
	branches[path] = b
	for parent := path; parent != ""; {
		parent = parent[:max(strings.LastIndexByte(parent, '.'), 0)]
		from := branchOf(branches, parent)
		if from.inner == nil {
			from.inner = make(map[string]*branch[T])
		}
		from.inner[strings.TrimPrefix(path[len(parent):], ".")] = b
	}
	return b
}

// Decode reads a document with its _id into record, which is zero. A document may have been
// written, or changed, by others: an attribute that cannot be read is left out, and the
// error is of the first of these, or says that there is no document at all. An _id that
// Elasticsearch made is none of a record.
func (d *Decoder[T]) Decode(id string, source []byte, record *T) error {
	s := sources.Get().(*sourceReader)
	s.begin(source)
	defer s.end()
	unread, err := readObject(s, d.root, record)
	if err != nil {
		*record = *new(T) // part of it
		return fmt.Errorf("decode document: %w", err)
	}
	if parsed, err := flow.ParseID(id); err == nil && !parsed.IsZero() {
		if err := d.id.Set(record, flow.Value{Type: flow.Keyword, Str: id}); err != nil {
			return err
		}
	}
	return unread
}

// sourceReader reads the JSON of one document after another, and keeps nothing of it.
type sourceReader struct {
	json   jsontext.Decoder
	source bytes.Buffer
	text   []byte // of a string with escapes
}

var sources = sync.Pool{New: func() any { return new(sourceReader) }}

func (s *sourceReader) begin(source []byte) {
	s.source = *bytes.NewBuffer(source)
	s.json.Reset(&s.source, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// end lets go of the document.
func (s *sourceReader) end() {
	s.begin(nil)
	sources.Put(s)
}

var errNoObject = errors.New("it is no object")

// readObject reads an object that belongs to a branch. It returns the first of the fields that
// could not be read, or what is wrong with the JSON.
func readObject[T any](s *sourceReader, b *branch[T], record *T) (unread, err error) {
	begin, err := s.json.ReadToken()
	if errors.Is(err, io.EOF) {
		return nil, io.ErrUnexpectedEOF
	}
	if err == nil && begin.Kind() != '{' {
		err = errNoObject
	}
	if err != nil {
		return nil, err
	}
	for s.json.PeekKind() != '}' {
		name, err := s.json.ReadValue()
		if err != nil {
			return unread, err
		}
		var first error
		switch next := b.inner[string(s.unquoted(name))]; {
		case next != nil && next.field != nil:
			first, err = readField(s, next.field, record)
		case next != nil && s.json.PeekKind() == '{':
			first, err = readObject(s, next, record)
		default:
			err = s.json.SkipValue()
		}
		if err != nil {
			return unread, err
		}
		if unread == nil {
			unread = first
		}
	}
	_, err = s.json.ReadToken()
	return unread, err
}

func readField[T any](s *sourceReader, field *flow.Field[T], record *T) (unread, err error) {
	v, unread, err := s.value(field.Type)
	if unread != nil {
		return fmt.Errorf("attribute %s: %w", field.Name, unread), err
	}
	if err != nil || !v.Present() {
		return nil, err
	}
	return field.Set(record, v), nil
}

// unquoted is the text of a JSON string, until the next one.
func (s *sourceReader) unquoted(text jsontext.Value) []byte {
	if inner := text[1 : len(text)-1]; bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return inner
	}
	s.text, _ = jsontext.AppendUnquote(s.text[:0], text) // what is not UTF-8 becomes U+FFFD
	return s.text
}
