package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.yaml.in/yaml/v3"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube/identity"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/cluster"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	grace = 2 * time.Minute
	// patience bounds every wait for the API server and the watch.
	patience = 60 * time.Second
)

var everything = []kube.Kind{kube.Pods, kube.Nodes, kube.Services, kube.EndpointSlices, kube.Namespaces, kube.NetworkSets, kube.GlobalNetworkSets}

type object = cluster.Object

// site is a cluster with the paths of what the tests make in it.
type site struct {
	*cluster.Cluster
	t *testing.T
}

func newSite(t *testing.T, o cluster.Options) *site {
	s := &site{cluster.New(t, o), t}
	s.create("/api/v1/namespaces", object{"metadata": object{"name": "shop", "labels": object{"team": "a"}}})
	return s
}

// created is what the tests read of an answer.
type created struct {
	Metadata struct{ Name, UID, CreationTimestamp string }
	Spec     struct {
		ClusterIP string
		Ports     []struct{ NodePort uint16 }
	}
}

func (s *site) create(path string, o object) created {
	s.t.Helper()
	var out created
	require.NoError(s.t, s.Admin().Do(s.t.Context(), http.MethodPost, path, o, &out))
	return out
}

// apply creates an object, whether or not it is there.
func (s *site) apply(path string, o object) {
	s.t.Helper()
	var refusal *cluster.StatusError
	if err := s.Admin().Do(s.t.Context(), http.MethodPost, path, o, nil); err != nil && !(errors.As(err, &refusal) && refusal.Code == http.StatusConflict) {
		require.NoError(s.t, err)
	}
}

func (s *site) patch(path string, o object) {
	s.t.Helper()
	require.NoError(s.t, s.Admin().Do(s.t.Context(), http.MethodPatch, path, o, nil))
}

func (s *site) remove(path string) {
	s.t.Helper()
	require.NoError(s.t, s.Admin().Do(s.t.Context(), http.MethodDelete, path, object{"gracePeriodSeconds": 0}, nil))
}

const pods = "/api/v1/namespaces/shop/pods"

// pod creates a pod on a node, as its kubelet would tell of it: running since a time, at
// addresses. edit may change it before.
func (s *site) pod(name, node string, since time.Time, addresses []string, edit func(object)) created {
	s.t.Helper()
	p := object{
		"metadata": object{"name": name, "labels": object{"app": name}},
		"spec":     object{"nodeName": node, "containers": []object{{"name": "main", "image": "none"}}},
	}
	if edit != nil {
		edit(p)
	}
	out := s.create(pods, p)
	s.run(name, since, addresses...)
	return out
}

func (s *site) run(name string, since time.Time, addresses ...string) {
	s.t.Helper()
	var ips []object
	for _, a := range addresses {
		ips = append(ips, object{"ip": a})
	}
	status := object{"phase": "Running", "startTime": since.UTC().Format(time.RFC3339), "podIPs": ips, "containerStatuses": []object{{
		"name": "main", "image": "none", "imageID": "none", "ready": true, "restartCount": 0, "containerID": "containerd://" + container(name),
		"state": object{"running": object{"startedAt": since.Add(time.Second).UTC().Format(time.RFC3339)}},
	}}}
	if len(addresses) > 0 {
		status["podIP"] = addresses[0]
	}
	s.patch(pods+"/"+name+"/status", object{"status": status})
}

// container is the id of a pod's container.
func container(pod string) string { return fmt.Sprintf("%064x", "c"+pod)[:64] }

func (s *site) node(name, address, zone string) {
	s.t.Helper()
	s.create("/api/v1/nodes", object{"metadata": object{"name": name, "labels": object{"topology.kubernetes.io/zone": zone}}})
	s.patch("/api/v1/nodes/"+name+"/status", object{"status": object{"addresses": []object{{"type": "InternalIP", "address": address}}}})
}

// watch acquires the cluster until the test ends, and waits until it has been seen.
func (s *site) watch(config kube.Config, kinds ...kube.Kind) *kube.Cluster {
	s.t.Helper()
	c := s.acquire(config, kinds...)
	s.eventually("the cluster has been seen", c.Settled)
	return c
}

func (s *site) acquire(config kube.Config, kinds ...kube.Kind) *kube.Cluster {
	s.t.Helper()
	if config.Kubeconfig == "" {
		config.Kubeconfig = s.Kubeconfig()
	}
	if config.Grace == 0 {
		config.Grace = grace
	}
	c, release, err := kube.Acquire(config, kinds, zap.NewNop())
	require.NoError(s.t, err)
	s.t.Cleanup(release)
	return c
}

func (s *site) eventually(what string, is func() bool) {
	s.t.Helper()
	require.Eventually(s.t, is, patience, 20*time.Millisecond, what)
}

// who is the pod that has an address now.
func who(c *kube.Cluster, address string) string { return whoAt(c, address, time.Now()) }

func whoAt(c *kube.Cluster, address string, at time.Time) string {
	p, verdict := c.Index.PodAt(netip.MustParseAddr(address), at.UnixNano(), at.UnixNano())
	switch verdict {
	case identity.Found:
		return p.Name
	case identity.Ambiguous:
		return "ambiguous"
	default:
		return ""
	}
}

// status is how the watch of a kind is doing.
func status(c *kube.Cluster, kind kube.Kind) kube.Status {
	for _, s := range c.Status() {
		if s.Kind == kind {
			return s
		}
	}
	return kube.Status{}
}

// grant gives a user the role of a manifest with several documents.
func (s *site) grant(user, manifest string) {
	s.t.Helper()
	const rbac = "/apis/rbac.authorization.k8s.io/v1/"
	decoder := yaml.NewDecoder(strings.NewReader(manifest))
	for {
		var o object
		if decoder.Decode(&o) != nil {
			break
		}
		if o["kind"] == "ClusterRole" {
			s.apply(rbac+"clusterroles", o)
		}
	}
	s.apply(rbac+"clusterrolebindings", object{
		"metadata": object{"name": user},
		"roleRef":  object{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "otelcol-flowlogs"},
		"subjects": []object{{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}},
	})
}

// networkSets has the cluster serve Calico's network sets.
func (s *site) networkSets() {
	s.t.Helper()
	for plural, kind := range map[string][2]string{"networksets": {"NetworkSet", "Namespaced"}, "globalnetworksets": {"GlobalNetworkSet", "Cluster"}} {
		s.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", object{
			"metadata": object{"name": plural + ".crd.projectcalico.org"},
			"spec": object{
				"group": "crd.projectcalico.org", "scope": kind[1],
				"names": object{"plural": plural, "singular": strings.TrimSuffix(plural, "s"), "kind": kind[0]},
				"versions": []object{{"name": "v1", "served": true, "storage": true, "schema": object{
					"openAPIV3Schema": object{"type": "object", "x-kubernetes-preserve-unknown-fields": true},
				}}},
			},
		})
	}
	s.eventually("network sets are served", func() bool {
		err := s.Admin().Do(context.Background(), http.MethodGet, "/apis/crd.projectcalico.org/v1/globalnetworksets", nil, nil)
		return err == nil && s.Admin().Do(context.Background(), http.MethodGet, "/apis/crd.projectcalico.org/v1/networksets", nil, nil) == nil
	})
}

// removeNetworkSets undoes that.
func (s *site) removeNetworkSets() {
	s.t.Helper()
	const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"
	for _, name := range []string{"networksets.crd.projectcalico.org", "globalnetworksets.crd.projectcalico.org"} {
		s.remove(path + name)
		s.eventually(name+" is gone", func() bool {
			var refusal *cluster.StatusError
			err := s.Admin().Do(context.Background(), http.MethodGet, path+name, nil, nil)
			return errors.As(err, &refusal) && refusal.Code == http.StatusNotFound
		})
	}
}
