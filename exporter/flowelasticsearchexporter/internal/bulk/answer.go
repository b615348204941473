package bulk

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	// maxText bounds the texts that are kept of an answer.
	maxText = 2048
	// answerBase and answerPerDocument bound what is read of an answer.
	answerBase        = 64 << 10
	answerPerDocument = 8 << 10
)

// fields are what is asked for of an answer. Documents are in it by their place alone.
var fields = []string{
	"items.*.status", "items.*.failure_store", "items.*.error.type", "items.*.error.reason", "error.type", "error.reason",
}

// readAnswer reads what the answer to a bulk request says of the documents, and sets their
// results as far as it understands it. An error says that it did not to the end.
func readAnswer(body io.Reader, entries []Entry) error {
	a := answer{Decoder: newDecoder(body, answerBase+answerPerDocument*int64(len(entries)))}
	known := 0
	err := a.object(func(name jsontext.Value) error {
		if string(name) != `"items"` {
			return a.SkipValue()
		}
		return a.array(func() error {
			if known == len(entries) {
				return fmt.Errorf("it tells of more than the %d documents that were sent", len(entries))
			}
			result, err := a.document()
			if err == nil {
				entries[known].Result = result
				known++
			}
			return err
		})
	})
	if err == nil && known < len(entries) {
		err = fmt.Errorf("it tells of %d documents, not of the %d that were sent", known, len(entries))
	}
	return err
}

// readError reads the error of a request that was not taken.
func readError(body io.Reader) (kind, reason string, err error) {
	a := answer{Decoder: newDecoder(body, answerBase)}
	err = a.object(func(name jsontext.Value) error {
		if string(name) != `"error"` {
			return a.SkipValue()
		}
		kind, reason, err = a.error()
		return err
	})
	return kind, reason, err
}

func newDecoder(body io.Reader, most int64) *jsontext.Decoder {
	return jsontext.NewDecoder(io.LimitReader(body, most), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// answer reads JSON piece by piece, and keeps nothing of it.
type answer struct{ *jsontext.Decoder }

// object calls field with each name of an object, as it is written, whose value that is to
// read.
func (a answer) object(field func(name jsontext.Value) error) error {
	if err := a.begin('{'); err != nil {
		return err
	}
	for a.PeekKind() != '}' {
		name, err := a.ReadValue()
		if err != nil {
			return err
		}
		if err := field(name); err != nil {
			return err
		}
	}
	_, err := a.ReadToken()
	return err
}

// array calls element for each element of an array, which that is to read.
func (a answer) array(element func() error) error {
	if err := a.begin('['); err != nil {
		return err
	}
	for a.PeekKind() != ']' {
		if err := element(); err != nil {
			return err
		}
	}
	_, err := a.ReadToken()
	return err
}

func (a answer) begin(want jsontext.Kind) error {
	token, err := a.ReadToken()
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	if err == nil && token.Kind() != want {
		return fmt.Errorf("it has %s where %s is due", token.Kind(), want)
	}
	return err
}

// document reads the result of one document: {"create": {"status": 201}}.
func (a answer) document() (result Result, err error) {
	err = a.object(func(jsontext.Value) error {
		diverted := false
		err := a.object(func(name jsontext.Value) (err error) {
			switch string(name) {
			case `"status"`:
				result.Status, err = a.number()
			case `"failure_store"`:
				var use string
				use, err = a.text()
				diverted = use == "used"
			case `"error"`:
				result.Type, result.Reason, err = a.error()
			default:
				err = a.SkipValue()
			}
			return err
		})
		if err == nil && result.Status == 0 {
			err = errors.New("it has no status of a document")
		}
		result.Verdict = ofDocument(result.Status, result.Type, diverted)
		return err
	})
	if err == nil && result.Status == 0 {
		err = errors.New("it has no result of a document")
	}
	return result, err
}

// error reads an error, which is an object or, of what is in front of a server, a text.
func (a answer) error() (kind, reason string, err error) {
	if a.PeekKind() != '{' {
		reason, err = a.text()
		return "", reason, err
	}
	err = a.object(func(name jsontext.Value) (err error) {
		switch string(name) {
		case `"type"`:
			kind, err = a.text()
		case `"reason"`:
			reason, err = a.text()
		default:
			err = a.SkipValue()
		}
		return err
	})
	return kind, reason, err
}

func (a answer) number() (int, error) {
	token, err := a.ReadToken()
	if err != nil {
		return 0, err
	}
	if token.Kind() != '0' {
		return 0, fmt.Errorf("it has %s where a number is due", token.Kind())
	}
	n, err := token.Int()
	if err != nil || n < 100 || n > 599 {
		return 0, fmt.Errorf("it has %s where a status is due", token.String())
	}
	return int(n), nil
}

// text reads a text, or passes over what is none.
func (a answer) text() (string, error) {
	if a.PeekKind() != '"' {
		return "", a.SkipValue()
	}
	token, err := a.ReadToken()
	if err != nil {
		return "", err
	}
	return cut(token.String(), maxText), nil
}

// cut shortens s to n bytes, at the end of a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
