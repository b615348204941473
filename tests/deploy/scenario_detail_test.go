package deploy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// detail is how much of a record is told: what it is told apart by, and what is listed of
// all that are not.
type detail func(record) (apart record, lists []string)

// everything is told as it was recorded.
func everything(r record) (record, []string) { return r, nil }

// aggregated is what flow_aggregation leaves by default: what was denied as it was, and of
// what was allowed workloads, services, ports and nodes.
func aggregated(r record) (record, []string) {
	if r.denied != "" {
		return r, nil
	}
	lists := strings.Fields(r.lists)
	for name, value := range listed {
		if value := value(r); value != "" {
			lists = append(lists, name+"="+value)
		}
	}
	r.from, r.to = r.from.workloadOnly(), r.to.workloadOnly()
	r.asked, r.behind, r.lists = "", "", ""
	return r, lists
}

// listed are the attributes of a record that those list that were made of several.
var listed = map[string]func(record) string{
	"source.address":          func(r record) string { return r.from.address },
	"source.original.address": func(r record) string { return r.behind },
	"source.k8s.pod.name":     func(r record) string { return r.from.pod },
	"destination.address":     func(r record) string { return r.to.address },
	"destination.original.address": func(r record) string {
		address, _, _ := strings.Cut(r.asked, ":")
		return address
	},
	"destination.k8s.pod.name": func(r record) string { return r.to.pod },
}

// lists is what a record lists of these, each as name=value, and how many there are where
// it does not have them all.
func (a attributes) lists() string {
	var lists []string
	for _, l := range flow.Listings() {
		if listed[l.Of] == nil {
			continue
		}
		if a.text(l.Of) == "" {
			for _, value := range a.all(l.Of) {
				lists = append(lists, l.Of+"="+value)
			}
		}
		if n := a.text(l.Count); n != "" {
			lists = append(lists, l.Count+"="+n)
		}
	}
	return strings.Join(lists, " ")
}

// workloadOnly is an end without what its pods do not share. A node is told apart.
func (e end) workloadOnly() end {
	e.pod, e.address = "", ""
	if e.kind != "host" {
		e.node = ""
	}
	return e
}

// sum is what the records of one kind tell together.
type sum struct {
	amounts
	lists map[string]bool
}

func (s sum) String() string {
	text := s.amounts.String()
	if len(s.lists) > 0 {
		text += ", of " + strings.Join(slices.Sorted(maps.Keys(s.lists)), " ")
	}
	return text
}

// sums adds up the records that are not told apart.
func (d detail) sums(records []record) map[string]sum {
	all := map[string]sum{}
	for _, r := range records {
		apart, lists := d(r)
		what := apart.what()
		s, ok := all[what]
		if !ok {
			s.lists = map[string]bool{}
		}
		s.add(r.amounts)
		for _, value := range lists {
			s.lists[value] = true
		}
		all[what] = s
	}
	return all
}

func TestAggregatedRecordsAreWhatTheirWorkloadsDid(t *testing.T) {
	from := end{kind: "pod", namespace: "shop", pod: "near-1", workload: "Deployment near", node: "node-0", address: "10.0.0.1"}
	to := end{kind: "host", node: "node-1", address: "10.0.0.2"}
	one := record{by: "source", on: "node-0", transport: "tcp", from: from, to: to, port: 80, asked: "10.0.0.9:90", amounts: amounts{started: 1}}
	other := one
	other.from.pod, other.from.address, other.asked = "near-2", "10.0.0.3", ""
	const what = "source on node-0: tcp from pod shop/ (Deployment near)  to host  on node-1 port 80"
	const lists = ", of destination.address=10.0.0.2 destination.original.address=10.0.0.9" +
		" source.address=10.0.0.1 source.address=10.0.0.3 source.k8s.pod.name=near-1 source.k8s.pod.name=near-2"
	want := map[string]string{what: amounts{started: 2}.String() + lists}

	say := func(sums map[string]sum) map[string]string {
		said := map[string]string{}
		for what, s := range sums {
			said[what] = s.String()
		}
		return said
	}
	require.Equal(t, want, say(detail(aggregated).sums([]record{one, other})))

	merged := attributes{
		"flow.reporter": "source", "k8s.node.name": "node-0", "network.transport": "tcp", "flow.action": "allow",
		"source.type": "pod", "source.k8s.namespace.name": "shop", "source.k8s.workload.kind": "Deployment", "source.k8s.workload.name": "near",
		"source.addresses": []any{"10.0.0.3", "10.0.0.1"}, "source.k8s.pod.names": []any{"near-1", "near-2"},
		"destination.type": "host", "destination.k8s.node.name": "node-1", "destination.address": "10.0.0.2", "destination.port": 80,
		"destination.original.addresses": []any{"10.0.0.9"}, "flow.connections.started": 2,
	}
	require.Equal(t, want, say(detail(aggregated).sums([]record{merged.record()})), "a record that was made of both")
	require.NotEqual(t, want, say(detail(everything).sums([]record{merged.record()})))
	merged["source.address_count"] = 3
	require.NotEqual(t, want, say(detail(aggregated).sums([]record{merged.record()})), "one is not listed")

	one.denied = "policy_drop"
	require.Equal(t, detail(everything).sums([]record{one}), detail(aggregated).sums([]record{one}), "what was denied is told as it was")
	require.Contains(t, fmt.Sprint(say(detail(aggregated).sums([]record{one}))), "near-1")
}
