package kibana

import "github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/kibana/savedobject"

// namespaces is what goes into, out of and between namespaces.
func (s *site) namespaces() savedobject.Dashboard {
	from, to := "source.k8s.namespace.name", "destination.k8s.namespace.name"
	return s.dashboard(namespacesPage, "Traffic into, out of and between namespaces. Each connection counts once.",
		s.controls(byCluster, byFrom, byTo, byActed),
		row(12,
			s.panel("Sent by namespace", 24, "", &savedobject.OverTime{
				Series: savedobject.Areas, By: s.topAndOther(8, "Namespace", from), Metrics: []savedobject.Metric{s.sum("Sent", "source.bytes")},
			}),
			s.panel("Connections into namespace", 24, "", &savedobject.OverTime{
				Series: savedobject.Bars, By: s.topAndOther(8, "Namespace", to), Metrics: []savedobject.Metric{s.connections()},
			}),
		),
		row(15,
			s.drill(s.panel("Between namespaces", 24, "", &savedobject.Table{
				Groups:  []savedobject.Terms{s.top(20, "From", from), s.top(20, "To", to)},
				Metrics: []savedobject.Metric{s.connections(), s.volume(), s.deniedOnly()},
			}), workloadsPage),
			s.drill(s.panel("Services", 24, "", &savedobject.Table{
				Groups:  []savedobject.Terms{s.top(10, "Namespace", "destination.k8s.service.namespace"), s.top(10, "Service", "destination.k8s.service.name")},
				Metrics: []savedobject.Metric{s.connections(), s.volume(), s.unique("Sources", "source.k8s.workload.name")},
			}), workloadsPage),
		),
		row(13,
			s.drill(s.panel("Leaving the cluster", 24, s.outside("destination"), &savedobject.Table{
				Groups:  []savedobject.Terms{s.top(20, "From", from)},
				Metrics: []savedobject.Metric{s.sum("Sent", "source.bytes"), s.sum("Received", "destination.bytes"), s.connections()},
			}), externalPage),
			s.drill(s.panel("Entering the cluster", 24, s.outside("source"), &savedobject.Table{
				Groups:  []savedobject.Terms{s.top(20, "To", to)},
				Metrics: []savedobject.Metric{s.sum("Sent by clients", "source.bytes"), s.sum("Sent to clients", "destination.bytes"), s.connections()},
			}), externalPage),
		),
	)
}
