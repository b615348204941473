package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
)

// Table is the family and name of the nft table that holds the rules.
const Table = "inet network-policies"

// longestName is below what the kernel takes, with room for what nft adds to it.
const longestName = 200

// table is a script under way.
type table struct{ chains []chain }

type chain struct {
	name  string
	lines []string
}

// direction adds the chains of a direction: one that packets pass, one for every pod
// that is isolated and one for every policy that isolates one.
func (t *table) direction(d direction, isolated []isolation, all []*endpoint) error {
	base := chain{d.name, []string{
		fmt.Sprintf("type filter hook forward priority %s; policy accept;", d.priority),
		// Replies, and what an earlier policy let in.
		"ct state established,related accept",
		// Pods of one node find each other's IPv6 addresses by packets that pass here;
		// those of ARP do not.
		"icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept",
	}}
	for _, f := range []family{ip, ip6} {
		base.lines = append(base.lines, d.dispatch(f, isolated)...)
	}
	t.chains = append(t.chains, base)

	policies := map[*networkingv1.NetworkPolicy]bool{}
	for _, i := range isolated {
		t.chains = append(t.chains, d.podChain(i))
		for _, p := range i.policies {
			policies[p] = true
		}
	}
	var errs []error
	for _, p := range sortedByName(slices.Collect(maps.Keys(policies))) {
		c, err := d.policyChain(p, all)
		if err != nil {
			errs = append(errs, policyError(p, err))
		}
		t.chains = append(t.chains, c)
	}
	return errors.Join(errs...)
}

// dispatch sends the packets of isolated pods to their chains.
func (d direction) dispatch(f family, isolated []isolation) (lines []string) {
	chains := map[netip.Addr]string{}
	var pods []netip.Addr
	for _, i := range isolated {
		for _, a := range addresses(f, i.pod.addresses) {
			chains[a] = d.podName(i.pod)
			pods = append(pods, a)
		}
	}
	if len(pods) == 0 {
		return nil
	}
	slices.SortFunc(pods, netip.Addr.Compare)
	lines = append(lines, fmt.Sprintf("%s %s vmap {", f, d.pod))
	for _, a := range pods {
		lines = append(lines, fmt.Sprintf("\t%s : jump %s,", a, chains[a]))
	}
	return append(lines, "}")
}

// podChain accepts what goes from a pod to itself, which policies are not about, and
// what one of its policies accepts.
func (d direction) podChain(i isolation) chain {
	c := chain{name: d.podName(i.pod)}
	for _, f := range []family{ip, ip6} {
		if own := addresses(f, i.pod.addresses); len(own) > 0 {
			c.lines = append(c.lines, fmt.Sprintf("%s %s %s accept", f, d.peer, set(own)))
		}
	}
	for _, p := range i.policies {
		c.lines = append(c.lines, "jump "+d.policyName(p))
	}
	c.lines = append(c.lines, "counter drop")
	return c
}

// policyChain accepts what the policy lets the pods that it isolates do.
func (d direction) policyChain(p *networkingv1.NetworkPolicy, all []*endpoint) (chain, error) {
	c := chain{name: d.policyName(p)}
	for _, r := range d.rules(p) {
		peers, err := d.peersOf(r, p.Namespace, all)
		if err != nil {
			return c, err
		}
		for _, peer := range peers {
			for _, port := range r.portsOf(all) {
				if peer.family != either && port.family != either && peer.family != port.family {
					continue // no packet is of both
				}
				c.lines = append(c.lines, peer.text+port.text+"accept")
			}
		}
	}
	return c, nil
}

func (d direction) podName(e *endpoint) string { return name(d.name, "pod", e.namespace, e.name) }

func (d direction) policyName(p *networkingv1.NetworkPolicy) string {
	return name(d.name, "policy", p.Namespace, p.Name)
}

// name makes the name of a chain, which nft reads as one word. One that is too long
// for the kernel is cut and stays unique.
func name(direction, kind, namespace, object string) string {
	full := direction + "-" + kind + "/" + namespace + "/" + object
	if len(full) <= longestName {
		return full
	}
	sum := sha256.Sum256([]byte(full))
	return full[:longestName-17] + "-" + hex.EncodeToString(sum[:8])
}

// script deletes the table, having made sure that it is there, and makes it anew.
func (t *table) script() string {
	var out strings.Builder
	fmt.Fprintf(&out, "table %s\ndelete table %s\ntable %s {\n", Table, Table, Table)
	for _, c := range t.chains {
		fmt.Fprintf(&out, "\tchain %s {\n", c.name)
		for _, line := range c.lines {
			fmt.Fprintf(&out, "\t\t%s\n", line)
		}
		out.WriteString("\t}\n")
	}
	out.WriteString("}\n")
	return out.String()
}
