package identity

import (
	"testing"

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
