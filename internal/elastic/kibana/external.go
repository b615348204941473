package kibana

import "github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/kibana/savedobject"

// external is what goes out of the cluster, and comes in.
func (s *site) external() savedobject.Dashboard {
	out, in := s.outside("destination"), s.outside("source")
	traffic := []savedobject.Metric{s.sum("Sent", "source.bytes"), s.sum("Received", "destination.bytes"), s.connections()}
	return s.dashboard(externalPage, "Traffic with what is neither pod, node nor service: by domain, named network and address. Each connection counts once.",
		s.controls(byCluster, byFrom, bySource, [2]string{"Scope", "destination.scope"}, [2]string{"Network", "destination.network.name"}),
		numbers(
			s.number("Sent outside", out, s.sent()),
			s.number("Received from outside", out, s.received()),
			s.number("Connections out", out, s.connections()),
			s.number("Connections in", in, s.connections()),
			s.number("External destinations", out, s.unique("", "destination.address")),
			s.number("External clients", in, s.unique("", "source.address")),
		),
		row(12,
			s.panel("Sent outside by workload", 24, out, &savedobject.OverTime{
				Series: savedobject.Areas, By: s.topAndOther(8, "Workload", "source.k8s.workload.name"), Metrics: []savedobject.Metric{s.sum("Sent", "source.bytes")},
			}),
			s.panel("Connections out by scope", 24, out, &savedobject.OverTime{
				Series: savedobject.Bars, By: s.topAndOther(8, "Scope", "destination.scope"), Metrics: []savedobject.Metric{s.connections()},
			}),
		),
		row(14,
			s.panel("Domains", 16, out, &savedobject.Table{Groups: []savedobject.Terms{s.top(50, "Domain", "destination.domains")}, Metrics: traffic}),
			s.panel("Named networks", 16, out, &savedobject.Table{Groups: []savedobject.Terms{s.top(20, "Network", "destination.network.name")}, Metrics: traffic}),
			s.panel("Addresses", 16, out, &savedobject.Table{Groups: []savedobject.Terms{s.top(50, "Address", "destination.address")}, Metrics: traffic}),
		),
		row(14,
			s.drill(s.panel("Who goes outside", 24, out, &savedobject.Table{
				Groups:  []savedobject.Terms{s.top(15, "From", "source.k8s.workload.name"), s.top(10, "Domain", "destination.domains")},
				Metrics: traffic,
			}), workloadsPage),
			s.drill(s.panel("Who comes in", 24, in, &savedobject.Table{
				Groups:  []savedobject.Terms{s.top(15, "Client", "source.address"), s.top(5, "To", "destination.k8s.workload.name")},
				Metrics: []savedobject.Metric{s.connections(), s.sum("Sent by client", "source.bytes"), s.sum("Sent to client", "destination.bytes")},
			}), workloadsPage),
		),
		row(16, s.session("Latest external flows", externalSession)),
	)
}
