package rules

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// portsOf returns conditions of which one has to hold for the packet to go to one of
// the rule's ports. One with a name is what the pod it goes to gives that name.
func (r rule) portsOf(pods []*endpoint) (matches []match) {
	if len(r.ports) == 0 {
		return []match{{}}
	}
	for _, protocol := range []corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP} {
		matches = append(matches, portsOfOne(protocol, r.ports, pods)...)
	}
	return matches
}

// portsOfOne is portsOf for those ports that are of one protocol.
func portsOfOne(protocol corev1.Protocol, ports []networkingv1.NetworkPolicyPort, pods []*endpoint) (matches []match) {
	name := strings.ToLower(string(protocol))
	var numbers []portRange
	var named []socket
	for _, p := range ports {
		switch {
		case p.Protocol != nil && *p.Protocol != protocol || p.Protocol == nil && protocol != corev1.ProtocolTCP:
		case p.Port == nil:
			return []match{{text: "meta l4proto " + name + " "}}
		case p.Port.Type == intstr.String:
			named = append(named, socketsOf(namedPort{protocol, p.Port.StrVal}, pods)...)
		default:
			one := portRange{uint16(p.Port.IntVal), uint16(p.Port.IntVal)}
			if p.EndPort != nil {
				one.last = uint16(*p.EndPort)
			}
			numbers = append(numbers, one)
		}
	}
	if len(numbers) > 0 {
		matches = append(matches, match{text: name + " dport " + set(merged(numbers)) + " "})
	}
	slices.SortFunc(named, socket.compare)
	for _, f := range []family{ip, ip6} {
		of := slices.DeleteFunc(slices.Clone(named), func(s socket) bool { return familyOf(s.address) != f })
		if len(of) > 0 {
			matches = append(matches, match{fmt.Sprintf("%s daddr . %s dport %s ", f, name, set(slices.Compact(of))), f})
		}
	}
	return matches
}

// socket is where a pod serves a port that has a name.
type socket struct {
	address netip.Addr
	port    uint16
}

func (s socket) String() string { return fmt.Sprintf("%s . %d", s.address, s.port) }

func (s socket) compare(other socket) int {
	return cmp.Or(s.address.Compare(other.address), cmp.Compare(s.port, other.port))
}

func socketsOf(port namedPort, pods []*endpoint) (sockets []socket) {
	for _, e := range pods {
		if number, ok := e.ports[port]; ok {
			for _, a := range e.addresses {
				sockets = append(sockets, socket{a, number})
			}
		}
	}
	return sockets
}

// portRange is the ports from first to last.
type portRange struct{ first, last uint16 }

func (r portRange) String() string {
	if r.first == r.last {
		return strconv.Itoa(int(r.first))
	}
	return fmt.Sprintf("%d-%d", r.first, r.last)
}

// merged makes one of ranges that overlap, for nft takes no set with overlaps.
func merged(ranges []portRange) (kept []portRange) {
	slices.SortFunc(ranges, func(a, b portRange) int { return cmp.Compare(a.first, b.first) })
	for _, r := range ranges {
		if n := len(kept); n > 0 && r.first <= kept[n-1].last {
			kept[n-1].last = max(kept[n-1].last, r.last)
		} else {
			kept = append(kept, r)
		}
	}
	return kept
}
