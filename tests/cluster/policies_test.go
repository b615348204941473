package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/daemon"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/cluster/enforcer/rules"
)

const policiesPath = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies"

// way is from a pod to a port, by TCP unless it says otherwise.
type way struct{ from, network, to string }

func testPolicies(t *testing.T, c *Cluster) {
	server, stranger := podIP(t, c, "server")+":8080", podIP(t, c, "stranger-1")+":8080"
	near, far := way{"default/client-0", "tcp", server}, way{"default/client-1", "tcp", server}
	nearStranger, farStranger := way{"default/stranger-0", "tcp", server}, way{"default/stranger-1", "tcp", server}
	elsewhere := way{"other/client-1", "tcp", server}
	nearByName, byName := way{"default/client-0", "tcp", "server:80"}, way{"default/client-1", "tcp", "server:80"}
	server6 := net.JoinHostPort(podIPs(t, c, "server")[1], "8080")
	near6, far6 := way{"default/client-0", "tcp", server6}, way{"default/client-1", "tcp", server6}
	nearStranger6, farStranger6 := way{"default/stranger-0", "tcp", server6}, way{"default/stranger-1", "tcp", server6}
	answer := way{"default/server", "tcp", stranger}
	everyWay := []way{near, far, nearStranger, farStranger, elsewhere, nearByName, byName, answer, near6, far6, nearStranger6, farStranger6}
	expect(t, c, everyWay, nil)

	servers, clients := Object{"matchLabels": Object{"app": "server"}}, Object{"matchLabels": Object{"app": "client"}}
	tcp := []Object{{"port": 8080}}
	from := func(ports []Object, peers ...Object) Object {
		return Object{"podSelector": servers, "ingress": []Object{{"from": peers, "ports": ports}}}
	}
	for _, policy := range []struct {
		name            string
		spec            Object
		allowed, denied []way
	}{
		{
			"nobody", Object{"podSelector": servers},
			[]way{answer}, []way{near, far, nearStranger, farStranger, elsewhere, nearByName, byName, near6, far6},
		},
		{
			"pods", from(nil, Object{"podSelector": clients}),
			[]way{near, far, nearByName, byName, near6, far6}, []way{nearStranger, farStranger, elsewhere, nearStranger6, farStranger6},
		},
		{
			"namespaces", from(nil, Object{"namespaceSelector": Object{"matchLabels": Object{"team": "other"}}}),
			[]way{elsewhere}, []way{near, far, nearStranger, farStranger},
		},
		{
			"blocks", from(nil, Object{"ipBlock": Object{"cidr": ipv4.pods.String(), "except": []string{podIP(t, c, "client-0") + "/32", podIP(t, c, "client-1") + "/32"}}}),
			[]way{nearStranger, farStranger, elsewhere}, []way{near, far, byName},
		},
		{
			"ports", from([]Object{{"port": 8000, "endPort": 8100, "protocol": "UDP"}}),
			[]way{{near.from, "udp", server}, {far.from, "udp", server}}, []way{near, far},
		},
		{
			"named-ports", from([]Object{{"port": "echo"}}, Object{"podSelector": clients}),
			[]way{near, far, byName}, []way{nearStranger, {far.from, "udp", server}},
		},
		{
			"egress", Object{
				"podSelector": clients, "policyTypes": []string{"Egress"},
				"egress": []Object{{"to": []Object{{"podSelector": servers}}, "ports": tcp}},
			},
			[]way{near, far, nearStranger, farStranger, elsewhere, {near.from, "tcp", c.NodeAddress(0).String() + ":10250"}},
			[]way{{far.from, "tcp", stranger}, byName /* for want of DNS */, {near.from, "tcp", c.NodeAddress(1).String() + ":10250"}},
		},
	} {
		t.Run(policy.name, func(t *testing.T) {
			create(t, c, policiesPath, Object{"metadata": Object{"name": policy.name}, "spec": policy.spec})
			expect(t, c, policy.allowed, policy.denied)
			// As the kubelet does for probes.
			conn, err := c.nodes[0].dial(t.Context(), "tcp", server)
			if err != nil {
				t.Errorf("the node does not reach its pod: %v", err)
			} else {
				conn.Close()
			}
			if err := c.Admin().Do(t.Context(), http.MethodDelete, policiesPath+"/"+policy.name, nil, nil); err != nil {
				t.Fatal(err)
			}
		})
	}
	t.Run("changed labels", func(t *testing.T) {
		create(t, c, policiesPath, Object{"metadata": Object{"name": "labels"}, "spec": from(nil, Object{"podSelector": clients})})
		expect(t, c, []way{far}, []way{farStranger})
		relabel := Object{"metadata": Object{"labels": Object{"app": "client"}}}
		if err := c.Admin().Do(t.Context(), http.MethodPatch, podsPath+"/stranger-1", relabel, nil); err != nil {
			t.Fatal(err)
		}
		expect(t, c, []way{far, farStranger}, []way{nearStranger})
	})
	t.Run("the kernel dropped what was denied", func(t *testing.T) {
		if dropped(t, c, 0) == 0 {
			t.Errorf("the rules of %s, which the last policy isolates a pod of, have dropped nothing", c.NodeName(0))
		}
	})
}

// expect waits until connections are allowed and denied as they should be, all at
// one time.
func expect(t *testing.T, c *Cluster, allowed, denied []way) {
	t.Helper()
	err := daemon.Until(t.Context(), patience, func(ctx context.Context) error {
		var wg sync.WaitGroup
		errs := make(chan error, len(allowed)+len(denied))
		try := func(w way, want bool) {
			wg.Go(func() {
				if o, err := w.try(ctx, c); err != nil {
					errs <- err
				} else if (o.OK == 1) != want {
					errs <- fmt.Errorf("%v: %+v, want it to be allowed: %t", w, o, want)
				}
			})
		}
		for _, w := range allowed {
			try(w, true)
		}
		for _, w := range denied {
			try(w, false)
		}
		wg.Wait()
		close(errs)
		return <-errs
	})
	if err != nil {
		t.Fatal(err)
	}
}

// try takes a second over what is denied; a busy machine may need longer for what is
// allowed, and is asked again.
func (w way) try(ctx context.Context, c *Cluster) (o outcome, err error) {
	namespace, pod, _ := strings.Cut(w.from, "/")
	bytes := "-bytes=1"
	if strings.HasSuffix(w.to, ":10250") { // the kubelet says nothing to that
		bytes = "-bytes=0"
	}
	out, err := c.Exec(ctx, namespace, pod, "/netpeer", "dial", "-timeout=1s", "-network="+w.network, bytes, w.to)
	if err == nil {
		err = json.Unmarshal(out, &o)
	}
	return o, err
}

// dropped counts the packets that the present rules of a node have dropped.
func dropped(t *testing.T, c *Cluster, i int) (packets int) {
	t.Helper()
	out, err := c.NodeCommand(i, "nft", append([]string{"list", "table"}, strings.Fields(rules.Table)...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("nft list table: %v\n%s", err, out)
	}
	for _, m := range regexp.MustCompile(`counter packets (\d+)`).FindAllSubmatch(out, -1) {
		n, err := strconv.Atoi(string(m[1]))
		if err != nil {
			t.Fatal(err)
		}
		packets += n
	}
	return packets
}
