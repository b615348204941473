//go:build linux

package elasticsearch

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// maxAnswer is how much of an answer is read, in bytes.
const maxAnswer = 64 << 20

// Client makes requests as one user. It may be used from any goroutine.
type Client struct {
	url  string
	user User
	http *http.Client
}

// StatusError is an answer other than 2xx.
type StatusError struct {
	Status int
	// Type as Elasticsearch calls it, for example "security_exception"; empty if the
	// answer names none.
	Type string
	// Body of the answer.
	Body string
}

func (e *StatusError) Error() string { return fmt.Sprintf("status %d: %s", e.Status, e.Body) }

// As returns a client of a user; the zero User sends no name.
func (s *Server) As(u User) *Client {
	transport := &http.Transport{}
	if s.CA != nil {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(s.CA)
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	// A connection of its own each time leaves nothing behind, and none to a server
	// that was restarted.
	transport.DisableKeepAlives = true
	return &Client{url: s.URL, user: u, http: &http.Client{Transport: transport}}
}

// Do makes a request. The body is nothing if nil, sent as it is if a string (for
// example the lines of a bulk request), and otherwise encoded as JSON. The answer
// is decoded into into unless that is nil. An answer other than 2xx is a
// *StatusError.
func (c *Client) Do(ctx context.Context, method, path string, body, into any) error {
	var content io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		content = bytes.NewReader([]byte(b))
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return fmt.Errorf("encode request: %w", err)
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, content)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if c.user.Name != "" {
		req.SetBasicAuth(c.user.Name, c.user.Password)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%s %s: read answer: %w", method, path, err)
	}
	if resp.StatusCode/100 != 2 {
		var named struct{ Error struct{ Type string } }
		_ = json.Unmarshal(answer, &named) // some answers are text
		return fmt.Errorf("%s %s: %w", method, path, &StatusError{resp.StatusCode, named.Error.Type, string(answer)})
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("%s %s: decode answer: %w", method, path, err)
	}
	return nil
}
