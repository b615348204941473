package kube

import (
	"maps"
	"slices"
)

// Kind is a kind of object that is watched.
type Kind uint8

// The kinds.
const (
	Pods Kind = iota
	Nodes
	Services
	EndpointSlices
	Namespaces
	NetworkSets
	GlobalNetworkSets
	kindCount
)

// Rule is a permission that the process needs on the cluster.
type Rule struct {
	Groups, Resources, Verbs []string
	// For is what it is needed for.
	For string
}

var calicoGroups = []string{calicoVersions[0].Group, calicoVersions[1].Group}

// kinds describes each kind once: its resource, and what it is needed for.
var kinds = [kindCount]struct {
	resource string
	groups   []string
	purpose  string
}{
	Pods:              {"pods", []string{""}, "which pod had an address, a UID, a container"},
	Nodes:             {"nodes", []string{""}, "addresses and zones of nodes"},
	Services:          {"services", []string{""}, "services by their addresses and node ports"},
	EndpointSlices:    {"endpointslices", []string{"discovery.k8s.io"}, "headless services"},
	Namespaces:        {"namespaces", []string{""}, "labels of namespaces"},
	NetworkSets:       {"networksets", calicoGroups, "names of networks, where the cluster has Calico"},
	GlobalNetworkSets: {"globalnetworksets", calicoGroups, "names of networks, where the cluster has Calico"},
}

// String returns the resource's name, as in RBAC rules.
func (k Kind) String() string { return kinds[k].resource }

// Rules returns the permissions that watching some kinds needs. What is watched is
// listed and watched; the owners of pods are got one by one.
func Rules(of ...Kind) []Rule {
	var rules []Rule
	for k := range kindCount {
		if slices.Contains(of, k) {
			rules = append(rules, Rule{kinds[k].groups, []string{kinds[k].resource}, []string{"list", "watch"}, kinds[k].purpose})
		}
	}
	if slices.Contains(of, Pods) {
		for _, kind := range slices.Sorted(maps.Keys(intermediate)) {
			o := intermediate[kind]
			rules = append(rules, Rule{[]string{o.resource.Group}, []string{o.resource.Resource}, []string{"get"}, o.purpose})
		}
	}
	return rules
}
