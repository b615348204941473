package identity

import (
	"math"
	"net/netip"
	"slices"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// Service is what the index keeps of a service; nothing changes it once it is handed
// over.
type Service struct {
	Namespace, Name flow.Name
	// Created is in nanoseconds since the Unix epoch.
	Created int64
	// Cluster are its own addresses, External those of load balancers and others that
	// it is reached by from outside, which several services may share by port.
	Cluster, External []netip.Addr
	Ports             []ServicePort
}

// ServicePort is one port of a service.
type ServicePort struct {
	Name      flow.Name
	Port      uint16
	NodePort  uint16 // 0 for none
	Transport flow.Transport
}

// ServiceMatch is a service that was asked for, and the port; of an unknown port the
// ServicePort is zero.
type ServiceMatch struct {
	Service *Service
	Port    ServicePort
}

// EndpointSlice is what the index keeps of a slice of a headless service's endpoints.
type EndpointSlice struct {
	Namespace, Name, Service flow.Name
	Ports                    []ServicePort
	// Pods are the UIDs of its endpoints.
	Pods []ID
}

// serviceTenure is a service's time at an address or a node port.
type serviceTenure struct {
	service  *Service
	from, to int64
}

func (s *serviceTenure) covers(first, last int64) bool { return s.from <= last && s.to > first }

// ServiceAt returns the service that is asked for by an address, port and transport. node
// says that the address is a node's, where services are found by their node ports.
func (x *Index) ServiceAt(addr netip.Addr, port uint16, transport flow.Transport, node bool, first, last int64) (ServiceMatch, Verdict) {
	list, _ := x.serviceAddresses.get(addressOf(addr))
	var match ServiceMatch
	verdict := Unknown
	for i := range list {
		t := list[i]
		if !t.covers(first, last) {
			continue
		}
		p, ok := t.service.port(port, transport)
		if !ok && !slices.Contains(t.service.Cluster, addr) {
			continue // another service may have that port
		}
		match, verdict = join(match, verdict, ServiceMatch{t.service, p})
	}
	if verdict != Unknown || !node {
		return match, verdict
	}
	list, _ = x.nodePorts.get(nodePort{port, uint8(transport)})
	for i := range list {
		t := list[i]
		if !t.covers(first, last) {
			continue
		}
		for _, p := range t.service.Ports {
			if p.NodePort == port && p.Transport == transport {
				match, verdict = join(match, verdict, ServiceMatch{t.service, p})
			}
		}
	}
	return match, verdict
}

// join adds a match to what was found.
func join(found ServiceMatch, verdict Verdict, more ServiceMatch) (ServiceMatch, Verdict) {
	if verdict == Unknown {
		return more, Found
	}
	if found.Service != nil && found.Service.Name == more.Service.Name && found.Service.Namespace == more.Service.Namespace {
		return more, Found // what it was and what it is now
	}
	return ServiceMatch{}, Ambiguous
}

// HeadlessAt returns the headless service that a pod and a port of it belong to: who
// reaches a pod by its own address may have looked it up by that.
func (x *Index) HeadlessAt(pod *Pod, port uint16, transport flow.Transport) (ServiceMatch, Verdict) {
	list, _ := x.headless.get(IDOf(pod.UID))
	var match ServiceMatch
	verdict := Unknown
	for _, s := range list {
		if p, ok := s.port(port, transport); ok {
			match, verdict = join(match, verdict, ServiceMatch{s, p})
		}
	}
	return match, verdict
}

func (s *Service) port(port uint16, transport flow.Transport) (ServicePort, bool) {
	for _, p := range s.Ports {
		if p.Port == port && p.Transport == transport {
			return p, true
		}
	}
	return ServicePort{}, false
}

func (s *Service) same(other *Service) bool {
	return s.Created == other.Created && slices.Equal(s.Cluster, other.Cluster) && slices.Equal(s.External, other.External) && slices.Equal(s.Ports, other.Ports)
}

func (s *Service) key() name { return nameOf(s.Namespace, s.Name) }

func (e *EndpointSlice) key() name { return nameOf(e.Namespace, e.Name) }

func nameOf(namespace, of flow.Name) name { return name(namespace.String() + "/" + of.String()) }

// SetService adds a service, or changes the one of its name.
func (x *Index) SetService(s *Service) {
	x.write.Lock()
	defer x.write.Unlock()
	x.setService(s)
}

func (x *Index) setService(s *Service) {
	now := x.now().UnixNano()
	from := s.Created
	if before, known := x.services.get(s.key()); known {
		if before.same(s) {
			return
		}
		x.endService(before, now)
		if before.Created == s.Created {
			from = now // with other ports or addresses
		}
	}
	x.services.set(s.key(), s)
	t := &serviceTenure{s, from, math.MaxInt64}
	x.eachPlace(s, func(a address) { x.serviceAddresses.change(a, with(t)) }, func(p nodePort) { x.nodePorts.change(p, with(t)) })
}

// DeleteService notes that a service is gone.
func (x *Index) DeleteService(namespace, of flow.Name) {
	x.write.Lock()
	defer x.write.Unlock()
	x.deleteService(nameOf(namespace, of))
}

func (x *Index) deleteService(k name) {
	if s, ok := x.services.get(k); ok {
		x.services.delete(k)
		x.endService(s, x.now().UnixNano())
	}
}

// ReplaceServices makes the services those in list.
func (x *Index) ReplaceServices(list []*Service) {
	x.write.Lock()
	defer x.write.Unlock()
	replace(&x.services, list, (*Service).key, x.deleteService, x.setService)
}

// endService ends the tenures of a service as it was, to be forgotten after the grace
// period.
func (x *Index) endService(s *Service, now int64) {
	x.eachPlace(s, func(a address) { x.serviceAddresses.change(a, ended(s, now)) }, func(p nodePort) { x.nodePorts.change(p, ended(s, now)) })
	x.bury(now, func() {
		x.eachPlace(s, func(a address) { x.serviceAddresses.change(a, without(s)) }, func(p nodePort) { x.nodePorts.change(p, without(s)) })
	})
}

func (x *Index) eachPlace(s *Service, address func(address), port func(nodePort)) {
	for _, list := range [...][]netip.Addr{s.Cluster, s.External} {
		for _, addr := range list {
			address(addressOf(addr))
		}
	}
	for _, p := range s.Ports {
		if p.NodePort != 0 {
			port(nodePort{p.NodePort, uint8(p.Transport)})
		}
	}
}

// The lists of tenures are read without a lock, so changes make new ones.

func with(t *serviceTenure) func([]*serviceTenure) ([]*serviceTenure, bool) {
	return func(list []*serviceTenure) ([]*serviceTenure, bool) {
		return append(slices.Clip(slices.Clone(list)), t), true
	}
}

func ended(s *Service, at int64) func([]*serviceTenure) ([]*serviceTenure, bool) {
	return func(list []*serviceTenure) ([]*serviceTenure, bool) {
		changed := slices.Clone(list)
		for i, t := range changed {
			if t.service == s {
				changed[i] = &serviceTenure{s, t.from, min(t.to, at)}
			}
		}
		return changed, len(changed) > 0
	}
}

func without(s *Service) func([]*serviceTenure) ([]*serviceTenure, bool) {
	return func(list []*serviceTenure) ([]*serviceTenure, bool) {
		kept := make([]*serviceTenure, 0, len(list))
		for _, t := range list {
			if t.service != s {
				kept = append(kept, t)
			}
		}
		return kept, len(kept) > 0
	}
}

// SetEndpointSlice adds a slice of a headless service's endpoints, or changes the one of
// its name.
func (x *Index) SetEndpointSlice(e *EndpointSlice) {
	x.write.Lock()
	defer x.write.Unlock()
	x.setEndpointSlice(e)
}

func (x *Index) setEndpointSlice(e *EndpointSlice) {
	k := e.key()
	x.deleteEndpointSlice(k)
	x.slices.set(k, e)
	s := &Service{Namespace: e.Namespace, Name: e.Service, Ports: e.Ports}
	for _, id := range e.Pods {
		x.headless.change(id, func(list []*Service) ([]*Service, bool) {
			return append(slices.Clip(slices.Clone(list)), s), true
		})
	}
}

// DeleteEndpointSlice notes that a slice is gone.
func (x *Index) DeleteEndpointSlice(namespace, of flow.Name) {
	x.write.Lock()
	defer x.write.Unlock()
	x.deleteEndpointSlice(nameOf(namespace, of))
}

// deleteEndpointSlice takes one service away from each of the slice's pods: of one that
// is in two slices of a service one is left.
func (x *Index) deleteEndpointSlice(k name) {
	e, ok := x.slices.get(k)
	if !ok {
		return
	}
	x.slices.delete(k)
	for _, id := range e.Pods {
		x.headless.change(id, func(list []*Service) ([]*Service, bool) {
			at := slices.IndexFunc(list, func(s *Service) bool {
				return s.Namespace == e.Namespace && s.Name == e.Service && slices.Equal(s.Ports, e.Ports)
			})
			if at < 0 {
				return list, len(list) > 0
			}
			kept := slices.Delete(slices.Clone(list), at, at+1)
			return kept, len(kept) > 0
		})
	}
}

// ReplaceEndpointSlices makes the slices those in list.
func (x *Index) ReplaceEndpointSlices(list []*EndpointSlice) {
	x.write.Lock()
	defer x.write.Unlock()
	replace(&x.slices, list, (*EndpointSlice).key, x.deleteEndpointSlice, x.setEndpointSlice)
}
