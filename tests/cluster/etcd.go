package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// ForgetHistory has etcd forget what objects were before they became what they are. The
// API server remembers some of it until it is started again; from then on a watch from
// before has expired.
func (c *Cluster) ForgetHistory(ctx context.Context) error {
	var now struct{ Header struct{ Revision string } }
	if err := c.askEtcd(ctx, "range", Object{"key": []byte{0}}, &now); err != nil {
		return err
	}
	return c.askEtcd(ctx, "compaction", Object{"revision": now.Header.Revision, "physical": true}, nil)
}

// askEtcd calls a method of etcd's key-value service, and decodes the answer into out
// unless that is nil.
func (c *Cluster) askEtcd(ctx context.Context, method string, in Object, out any) error {
	text, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encode question to etcd: %w", err)
	}
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", strings.TrimPrefix(c.etcdURL("client"), "unix://"))
		},
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://etcd/v3/kv/"+method, bytes.NewReader(text))
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("ask etcd for %s: %w", method, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, answer)
	}
	if err == nil && out != nil {
		err = json.Unmarshal(answer, out)
	}
	if err != nil {
		return fmt.Errorf("ask etcd for %s: %w", method, err)
	}
	return nil
}
