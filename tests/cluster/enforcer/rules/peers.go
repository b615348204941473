package rules

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// match is a condition of a rule; the zero match is always true.
type match struct {
	text   string // in the language of nft, with a blank after it
	family family
}

// family is which addresses a condition is about.
type family int

const (
	either family = iota
	ip
	ip6
)

func (f family) String() string { return [...]string{"", "ip", "ip6"}[f] }

func familyOf(a netip.Addr) family {
	if a.Is4() {
		return ip
	}
	return ip6
}

// peersOf returns conditions of which one has to hold for the packet's other end to be
// one of the rule's peers; none is never true.
func (d direction) peersOf(r rule, namespace string, all []*endpoint) ([]match, error) {
	if len(r.peers) == 0 {
		return []match{{}}, nil
	}
	var matches []match
	var pods []netip.Addr
	for _, peer := range r.peers {
		if peer.IPBlock != nil {
			m, err := block(d.peer, peer.IPBlock)
			if err != nil {
				return nil, err
			}
			matches = append(matches, m)
			continue
		}
		chosen, err := choosePods(peer, namespace)
		if err != nil {
			return nil, err
		}
		for _, e := range all {
			if chosen(e) {
				pods = append(pods, e.addresses...)
			}
		}
	}
	slices.SortFunc(pods, netip.Addr.Compare)
	for _, f := range []family{ip, ip6} {
		if of := addresses(f, slices.Compact(pods)); len(of) > 0 {
			matches = append(matches, match{fmt.Sprintf("%s %s %s ", f, d.peer, set(of)), f})
		}
	}
	return matches, nil
}

// choosePods tells which pods a peer without an address block is. Without a selector
// of namespaces it is about the policy's own; without one of pods about all in them.
func choosePods(peer networkingv1.NetworkPolicyPeer, namespace string) (func(*endpoint) bool, error) {
	pods, namespaces := labels.Everything(), labels.Everything()
	var err error
	if peer.PodSelector != nil {
		if pods, err = metav1.LabelSelectorAsSelector(peer.PodSelector); err != nil {
			return nil, err
		}
	}
	if peer.NamespaceSelector == nil {
		return func(e *endpoint) bool { return e.namespace == namespace && pods.Matches(e.labels) }, nil
	}
	if namespaces, err = metav1.LabelSelectorAsSelector(peer.NamespaceSelector); err != nil {
		return nil, err
	}
	return func(e *endpoint) bool { return namespaces.Matches(e.namespaceLabels) && pods.Matches(e.labels) }, nil
}

// block is true of the addresses of a block without its exceptions.
func block(field string, b *networkingv1.IPBlock) (match, error) {
	in, err := netip.ParsePrefix(b.CIDR)
	if err != nil {
		return match{}, err
	}
	except := make([]netip.Prefix, len(b.Except))
	for i, text := range b.Except {
		if except[i], err = netip.ParsePrefix(text); err != nil {
			return match{}, err
		}
	}
	f := familyOf(in.Addr())
	text := fmt.Sprintf("%s %s %s ", f, field, in.Masked())
	if len(except) > 0 {
		text += fmt.Sprintf("%s %s != %s ", f, field, set(disjoint(except)))
	}
	return match{text, f}, nil
}

// disjoint leaves out what is part of another, for nft takes no set with overlaps.
func disjoint(prefixes []netip.Prefix) (kept []netip.Prefix) {
	for i, p := range prefixes {
		prefixes[i] = p.Masked()
	}
	slices.SortFunc(prefixes, netip.Prefix.Compare) // a wider one is before those in it
	for _, p := range prefixes {
		if len(kept) == 0 || !kept[len(kept)-1].Contains(p.Addr()) {
			kept = append(kept, p)
		}
	}
	return kept
}

func addresses(f family, all []netip.Addr) (of []netip.Addr) {
	for _, a := range all {
		if familyOf(a) == f {
			of = append(of, a)
		}
	}
	return of
}

// set writes an anonymous set.
func set[T fmt.Stringer](elements []T) string {
	texts := make([]string, len(elements))
	for i, e := range elements {
		texts[i] = e.String()
	}
	return "{ " + strings.Join(texts, ", ") + " }"
}
