package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/daemon"
)

// TestNetwork has a server on the first node, and clients on both.
func TestNetwork(t *testing.T) {
	c := New(t, Options{Nodes: 2, DualStack: true, DNS: true, NetworkPolicy: true})
	create(t, c, "/api/v1/namespaces", Object{"metadata": Object{"name": "other", "labels": Object{"team": "other"}}})
	for i := range 2 {
		create(t, c, podsPath, peer(fmt.Sprintf("client-%d", i), "client", c.NodeName(i)))
		create(t, c, podsPath, peer(fmt.Sprintf("stranger-%d", i), "stranger", c.NodeName(i)))
	}
	create(t, c, podsPath, peer("server", "server", c.NodeName(0)))
	err := daemon.Until(t.Context(), patience, func(ctx context.Context) error {
		return c.Admin().Do(ctx, http.MethodGet, "/api/v1/namespaces/other/serviceaccounts/default", nil, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	create(t, c, "/api/v1/namespaces/other/pods", peer("client-1", "client", c.NodeName(1)))
	for name, spec := range map[string]Object{
		"server":   {},
		"servers":  {"clusterIP": "None"},
		"server-6": {"ipFamilies": []string{"IPv6"}},
	} {
		spec["selector"] = Object{"app": "server"}
		spec["ports"] = []Object{{"port": 80, "targetPort": "echo"}}
		create(t, c, "/api/v1/namespaces/default/services", Object{"metadata": Object{"name": name}, "spec": spec})
	}
	for namespace, n := range map[string]int{"default": 5, "other": 1} {
		if err := c.WaitPodsReady(t.Context(), namespace, n); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("IPv6", func(t *testing.T) { testIPv6(t, c) })
	t.Run("names", func(t *testing.T) { testNames(t, c) })
	t.Run("policies", func(t *testing.T) { testPolicies(t, c) })
}

func testIPv6(t *testing.T, c *Cluster) {
	server := podIPs(t, c, "server")
	for i, ip := range server {
		if f := c.options.families()[i]; !f.podsOf(0).Contains(netip.MustParseAddr(ip)) {
			t.Errorf("address %d of the server is %s, want one of %s", i, ip, f.podsOf(0))
		}
	}
	// The machine knows the nodes and not the pods: they come to it with the node's address.
	machine, err := net.Listen("tcp", net.JoinHostPort(c.fabric.address(ipv6, machineHost).String(), "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer machine.Close()
	from := make(chan string, 100)
	go accept(machine, from)
	client := podIPs(t, c, "client-1")[1]
	for _, target := range []string{
		net.JoinHostPort(server[1], "8080"),
		net.JoinHostPort(clusterIP(t, c, "server-6"), "80"),
		machine.Addr().String(),
	} {
		err := daemon.Until(t.Context(), patience, func(ctx context.Context) error {
			o, err := way{"default/client-1", "tcp", target}.try(ctx, c)
			if err == nil && (o.OK != 1 || !strings.HasPrefix(o.Local, "["+client+"]:")) {
				err = fmt.Errorf("%+v", o)
			}
			return err
		})
		if err != nil {
			t.Errorf("%s from client-1: %v", target, err)
		}
	}
	if got, want := <-from, c.NodeAddresses(1)[1].String(); got != want {
		t.Errorf("the machine was called from %s, want %s", got, want)
	}
}

// accept echoes a byte to whoever connects, and says who it was.
func accept(l net.Listener, from chan<- string) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = io.CopyN(conn, conn, 1) // the client sees what went wrong
		host, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
		from <- host
		conn.Close()
	}
}

func testNames(t *testing.T, c *Cluster) {
	const all = ".svc." + clusterDomain
	server := clusterIP(t, c, "server")
	for _, lookup := range []struct{ pod, name, want string }{
		{"client-0", "server", server},
		{"client-1", "server", server},
		{"client-1", "server.default", server},
		{"client-1", "server.default" + all + ".", server},
		{"client-1", "server-6", clusterIP(t, c, "server-6")},
		{"client-1", "kube-dns.kube-system", dnsAddress},
		{"client-1", "servers", podIP(t, c, "server")},
	} {
		// CoreDNS hears of services in its own time.
		err := daemon.Until(t.Context(), patience, func(ctx context.Context) error {
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
