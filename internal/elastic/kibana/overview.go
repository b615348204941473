package kibana

import "github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/kibana/savedobject"

// overview is who talks most, how much, and what is denied.
func (s *site) overview() savedobject.Dashboard {
	return s.dashboard(overviewPage, "Who talks to whom, how much, and what is denied. Each connection counts once.",
		s.controls(byCluster, byFrom, byTo, byActed, byTransport),
		numbers(
			s.number("Connections", "", s.connections()),
			s.number("Denied attempts", s.denied(), colored(s.attempts(), colorDenied)),
			s.number("Sent by sources", "", s.sent()),
			s.number("Sent by destinations", "", s.received()),
			s.number("Source workloads", "", s.unique("", "source.k8s.workload.name")),
			s.number("Destinations", "", s.unique("", "destination.address")),
		),
		row(12,
			s.panel("Connections by action", 24, "", &savedobject.OverTime{Series: savedobject.Bars, Metrics: s.byAction()}),
			s.panel("Bytes", 24, "", &savedobject.OverTime{Series: savedobject.Areas, Metrics: []savedobject.Metric{s.sent(), s.received()}}),
		),
		row(14,
			s.drill(s.panel("Top namespaces", 24, "", &savedobject.Table{
				Groups:  []savedobject.Terms{s.top(10, "From", "source.k8s.namespace.name"), s.top(5, "To", "destination.k8s.namespace.name")},
				Metrics: []savedobject.Metric{s.volume(), s.connections(), s.deniedOnly()},
			}), namespacesPage),
			s.drill(s.panel("Top talkers", 24, "", &savedobject.Table{
				Groups:  []savedobject.Terms{s.top(10, "From", "source.k8s.workload.name"), s.top(5, "To", "destination.k8s.workload.name")},
				Metrics: []savedobject.Metric{s.volume(), s.connections()},
			}), workloadsPage),
		),
		row(12,
			s.drill(s.panel("Denied as", 16, s.denied(), &savedobject.OverTime{
				Series: savedobject.Bars, By: s.topAndOther(8, "Denied as", "flow.deny.class"), Metrics: []savedobject.Metric{s.attempts()},
			}), deniedPage),
			s.drill(s.panel("Top external destinations", 16, s.outside("destination"), &savedobject.Table{
				Groups:  []savedobject.Terms{s.top(20, "Domain", "destination.domains")},
				Metrics: []savedobject.Metric{s.volume(), s.connections()},
			}), externalPage),
			s.panel("Ports", 16, "", &savedobject.Table{
				Groups:  []savedobject.Terms{s.top(20, "Port", "destination.port")},
				Metrics: []savedobject.Metric{s.connections(), s.volume()},
			}),
		),
	)
}
