package rules

import (
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// State is what the rules of a node follow from, as the API server has it, in any
// order. Nothing in it is changed.
type State struct {
	Node       string // whose rules are wanted
	Pods       []*corev1.Pod
	Namespaces []*corev1.Namespace
	Policies   []*networkingv1.NetworkPolicy
}

// Ruleset returns an nft script that replaces the table of this package, and touches
// no other, in one transaction. Equal states have equal scripts. The error names
// policies that cannot be understood, which the API server does not let in; there is
// no script then.
func (s State) Ruleset() (string, error) {
	all := s.endpoints()
	var t table
	var errs []error
	for _, d := range []direction{egress, ingress} {
		isolated, err := s.isolated(d, all)
		errs = append(errs, err)
		errs = append(errs, t.direction(d, isolated, all))
	}
	if err := errors.Join(errs...); err != nil {
		return "", err
	}
	return t.script(), nil
}

// isolation is a pod of the node with the policies that select it in a direction;
// there is at least one.
type isolation struct {
	pod      *endpoint
	policies []*networkingv1.NetworkPolicy
}

// isolated finds the node's pods that may do in a direction only what policies say.
func (s State) isolated(d direction, all []*endpoint) (pods []isolation, err error) {
	var errs []error
	selectors := map[*networkingv1.NetworkPolicy]labels.Selector{}
	policies := sortedByName(s.Policies)
	for _, p := range policies {
		selector, err := metav1.LabelSelectorAsSelector(&p.Spec.PodSelector)
		if err != nil {
			errs = append(errs, policyError(p, err))
			continue
		}
		if d.concerns(p) {
			selectors[p] = selector
		}
	}
	for _, e := range all {
		if e.node != s.Node {
			continue
		}
		i := isolation{pod: e}
		for _, p := range policies {
			selector, concerned := selectors[p]
			if concerned && p.Namespace == e.namespace && selector.Matches(e.labels) {
				i.policies = append(i.policies, p)
			}
		}
		if len(i.policies) > 0 {
			pods = append(pods, i)
		}
	}
	return pods, errors.Join(errs...)
}

func policyError(p *networkingv1.NetworkPolicy, err error) error {
	return fmt.Errorf("NetworkPolicy %s/%s: %w", p.Namespace, p.Name, err)
}
