package workload

import (
	"fmt"
	"slices"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// deny has the agent of one end tell that packets of c did not get through.
func (w *Workload) deny(c *connection, by flow.Reporter, d flow.Denial, at int64, packets uint64) {
	f := w.begin(c, at)
	f.Action, f.Denial = flow.Deny, d
	f.Source.Packets, f.Source.Bytes = packets, packets*(tcpHeaders+8)
	if d.Namespace == 0 { // what a connect ended with
		f.TCP.FinalState = flow.TCPSynSent
	}
	if c.begins {
		f.Connections = flow.Connections{Seen: 1, Started: 1, Completed: 1}
	}
	w.tell(f, c, by)
}

// atInterface is a packet filter's silence at the host's side of a pod's interface.
func atInterface(e *end) flow.Denial {
	return flow.Denial{
		Reason: flow.Intern("netfilter_drop"), Class: flow.PolicyDrop,
		Interface: flow.Intern(fmt.Sprintf("cali%011x", e.process.PID)), Namespace: hostNamespace,
	}
}

// dropped is an attempt that a policy at the destination drops. On one node the agent sees
// both the drop and who tried; on two the source only knows that nobody answered.
func (w *Workload) dropped(c *connection, at int64, packets uint64) {
	if c.source.node == c.destination.node {
		w.deny(c, flow.ReporterSource, atInterface(c.destination), at, packets)
		return
	}
	w.deny(c, flow.ReporterDestination, atInterface(c.destination), at, packets)
	w.report(c, news{at: at, fate: abandoned})
}

// refused is an attempt where nobody listens.
func (w *Workload) refused(c *connection, at int64) {
	noSocket := flow.Denial{Reason: flow.Intern("no_socket"), Class: flow.NoListener, Namespace: c.destination.namespace}
	if c.source.node == c.destination.node {
		w.deny(c, flow.ReporterSource, noSocket, at, 1)
		return
	}
	w.deny(c, flow.ReporterDestination, noSocket, at, 1)
	w.deny(c, flow.ReporterSource, flow.Denial{Reason: flow.Intern("connection_refused"), Class: flow.NoListener}, at, 1)
}

// denied is what misconfigured pods try again and again.
type denied struct {
	attempts []attempt
	// late are attempts of which a second packet is dropped in the next interval.
	late []connection
}

// attempt is what a pod tries.
type attempt struct {
	source, destination *end
	port                uint16
	try                 func(*denied, *Workload, *connection)
}

func newDenied(w *Workload) *denied {
	k, d := w.cluster, &denied{}
	targets := append([]*end(nil), k.pods...)
	outcomes := []func(*denied, *Workload, *connection){(*denied).egress, (*denied).ingress, (*denied).rejected, (*denied).nobody, (*denied).unanswered}
	if len(targets) == 0 {
		return d
	}
	for i := range w.config.Denied.Pairs {
		sources := k.deploy(workload{kind: "Deployment", namespace: "legacy", name: fmt.Sprint("sync-", i+1), process: kinds[i%len(kinds)].process, port: 8080}, 2)
		for _, source := range sources.pods {
			a := attempt{source: source, destination: pick(k.chance, targets), try: outcomes[i%len(outcomes)]}
			a.port = a.destination.serves
			switch i % len(outcomes) {
			case 2:
				a.destination, a.port = k.outside(k.public(), ""), 443
			case 3:
				a.port++
			}
			d.attempts = append(d.attempts, a)
		}
	}
	return d
}

func (d *denied) play(w *Workload) {
	for i := range d.late {
		c := &d.late[i]
		w.deny(c, flow.ReporterSource, atInterface(c.source), later(c.told, time.Second), 1)
	}
	d.late = d.late[:0]
	for i := range d.attempts {
		a := &d.attempts[i]
		if slices.Contains(w.cluster.stopped, a.destination) {
			a.destination = pick(w.chance, w.cluster.pods)
		}
		for range w.chance.poisson(w.config.Interval.Seconds() / w.config.Denied.Period.Seconds()) {
			c := dial(a.source, a.destination, nil, a.port, w.moment())
			a.try(d, w, &c)
		}
	}
}

// givesUp is when the source does.
func (w *Workload) givesUp(c *connection) int64 {
	return min(later(c.told, w.config.Denied.Patience), w.to)
}

// egress is dropped on its way out: the SYN, and the SYN of a second later.
func (d *denied) egress(w *Workload, c *connection) {
	if later(c.told, time.Second) < w.to {
		w.deny(c, flow.ReporterSource, atInterface(c.source), later(c.told, time.Second), 2)
		return
	}
	w.deny(c, flow.ReporterSource, atInterface(c.source), c.told, 1)
	c.begins = false
	d.late = append(d.late, *c)
}

func (d *denied) ingress(w *Workload, c *connection) { w.dropped(c, w.givesUp(c), 2) }

func (d *denied) rejected(w *Workload, c *connection) {
	denial := atInterface(c.source)
	denial.Class = flow.Reject
	w.deny(c, flow.ReporterSource, denial, c.told, 1)
}

func (d *denied) nobody(w *Workload, c *connection) { w.refused(c, c.told) }

func (d *denied) unanswered(w *Workload, c *connection) {
	w.report(c, news{at: w.givesUp(c), fate: abandoned})
}
