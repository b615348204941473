package identity_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube/identity"
)

func service(name string, created int64, cluster string, ports ...uint16) *identity.Service {
	s := &identity.Service{Namespace: flow.Intern("shop"), Name: flow.Intern(name), Created: seconds(created)}
	if cluster != "" {
		s.Cluster = []netip.Addr{addr(cluster)}
	}
	for _, p := range ports {
		s.Ports = append(s.Ports, identity.ServicePort{Port: p, NodePort: 30000 + p, Transport: flow.TransportTCP})
	}
	return s
}

// ask names the service at an address and port at a second.
func ask(x *identity.Index, address string, port uint16, node bool, at int64) string {
	m, verdict := x.ServiceAt(addr(address), port, flow.TransportTCP, node, seconds(at), seconds(at))
	switch verdict {
	case identity.Found:
		return m.Service.Name.String()
	case identity.Ambiguous:
		return "ambiguous"
	default:
		return ""
	}
}

func TestServicesHaveTheirTimeToo(t *testing.T) {
	x, c := newIndex()
	x.SetService(service("a", 900, "10.96.0.1", 80))
	assert.Equal(t, "a", ask(x, "10.96.0.1", 80, false, 950))
	assert.Empty(t, ask(x, "10.96.0.1", 80, false, 890), "before it was created")
	x.DeleteService(flow.Intern("shop"), flow.Intern("a"))
	c.at = 1010
	x.SetService(service("b", 1005, "10.96.0.1", 80))
	assert.Equal(t, "a", ask(x, "10.96.0.1", 80, false, 990), "an address that is used again renames no older flow")
	assert.Equal(t, "b", ask(x, "10.96.0.1", 80, false, 1006))
	assert.Empty(t, ask(x, "10.96.0.1", 80, false, 1002))
	c.at = 1200
	x.Sweep()
	assert.Empty(t, ask(x, "10.96.0.1", 80, false, 990), "forgotten after the grace period")
	x.ReplaceServices(nil)
	c.at = 1400
	x.Sweep()
	assert.Equal(t, identity.Size{}, x.Size(), "without input it drains to empty")
}

func TestAServiceThatChanges(t *testing.T) {
	x, c := newIndex()
	x.SetService(service("a", 900, "10.96.0.1", 80))
	x.ReplaceServices([]*identity.Service{service("a", 900, "10.96.0.1", 80)})
	assert.Zero(t, x.Size().Ended, "the same again is no change")
	c.at = 1010
	x.SetService(service("a", 900, "10.96.0.1", 80, 443))
	assert.Equal(t, "a", ask(x, "10.96.0.1", 80, false, 950))
	m, _ := x.ServiceAt(addr("10.96.0.1"), 443, flow.TransportTCP, false, seconds(950), seconds(950))
	assert.Zero(t, m.Port.Port, "it had no such port then")
	m, _ = x.ServiceAt(addr("10.96.0.1"), 443, flow.TransportTCP, false, seconds(1011), seconds(1011))
	assert.EqualValues(t, 443, m.Port.Port)
	assert.Equal(t, "a", ask(x, "192.168.0.1", 30443, true, 1011))
	assert.Empty(t, ask(x, "192.168.0.1", 30443, false, 1011), "node ports are taken at nodes only")
	assert.Empty(t, ask(x, "192.168.0.1", 30443, true, 1000))
}

func TestServicesThatShareAnAddress(t *testing.T) {
	x, _ := newIndex()
	for name, port := range map[string]uint16{"a": 80, "b": 443} {
		s := service(name, 900, "", port)
		s.External = []netip.Addr{addr("203.0.113.1")}
		x.SetService(s)
	}
	assert.Equal(t, "a", ask(x, "203.0.113.1", 80, false, 950))
	assert.Equal(t, "b", ask(x, "203.0.113.1", 443, false, 950))
	assert.Empty(t, ask(x, "203.0.113.1", 22, false, 950))
	s := service("c", 900, "", 80)
	s.External = []netip.Addr{addr("203.0.113.1")}
	x.SetService(s)
	assert.Equal(t, "ambiguous", ask(x, "203.0.113.1", 80, false, 950))
}

func TestHeadlessServices(t *testing.T) {
	x, _ := newIndex()
	p := pod("db-0", 900, "10.0.0.1")
	x.SetPod(p)
	slice := func(name, service string, ports ...uint16) *identity.EndpointSlice {
		e := &identity.EndpointSlice{Namespace: flow.Intern("shop"), Name: flow.Intern(name), Service: flow.Intern(service), Pods: []identity.ID{identity.IDOf(p.UID)}}
		for _, port := range ports {
			e.Ports = append(e.Ports, identity.ServicePort{Port: port, Transport: flow.TransportTCP})
		}
		return e
	}
	of := func(port uint16) string {
		m, verdict := x.HeadlessAt(p, port, flow.TransportTCP)
		if verdict == identity.Ambiguous {
			return "ambiguous"
		}
		if m.Service == nil {
			return ""
		}
		return m.Service.Name.String()
	}
	x.ReplaceEndpointSlices([]*identity.EndpointSlice{slice("db-1", "db", 5432), slice("db-2", "db", 5432)})
	assert.Equal(t, "db", of(5432), "in two slices of one service")
	assert.Empty(t, of(80))
	x.SetEndpointSlice(slice("all-1", "all", 5432, 80))
	assert.Equal(t, "ambiguous", of(5432))
	assert.Equal(t, "all", of(80))
	x.DeleteEndpointSlice(flow.Intern("shop"), flow.Intern("db-1"))
	assert.Equal(t, "ambiguous", of(5432), "it is in the other slice still")
	x.ReplaceEndpointSlices([]*identity.EndpointSlice{slice("all-1", "all", 5432)})
	assert.Equal(t, "all", of(5432))
	assert.Empty(t, of(80), "the slice has changed")
	x.ReplaceEndpointSlices(nil)
	assert.Empty(t, of(5432))
}

func TestNodesHaveTheirTimeToo(t *testing.T) {
	x, c := newIndex()
	node := func(name, zone string, created int64) *identity.Node {
		return &identity.Node{Name: flow.Intern(name), Zone: flow.InternKnown(zone), Addresses: []netip.Addr{addr("192.168.0.1")}, Created: seconds(created)}
	}
	at := func(second int64) string {
		n, _ := x.NodeAt(addr("192.168.0.1"), seconds(second), seconds(second))
		if n == nil {
			return ""
		}
		return n.Name.String() + " " + n.Zone.String()
	}
	x.SetNode(node("a", "", 900))
	x.SetNode(node("a", "zone-1", 900))
	assert.Equal(t, "a zone-1", at(950), "its zone was learnt later")
	x.DeleteNode(flow.Intern("a"))
	c.at = 1010
	x.ReplaceNodes([]*identity.Node{node("b", "zone-2", 1005)})
	assert.Equal(t, "a zone-1", at(990))
	assert.Equal(t, "b zone-2", at(1006))
	assert.Empty(t, at(1002))
	x.ReplaceNodes(nil)
	c.at = 1200
	x.Sweep()
	assert.Equal(t, identity.Size{}, x.Size())
}

func TestNamespaceLabels(t *testing.T) {
	x, _ := newIndex()
	labels := flow.LabelsOfMap(map[string]string{"team": "a"})
	x.ReplaceNamespaces(map[string]flow.Labels{"shop": labels, "empty": flow.LabelsOf()})
	assert.Equal(t, labels, x.NamespaceLabels(flow.Intern("shop")))
	assert.True(t, x.NamespaceLabels(flow.Intern("empty")).Known())
	assert.False(t, x.NamespaceLabels(flow.Intern("none")).Known())
	x.ReplaceNamespaces(map[string]flow.Labels{"empty": flow.LabelsOf()})
	assert.False(t, x.NamespaceLabels(flow.Intern("shop")).Known())
}
