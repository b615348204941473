package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNetwork has a server on the first node, and clients on both.
func TestNetwork(t *testing.T) {
	c := New(t, Options{Nodes: 2, DNS: true, NetworkPolicy: true})
	create(t, c, "/api/v1/namespaces", Object{"metadata": Object{"name": "other", "labels": Object{"team": "other"}}})
	for i := range 2 {
		create(t, c, podsPath, peer(fmt.Sprintf("client-%d", i), "client", c.NodeName(i)))
		create(t, c, podsPath, peer(fmt.Sprintf("stranger-%d", i), "stranger", c.NodeName(i)))
	}
	create(t, c, podsPath, peer("server", "server", c.NodeName(0)))
	err := until(t.Context(), patience, func(ctx context.Context) error {
		return c.Admin().Do(ctx, http.MethodGet, "/api/v1/namespaces/other/serviceaccounts/default", nil, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	create(t, c, "/api/v1/namespaces/other/pods", peer("client-1", "client", c.NodeName(1)))
	for name, clusterIP := range map[string]string{"server": "", "servers": "None"} {
		create(t, c, "/api/v1/namespaces/default/services", Object{
			"metadata": Object{"name": name},
			"spec": Object{
				"clusterIP": clusterIP,
				"selector":  Object{"app": "server"},
				"ports":     []Object{{"port": 80, "targetPort": "echo"}},
			},
		})
	}
	for namespace, n := range map[string]int{"default": 5, "other": 1} {
		if err := c.WaitPodsReady(t.Context(), namespace, n); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("names", func(t *testing.T) { testNames(t, c) })
	t.Run("policies", func(t *testing.T) { testPolicies(t, c) })
}

func testNames(t *testing.T, c *Cluster) {
	const all = ".svc." + clusterDomain
	server := clusterIP(t, c, "server")
	for _, lookup := range []struct{ pod, name, want string }{
		{"client-0", "server", server},
		{"client-1", "server", server},
		{"client-1", "server.default", server},
		{"client-1", "server.default" + all + ".", server},
		{"client-1", "kube-dns.kube-system", dnsAddress},
		{"client-1", "servers", podIP(t, c, "server")},
	} {
		// CoreDNS hears of services in its own time.
		err := until(t.Context(), patience, func(ctx context.Context) error {
			got, err := resolve(ctx, c, lookup.pod, lookup.name)
			if err == nil && !cmp.Equal(got, []string{lookup.want}) {
				err = fmt.Errorf("it has %s", got)
			}
			return err
		})
		if err != nil {
			t.Errorf("%s in %s, want %s: %v", lookup.name, lookup.pod, lookup.want, err)
		}
	}
	if got, err := resolve(t.Context(), c, "client-0", "nothing.default"+all+"."); err == nil || !strings.Contains(err.Error(), "no such host") {
		t.Errorf("a name of nothing has %s, %v", got, err)
	}
}

func resolve(ctx context.Context, c *Cluster, pod, name string) (addresses []string, err error) {
	out, err := c.Exec(ctx, "default", pod, "/netpeer", "lookup", name)
	if err == nil {
		err = json.Unmarshal(out, &addresses)
	}
	return addresses, err
}
