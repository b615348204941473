package identity

import (
	"net/http"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/cluster"
)

// TestAnExpiredWatchReadsAllAnew cuts the way to the API server while everything in the
// cluster becomes something else, until the API server knows no more how.
func TestAnExpiredWatchReadsAllAnew(t *testing.T) {
	s := newSite(t, cluster.Options{})
	s.networkSets()
	way := s.newRelay()
	s.addWorld("before", "1")
	const briefly = time.Second // what has ended goes while the test waits
	c := s.watch(kube.Config{Kubeconfig: way.kubeconfig, Grace: briefly}, everything...)
	s.eventually("what was there is known", func() bool { return knowsWorld(c, "before", "1") })
	seen := s.versions()

	way.cut()
	s.eventually("it is told of", func() bool { return !status(c, kube.Pods).Failing.IsZero() })
	s.removeWorld("before")
	s.addWorld("after", "2")
	require.NoError(t, s.StopAPIServer())
	require.NoError(t, s.ForgetHistory(t.Context()))
	require.NoError(t, s.StartAPIServer(t.Context()))
	for path, version := range seen {
		s.eventually("a watch of "+path+" from before has expired", func() bool { return s.expired(path, version) })
	}
	way.mend()

	s.eventually("what is there now is known", func() bool { return knowsWorld(c, "after", "2") })
	fresh := s.watch(kube.Config{Grace: briefly}, everything...)
	s.eventually("nothing is left over", func() bool { return c.Index.Size() == fresh.Index.Size() })
	assert.Empty(t, who(c, "10.244.0.1"))
	for _, k := range everything {
		assert.EqualValues(t, 2, status(c, k).Lists, k)
		assert.NoError(t, status(c, k).Err)
	}
}

// versions are those that the lists of a world's kinds have now, by their paths.
func (s *site) versions() map[string]string {
	s.t.Helper()
	versions := make(map[string]string)
	for _, path := range worldPaths {
		var list struct {
			Metadata struct{ ResourceVersion string }
		}
		require.NoError(s.t, s.Admin().Do(s.t.Context(), http.MethodGet, path, nil, &list))
		versions[path] = list.Metadata.ResourceVersion
	}
	return versions
}

// expired reports whether a watch cannot begin at a version of a list.
func (s *site) expired(path, version string) bool {
	s.t.Helper()
	var first struct {
		Type   string
		Object struct{ Code int }
	}
	err := s.Admin().Do(s.t.Context(), http.MethodGet, path+"?watch=true&timeoutSeconds=1&resourceVersion="+version, nil, &first)
	return err == nil && first.Type == "ERROR" && first.Object.Code == http.StatusGone
}

// worldPaths are where the objects of a world are, one of each kind.
var worldPaths = map[string]string{
	"pods":              pods,
	"nodes":             "/api/v1/nodes",
	"services":          "/api/v1/namespaces/shop/services",
	"endpointslices":    "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices",
	"networksets":       calicoSets,
	"globalnetworksets": calicoGlobalSets,
}

// addWorld makes an object of every kind, of a name, at addresses that end with a number.
func (s *site) addWorld(name, at string) {
	s.t.Helper()
	s.patch("/api/v1/namespaces/shop", object{"metadata": object{"labels": object{"team": name}}})
	s.node(name, "192.168.7."+at, "zone-"+name)
	pod := s.pod(name, name, time.Now().Add(-time.Hour), []string{"10.244.0." + at}, nil)
	s.create(worldPaths["services"], object{"metadata": object{"name": name}, "spec": object{
		"clusterIP": "10.98.7." + at, "ports": []object{{"port": 80}},
	}})
	s.create(worldPaths["endpointslices"], object{
		"metadata":    object{"name": name, "labels": object{"kubernetes.io/service-name": name, "service.kubernetes.io/headless": ""}},
		"addressType": "IPv4", "ports": []object{{"port": 5432, "protocol": "TCP"}},
		"endpoints": []object{{"addresses": []string{"10.244.0." + at}, "targetRef": object{"kind": "Pod", "name": name, "namespace": "shop", "uid": pod.Metadata.UID}}},
	})
	for resource, kind := range map[string]string{"networksets": "NetworkSet", "globalnetworksets": "GlobalNetworkSet"} {
		s.create(worldPaths[resource], networkSet(kind, name, "198.51.100."+at))
	}
}

func (s *site) removeWorld(name string) {
	s.t.Helper()
	for _, path := range worldPaths {
		s.remove(path + "/" + name)
	}
}

// knowsWorld reports whether a world is known, whole.
func knowsWorld(c *kube.Cluster, name, at string) bool {
	now := time.Now().UnixNano()
	pod, _ := c.Index.PodAt(netip.MustParseAddr("10.244.0."+at), now, now)
	node, _ := c.Index.NodeAt(netip.MustParseAddr("192.168.7."+at), now, now)
	service, _ := c.Index.ServiceAt(netip.MustParseAddr("10.98.7."+at), 80, flow.TransportTCP, false, now, now)
	if pod == nil || node == nil || service.Service == nil {
		return false
	}
	headless, _ := c.Index.HeadlessAt(pod, 5432, flow.TransportTCP)
	if headless.Service == nil {
		return false
	}
	for _, n := range []flow.Name{flow.Intern(pod.Name), node.Name, service.Service.Name, headless.Service.Name} {
		if n.String() != name {
			return false
		}
	}
	return slices.Contains(c.Index.NamespaceLabels(flow.Intern("shop")).List(), flow.Label{Key: "team", Value: name}) &&
		slices.Equal(setNames(c), []string{"/" + name + " 198.51.100." + at + "/32", "shop/" + name + " 198.51.100." + at + "/32"})
}
