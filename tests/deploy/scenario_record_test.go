package deploy

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// end is one side of a flow, as a record names it.
type end struct {
	kind      string // pod, host or network_set
	namespace string
	pod       string // its name
	workload  string // kind and name
	node      string
	network   string // the name of a network
	address   string
}

func (e end) String() string {
	words := []string{e.kind}
	if e.pod != "" || e.namespace != "" {
		words = append(words, e.namespace+"/"+e.pod+" ("+e.workload+")")
	}
	if e.network != "" {
		words = append(words, e.network)
	}
	words = append(words, e.address)
	if e.node != "" {
		words = append(words, "on "+e.node)
	}
	return strings.Join(words, " ")
}

// record is what a reporter says of all that went from one end to another.
type record struct {
	by, on    string // which end reports it, and on which node
	transport string
	from, to  end
	port      int    // of to
	service   string // namespace/name:port
	asked     string // what the source had asked for instead of to, with the port
	behind    string // the source's own address, where to sees another
	denied    string // by what; empty is allowed
	doubt     string // what a record says of ends that are not certain
	lists     string // what it lists of records that were merged
	amounts
}

// amounts add up over the records of one kind.
type amounts struct {
	started, completed int // connections, and flows of UDP, but for those to name servers
	abandoned          int // of those that completed, given up by who made them
	sent, received     int // bytes of applications, of from and of to
	datagrams, answers int // packets of from and of to, where each is one that an application sent
}

func (a *amounts) add(b amounts) {
	a.started += b.started
	a.completed += b.completed
	a.abandoned += b.abandoned
	a.sent += b.sent
	a.received += b.received
	a.datagrams += b.datagrams
	a.answers += b.answers
}

func (a amounts) String() string {
	if a.datagrams > 0 || a.answers > 0 {
		return fmt.Sprintf("%d datagrams of %d B, %d answers of %d B, in %d flows, %d ended", a.datagrams, a.sent, a.answers, a.received, a.started, a.completed)
	}
	return fmt.Sprintf("%d connections, %d ended, %d given up, %d B sent, %d B received", a.started, a.completed, a.abandoned, a.sent, a.received)
}

// what is all of a record but its amounts.
func (r record) what() string {
	text := fmt.Sprintf("%s on %s: %s from %s to %s port %d", r.by, r.on, r.transport, r.from, r.to, r.port)
	for _, detail := range []struct{ about, what string }{
		{"service", r.service}, {"asked for", r.asked}, {"from behind", r.behind}, {"denied:", r.denied}, {"uncertain:", r.doubt}, {"of several:", r.lists},
	} {
		if detail.what != "" {
			text += ", " + detail.about + " " + detail.what
		}
	}
	return text
}

// byDestination is what the other end reports of it. What was asked for is known on the
// node that translated it, the source's.
func (r record) byDestination() record {
	r.by, r.on = "destination", r.to.node
	if r.on != r.from.node {
		r.service, r.asked = "", ""
	}
	return r
}

// difference says what is missing, extra, or of another amount, a line each; it is
// empty where records are what was declared.
func difference(got, want map[string]sum) string {
	names := maps.Clone(got)
	maps.Copy(names, want)
	var lines strings.Builder
	for _, what := range slices.Sorted(maps.Keys(names)) {
		is, isThere := got[what]
		should, declared := want[what]
		switch {
		case !declared:
			fmt.Fprintf(&lines, "extra    %s: %s\n", what, is)
		case !isThere:
			fmt.Fprintf(&lines, "missing  %s: %s\n", what, should)
		case is.String() != should.String():
			fmt.Fprintf(&lines, "amounts  %s: %s, want %s\n", what, is, should)
		}
	}
	return lines.String()
}

// attributes are those of one record, by the names of docs/fields.md.
type attributes map[string]any

func (a attributes) text(name string) string {
	if a[name] == nil {
		return ""
	}
	return fmt.Sprint(a[name])
}

// all are the values of an attribute, of a record or of those that were merged into it.
func (a attributes) all(name string) []string {
	if value := a.text(name); value != "" {
		return []string{value}
	}
	var values []string
	for _, l := range flow.Listings() {
		if list, ok := a[l.List].([]any); ok && l.Of == name {
			for _, value := range list {
				values = append(values, fmt.Sprint(value))
			}
		}
	}
	return values
}

func (a attributes) number(name string) int {
	n, _ := strconv.Atoi(a.text(name)) // what is not there is zero
	return n
}

func (a attributes) record() record {
	r := record{
		by: a.text("flow.reporter"), on: a.text("k8s.node.name"), transport: a.text("network.transport"),
		from: a.end("source"), to: a.end("destination"), port: a.number("destination.port"),
		behind: a.text("source.original.address"),
		amounts: amounts{
			sent: a.number("source.payload.bytes"), received: a.number("destination.payload.bytes"),
		},
	}
	if name := a.text("destination.k8s.service.name"); name != "" {
		r.service = fmt.Sprintf("%s/%s:%s", a.text("destination.k8s.service.namespace"), name, a.text("destination.k8s.service.port"))
	}
	if address := a.text("destination.original.address"); address != "" {
		r.asked = address + ":" + a.text("destination.original.port")
	}
	if action := a.text("flow.action"); action != "allow" {
		r.denied = a.text("flow.deny.class") + " " + a.text("flow.deny.reason")
	}
	var doubts []string
	for _, side := range []string{"source", "destination"} {
		if doubt := a.text(side + ".k8s.uncertain"); doubt != "" {
			doubts = append(doubts, side+" "+doubt)
		}
	}
	r.doubt = strings.Join(doubts, ", ")
	r.lists = a.lists()
	if r.transport == "tcp" || r.port != 53 {
		r.started, r.completed = a.number("flow.connections.started"), a.number("flow.connections.completed")
	}
	if r.transport == "tcp" {
		r.abandoned = a.number("flow.connections.abandoned")
	} else {
		r.datagrams, r.answers = a.number("source.packets"), a.number("destination.packets")
	}
	return r
}

func (a attributes) end(side string) end {
	e := end{
		kind: a.text(side + ".type"), namespace: a.text(side + ".k8s.namespace.name"), pod: a.text(side + ".k8s.pod.name"),
		node: a.text(side + ".k8s.node.name"), network: a.text(side + ".network.name"), address: a.text(side + ".address"),
	}
	if kind := a.text(side + ".k8s.workload.kind"); kind != "" {
		e.workload = kind + " " + a.text(side+".k8s.workload.name")
	}
	return e
}

func TestDifferenceSaysWhatIsWrong(t *testing.T) {
	client, server := end{kind: "pod", namespace: "shop", pod: "near", workload: "Pod near", address: "10.0.0.1"}, end{kind: "host", node: "node-1", address: "10.0.0.2"}
	whole := record{by: "source", on: "node-0", transport: "tcp", from: client, to: server, port: 80, amounts: amounts{started: 2, completed: 2, sent: 20}}
	half, other, renamed := whole, whole, whole
	half.amounts = amounts{started: 1, completed: 1, sent: 10}
	other.by, other.amounts = "destination", amounts{datagrams: 3}
	renamed.from.pod = "far"
	const what = "source on node-0: tcp from pod shop/near (Pod near) 10.0.0.1 to host 10.0.0.2 on node-1 port 80: "
	const two, one = "2 connections, 2 ended, 0 given up, 20 B sent, 0 B received", "1 connections, 1 ended, 0 given up, 10 B sent, 0 B received"
	for name, c := range map[string]struct {
		got, want []record
		says      string
	}{
		"the same":                  {[]record{whole, other}, []record{other, whole}, ""},
		"in several intervals":      {[]record{half, half}, []record{whole}, ""},
		"too little":                {[]record{half}, []record{whole}, "amounts  " + what + one + ", want " + two + "\n"},
		"missing":                   {nil, []record{whole}, "missing  " + what + two + "\n"},
		"extra":                     {[]record{whole}, nil, "extra    " + what + two + "\n"},
		"nothing, but not declared": {[]record{{by: "source", from: client, to: server}}, nil, "extra    source on :  from pod shop/near (Pod near) 10.0.0.1 to host 10.0.0.2 on node-1 port 0: 0 connections, 0 ended, 0 given up, 0 B sent, 0 B received\n"},
		"of another name": {
			[]record{renamed}, []record{whole},
			"extra    " + strings.Replace(what, "near", "far", 1) + two + "\nmissing  " + what + two + "\n",
		},
	} {
		require.Equal(t, c.says, difference(detail(everything).sums(c.got), detail(everything).sums(c.want)), name)
	}
}
