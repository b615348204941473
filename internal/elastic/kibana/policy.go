package kibana

import "github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/kibana/savedobject"

// policy is what policies deny, and what a tighter one would have to allow. Which policy and
// rule it was records do not say yet.
func (s *site) policy() savedobject.Dashboard {
	denied := savedobject.All(s.denied(), s.byPolicy())
	attempts := []savedobject.Metric{s.attempts()}
	pairs := []savedobject.Terms{
		s.top(20, "From", "source.k8s.workload.name"), s.top(20, "To", "destination.k8s.workload.name"), s.top(10, "Port", "destination.port"),
	}
	return s.dashboard(policyPage, "What policies deny at the node, by a silent drop or a reject, and what is allowed across namespaces.",
		s.controls(byCluster, byFrom, byTo, byTransport),
		numbers(
			s.number("Denied by policy", denied, colored(s.attempts(), colorDenied)),
			s.number("Dropped silently", savedobject.Is(s.f("flow.deny.class"), "policy_drop"), colored(s.attempts(), colorDenied)),
			s.number("Rejected", savedobject.Is(s.f("flow.deny.class"), "reject"), colored(s.attempts(), colorDenied)),
			s.number("Namespaces denied", denied, s.unique("", "source.k8s.namespace.name")),
		),
		row(12,
			s.panel("Denied by policy, by source", 24, denied, &savedobject.OverTime{
				Series: savedobject.Bars, By: s.topAndOther(8, "Namespace", "source.k8s.namespace.name"), Metrics: attempts,
			}),
			s.panel("Denied by policy, by interface", 24, denied, &savedobject.Table{
				Groups:  []savedobject.Terms{s.top(10, "Reporting node", "k8s.node.name"), s.top(10, "Interface", "flow.deny.interface.name")},
				Metrics: attempts,
			}),
		),
		row(15,
			s.drill(s.panel("Workloads denied by policy", 24, denied, &savedobject.Table{Groups: pairs, Metrics: attempts}), workloadsPage),
			s.drill(s.panel("Allowed: what a policy has to permit", 24, s.allowed(), &savedobject.Table{
				Groups: pairs, Metrics: []savedobject.Metric{s.connections(), s.volume()},
			}), workloadsPage),
		),
	)
}
