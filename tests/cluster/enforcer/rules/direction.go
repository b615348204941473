package rules

import (
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
)

// direction is one of the two in which policies isolate pods.
type direction struct {
	kind     networkingv1.PolicyType
	name     string
	pod      string // which address of a packet is that of the isolated pod
	peer     string // which is that of whom it talks with
	priority string // egress comes first
	// rules are those of a policy.
	rules func(*networkingv1.NetworkPolicy) []rule
}

// rule lets through what comes from or goes to one of the peers, of whom none is
// everybody, at one of the ports, of which none is any.
type rule struct {
	peers []networkingv1.NetworkPolicyPeer
	ports []networkingv1.NetworkPolicyPort
}

var (
	egress = direction{
		kind: networkingv1.PolicyTypeEgress,
		name: "egress", pod: "saddr", peer: "daddr", priority: "filter",
		rules: func(p *networkingv1.NetworkPolicy) (rules []rule) {
			for _, r := range p.Spec.Egress {
				rules = append(rules, rule{r.To, r.Ports})
			}
			return rules
		},
	}
	ingress = direction{
		kind: networkingv1.PolicyTypeIngress,
		name: "ingress", pod: "daddr", peer: "saddr", priority: "filter + 1",
		rules: func(p *networkingv1.NetworkPolicy) (rules []rule) {
			for _, r := range p.Spec.Ingress {
				rules = append(rules, rule{r.From, r.Ports})
			}
			return rules
		},
	}
)

// concerns tells whether the policy isolates pods in the direction. One that does not
// say does so for ingress, and for egress if it has rules of that.
func (d direction) concerns(p *networkingv1.NetworkPolicy) bool {
	if len(p.Spec.PolicyTypes) > 0 {
		return slices.Contains(p.Spec.PolicyTypes, d.kind)
	}
	return d.kind == networkingv1.PolicyTypeIngress || len(p.Spec.Egress) > 0
}
