package cluster

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// Client speaks to the API server as one user. Any goroutine may use it.
type Client struct {
	kubeconfig string
	base       string // https://host:port
	http       *http.Client
}

// StatusError is the API server's refusal of a request.
type StatusError struct {
	Code            int
	Reason, Message string
}

func (e *StatusError) Error() string { return fmt.Sprintf("%d %s: %s", e.Code, e.Reason, e.Message) }

// Kubeconfig is the path of the user's kubeconfig.
func (c *Client) Kubeconfig() string { return c.kubeconfig }

// Do sends in, unless it is nil, as JSON to a path such as "/api/v1/pods", and
// decodes the answer into out, unless that is nil. A refusal is a *StatusError. A
// PATCH is a JSON merge patch.
func (c *Client) Do(ctx context.Context, method, path string, in, out any) error {
	resp, err := c.request(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && out != nil {
		err = json.Unmarshal(text, out)
	}
	if err != nil {
		return fmt.Errorf("read answer to %s %s: %w", method, path, err)
	}
	return nil
}

// request returns an answer that is no refusal; the caller closes its body.
func (c *Client) request(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("encode body of %s %s: %w", method, path, err)
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch {
		req.Header.Set("Content-Type", "application/merge-patch+json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	refusal := &StatusError{Code: resp.StatusCode, Reason: resp.Status}
	text, err := io.ReadAll(resp.Body)
	if err != nil || json.Unmarshal(text, refusal) != nil {
		refusal.Message = string(text) // not every answer is a Status, for example of /readyz
	}
	return nil, fmt.Errorf("%s %s: %w", method, path, refusal)
}

// close ends idle connections.
func (c *Client) close() { c.http.CloseIdleConnections() }

// newClient writes <dir>/<file>.kubeconfig for a user with a certificate of the
// authority and returns a client that acts as that user.
func (a *authority) newClient(file, server, user string, groups ...string) (*Client, error) {
	p, err := a.client(user, groups...)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(a.dir, file+".kubeconfig")
	if err := writeKubeconfig(path, server, a.pem, p); err != nil {
		return nil, err
	}
	cert, err := tls.X509KeyPair(p.cert, p.key)
	if err != nil {
		return nil, fmt.Errorf("read own certificate: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	return &Client{
		kubeconfig: path,
		base:       server,
		http: &http.Client{Transport: &http.Transport{
			TLSClientConfig:     &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{cert}},
			ForceAttemptHTTP2:   true,
			TLSHandshakeTimeout: 10 * time.Second,
			// A paused API server accepts and says nothing: do not wait for it for ever.
			ResponseHeaderTimeout: time.Minute,
		}},
	}, nil
}

// writeKubeconfig writes JSON, which is YAML too.
func writeKubeconfig(path, server string, ca []byte, p pair) error {
	type named map[string]any
	text, err := json.MarshalIndent(named{
		"apiVersion": "v1", "kind": "Config", "current-context": "test",
		"clusters": []named{{"name": "test", "cluster": named{"server": server, "certificate-authority-data": ca}}},
		"users":    []named{{"name": "test", "user": named{"client-certificate-data": p.cert, "client-key-data": p.key}}},
		"contexts": []named{{"name": "test", "context": named{"cluster": "test", "user": "test"}}},
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("encode kubeconfig: %w", err)
	}
	return os.WriteFile(path, text, 0o600)
}
