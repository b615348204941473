package setup

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/elastic/go-elasticsearch/v8/esapi"
)

// What a request needs, to name it where it is missing. The role flowlogs_setup of
// deploy/elasticsearch/roles.yml has all of it.
const (
	manageTemplates = "the cluster privilege manage_index_templates"
	monitor         = "the cluster privilege monitor"
	viewMetadata    = "the index privilege view_index_metadata"
	rollover        = "the index privileges monitor and manage_follow_index"
)

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 16 << 20

// server makes requests; each is tried once.
type server struct{ transport esapi.Transport }

// request is one of those that a round makes.
type request struct {
	method, path, query string
	body                []byte
	what                string // for a person
	privilege           string
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

// do decodes the answer into into unless that is nil. An answer that is no success is
// a *StatusError.
func (s server) do(ctx context.Context, r request, into any) error {
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, r.path, body)
	if err != nil {
		return fmt.Errorf("%s: %w", r.what, err)
	}
	req.URL.RawQuery = r.query
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := s.transport.Perform(req)
	if err != nil {
		return fmt.Errorf("%s: %w", r.what, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%s: read answer: %w", r.what, err)
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s: %w", r.what, refusal(resp.StatusCode, answer, r.privilege))
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("%s: decode answer: %w", r.what, err)
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
