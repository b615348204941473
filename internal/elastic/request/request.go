package request

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/elastic/go-elasticsearch/v8/esapi"
)

// maxAnswer bounds what is read of an answer, in bytes, where a request does not.
const maxAnswer = 16 << 20

// Request is one request. It is tried once.
type Request struct {
	// Method is that of HTTP; Path begins with a slash and is escaped, Query is encoded.
	Method, Path, Query string
	// Body is JSON, or nil.
	Body []byte
	// MaxAnswer bounds what is read of the answer, in bytes; 0 is 16 MiB.
	MaxAnswer int64
	// What says to a person what was tried, as in "roll over logs-x".
	What string
	// Privilege is what it takes, for a person who has to grant it.
	Privilege string
}

// StatusError is an answer that is no success.
type StatusError struct {
	Status int
	// Type and Reason are the server's; either may be empty.
	Type, Reason string
	// Needs is the privilege that the request takes, if that is what is missing.
	Needs string
}

func (r *StatusError) Error() string {
	text := fmt.Sprintf("status %d", r.Status)
	if r.Type != "" {
		text += ": " + r.Type + ": " + r.Reason
	}
	if r.Needs != "" {
		text += ": grant " + r.Needs
	}
	return text
}

// HasStatus reports whether err is an answer with that status.
func HasStatus(err error, status int) bool {
	var refused *StatusError
	return errors.As(err, &refused) && refused.Status == status
}

// Do decodes the answer into into unless that is nil. An answer that is no success is a
// *StatusError.
func Do(ctx context.Context, transport esapi.Transport, r Request, into any) error {
	return Read(ctx, transport, r, func(body io.Reader) error {
		answer, err := io.ReadAll(body)
		if err != nil || into == nil {
			return err
		}
		return json.Unmarshal(answer, into)
	})
}

// Read has read take the answer as it comes, all of it unless it fails. An answer that is no
// success is a *StatusError.
func Read(ctx context.Context, transport esapi.Transport, r Request, read func(io.Reader) error) error {
	var body io.Reader
	if r.Body != nil {
		body = bytes.NewReader(r.Body)
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, r.Path, body)
	if err != nil {
		return fmt.Errorf("%s: %w", r.What, err)
	}
	req.URL.RawQuery = r.Query
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := transport.Perform(req)
	if err != nil {
		return fmt.Errorf("%s: %w", r.What, err)
	}
	defer resp.Body.Close()
	most := cmp.Or(r.MaxAnswer, maxAnswer)
	answer := http.MaxBytesReader(nil, resp.Body, most)
	if resp.StatusCode/100 != 2 {
		var text []byte
		if text, err = io.ReadAll(answer); err == nil {
			err = refusal(resp.StatusCode, text, r.Privilege)
		}
	} else if err = read(answer); err != nil {
		err = fmt.Errorf("read answer: %w", err)
	}
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		err = fmt.Errorf("the answer has more than %d bytes", most)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", r.What, err)
	}
	return nil
}

func refusal(status int, answer []byte, privilege string) *StatusError {
	r := &StatusError{Status: status}
	var named struct {
		Error struct{ Type, Reason string }
	}
	if json.Unmarshal(answer, &named) == nil { // a proxy's answer may be a page
		r.Type, r.Reason = named.Error.Type, named.Error.Reason
	}
	if status == http.StatusForbidden {
		r.Needs = privilege
	}
	return r
}
