package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/vishvananda/netns"
)

const (
	// dnsAddress is where pods ask for names.
	dnsAddress = "10.98.0.10"
	dnsImage   = "cluster.test/coredns:1"
	dnsArchive = "coredns.tar" // of the image, beside the program
	dnsReady   = 8181          // port of the probe
)

// corefile has no server to forward to: what is not of the cluster is refused.
const corefile = `. {
	errors
	ready
	kubernetes ` + clusterDomain + ` in-addr.arpa ip6.arpa {
		pods insecure
		fallthrough in-addr.arpa ip6.arpa
	}
	cache 30
	loadbalance
}
`

// writeDNSImage makes the image once with the program, since compressing takes seconds.
func writeDNSImage(_ context.Context, _, dir string) error {
	file, err := os.Create(filepath.Join(dir, dnsArchive))
	if err != nil {
		return err
	}
	image := Image{
		Name:       dnsImage,
		Files:      map[string]string{"/coredns": filepath.Join(dir, "coredns")},
		Entrypoint: []string{"/coredns"},
	}
	_, err = image.archive().Write(file)
	return errors.Join(err, file.Close())
}

// startDNS runs CoreDNS on the first node, and returns when every node gets answers.
func (c *Cluster) startDNS(ctx context.Context) error {
	// One node has it: it is large, and tests can say where questions go.
	if err := c.importImage(ctx, c.nodes[0], c.program(corednsBinaries, dnsArchive)); err != nil {
		return err
	}
	for _, o := range c.dnsObjects() {
		if err := c.admin.Do(ctx, http.MethodPost, o.path, o.object, nil); err != nil {
			return fmt.Errorf("create DNS server: %w", err)
		}
	}
	if err := c.WaitPodsReady(ctx, "kube-system", 1); err != nil {
		return err
	}
	for _, n := range c.nodes {
		// kube-proxy writes its rules in its own time.
		err := n.proxy.Ready(ctx, patience, "names do not resolve on its node", n.resolves)
		if err != nil {
			return err
		}
	}
	return nil
}

type posted struct {
	path   string
	object Object
}

// dnsObjects are the usual ones, under the usual names.
func (c *Cluster) dnsObjects() []posted {
	const core, rbac = "/api/v1/namespaces/kube-system/", "/apis/rbac.authorization.k8s.io/v1/"
	labels := Object{"k8s-app": "kube-dns"}
	watch := []string{"list", "watch"}
	return []posted{
		{core + "serviceaccounts", Object{"metadata": Object{"name": "coredns"}}},
		{rbac + "clusterroles", Object{
			"metadata": Object{"name": "system:coredns"},
			"rules": []Object{
				{"apiGroups": []string{""}, "resources": []string{"endpoints", "services", "pods", "namespaces"}, "verbs": watch},
				{"apiGroups": []string{"discovery.k8s.io"}, "resources": []string{"endpointslices"}, "verbs": watch},
			},
		}},
		{rbac + "clusterrolebindings", Object{
			"metadata": Object{"name": "system:coredns"},
			"roleRef":  Object{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:coredns"},
			"subjects": []Object{{"kind": "ServiceAccount", "name": "coredns", "namespace": "kube-system"}},
		}},
		{core + "configmaps", Object{"metadata": Object{"name": "coredns"}, "data": Object{"Corefile": corefile}}},
		{core + "services", Object{
			"metadata": Object{"name": "kube-dns", "labels": labels},
			"spec": Object{
				"clusterIP": dnsAddress,
				"selector":  labels,
				"ports":     []Object{{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53}},
			},
		}},
		{"/apis/apps/v1/namespaces/kube-system/deployments", Object{
			"metadata": Object{"name": "coredns", "labels": labels},
			"spec": Object{
				"selector": Object{"matchLabels": labels},
				"template": Object{"metadata": Object{"labels": labels}, "spec": c.dnsPod()},
			},
		}},
	}
}

func (c *Cluster) dnsPod() Object {
	return Object{
		"serviceAccountName": "coredns",
		"nodeSelector":       Object{"kubernetes.io/hostname": c.NodeName(0)},
		"dnsPolicy":          "Default",
		"containers": []Object{{
			"name": "coredns", "image": dnsImage, "imagePullPolicy": "Never",
			"args": []string{"-conf", "/etc/coredns/Corefile"},
			"ports": []Object{
				{"name": "dns", "containerPort": 53, "protocol": "UDP"},
				{"name": "dns-tcp", "containerPort": 53},
				{"name": "ready", "containerPort": dnsReady},
			},
			"readinessProbe":  Object{"httpGet": Object{"path": "/ready", "port": "ready"}, "periodSeconds": 1},
			"securityContext": Object{"readOnlyRootFilesystem": true, "allowPrivilegeEscalation": false},
			"volumeMounts":    []Object{{"name": "config", "mountPath": "/etc/coredns", "readOnly": true}},
		}},
		"volumes": []Object{{"name": "config", "configMap": Object{"name": "coredns"}}},
	}
}

// resolves asks the cluster's DNS from the node for a name that is always there.
func (n *node) resolves(ctx context.Context) error {
	resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return n.dial(ctx, network, net.JoinHostPort(dnsAddress, "53"))
	}}
	got, err := resolver.LookupNetIP(ctx, "ip4", "kubernetes.default.svc."+clusterDomain+".")
	if err != nil {
		return err
	}
	if want := netip.MustParseAddr(serviceAddress); !slices.Equal(got, []netip.Addr{want}) {
		return fmt.Errorf("the API server's name leads to %s, want %s", got, want)
	}
	return nil
}

// dial connects from the node to an address that is no name.
func (n *node) dial(ctx context.Context, network, address string) (net.Conn, error) {
	type result struct {
		conn net.Conn
		err  error
	}
	made := make(chan result, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if err := netns.Set(n.ns); err != nil {
			made <- result{err: fmt.Errorf("enter the network namespace of %s: %w", n.name, err)}
			return
		}
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, address)
		made <- result{conn, err}
	}()
	r := <-made
	return r.conn, r.err
}
