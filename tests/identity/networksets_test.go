package identity

import (
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowk8sprocessor"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/cluster"
)

const (
	calicoSets       = "/apis/crd.projectcalico.org/v1/namespaces/shop/networksets"
	calicoGlobalSets = "/apis/crd.projectcalico.org/v1/globalnetworksets"
)

func networkSet(kind, name string, nets ...string) object {
	return object{"apiVersion": "crd.projectcalico.org/v1", "kind": kind, "metadata": object{"name": name}, "spec": object{"nets": nets}}
}

// TestNetworkSetsOfTheClusterNameAddresses has Calico's kinds come to a cluster that the
// processor watches already, and go.
func TestNetworkSetsOfTheClusterNameAddresses(t *testing.T) {
	s := newSite(t, cluster.Options{})
	a := s.startAsker(func(c *flowk8sprocessor.Config) {
		c.Networks = []flowk8sprocessor.NetworkConfig{{Name: "outside", CIDRs: []string{"198.51.0.0/16"}}}
	})
	called := func(address, namespace, name string) {
		t.Helper()
		s.eventually(address+" is in "+name, func() bool {
			_, destination := a.ask(s, between("203.0.113.1:1", address+":443"))
			return destination.Namespace.String() == namespace && destination.Network.String() == name && destination.Uncertain.Empty()
		})
	}
	called("198.51.100.7", "", "outside")

	s.networkSets()
	s.create(calicoGlobalSets, networkSet("GlobalNetworkSet", "partners", "198.51.100.0/24"))
	s.create(calicoSets, networkSet("NetworkSet", "printers", "198.51.100.7"))
	called("198.51.100.7", "shop", "printers")
	called("198.51.100.1", "", "partners")
	called("198.51.1.1", "", "outside")

	s.remove(calicoSets + "/printers")
	called("198.51.100.7", "", "partners")
	s.removeNetworkSets()
	called("198.51.100.7", "", "outside")
	s.networkSets()
	s.create(calicoGlobalSets, networkSet("GlobalNetworkSet", "customers", "198.51.100.0/24"))
	called("198.51.100.7", "", "customers")
}

// TestDeniedNetworkSetsAreNamed has an account that may read all but these.
func TestDeniedNetworkSetsAreNamed(t *testing.T) {
	s := newSite(t, cluster.Options{})
	s.networkSets()
	s.create(calicoGlobalSets, networkSet("GlobalNetworkSet", "partners", "198.51.100.0/24"))
	s.pod("web-1", "node-1", time.Now().Add(-time.Hour), []string{"10.244.0.1"}, nil)
	user, err := s.User("collector")
	require.NoError(t, err)
	s.grant("collector", kube.Manifest(kube.Rules(kube.Pods, kube.Nodes, kube.Services, kube.EndpointSlices)))
	p, sink, health := s.startProcessor(user.Kubeconfig(), nil)
	a := &asker{p, sink}

	health.await(t, "it may read neither", func(e *componentstatus.Event) bool {
		return e.Status() == componentstatus.StatusRecoverableError &&
			needs("networksets").MatchString(e.Err().Error()) && needs("globalnetworksets").MatchString(e.Err().Error())
	})
	source, destination := a.ask(s, between("10.244.0.1:40000", "198.51.100.7:443"))
	assert.Equal(t, "web-1", source.Pod.String(), "the rest goes on")
	assert.False(t, destination.Network.Known())

	s.remove("/apis/rbac.authorization.k8s.io/v1/clusterroles/otelcol-flowlogs")
	s.grant("collector", kube.Manifest(kube.Rules(everything...)))
	health.await(t, "all is well", func(e *componentstatus.Event) bool { return e.Status() == componentstatus.StatusOK })
	s.eventually("they are known", func() bool {
		_, destination = a.ask(s, between("10.244.0.1:40000", "198.51.100.7:443"))
		return destination.Network.String() == "partners"
	})
}

// needs matches an error that names what an account needs on a resource of Calico.
func needs(resource string) *regexp.Regexp {
	return regexp.MustCompile(`the cluster denies it: allow the collector's account the verb (list|watch) on ` + resource + `\.crd\.projectcalico\.org, as deploy/kubernetes/rbac\.yaml does`)
}
