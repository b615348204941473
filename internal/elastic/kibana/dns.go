package kibana

import "github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/kibana/savedobject"

// dns is who asks, what fails, how long it takes, and which names traffic goes to.
func (s *site) dns() savedobject.Dashboard {
	queries := savedobject.More(s.f("flow.dns.queries"), 0)
	failures := []savedobject.Metric{
		colored(s.sum("No answer", "flow.dns.timeouts"), colorDenied), colored(s.sum("NXDOMAIN", "flow.dns.errors.nxdomain"), colorWarning),
		s.sum("SERVFAIL", "flow.dns.errors.servfail"), s.sum("REFUSED", "flow.dns.errors.refused"), s.sum("Other", "flow.dns.errors.other"),
	}
	asked := s.sum("Queries", "flow.dns.queries")
	return s.dashboard(dnsPage, "Queries over UDP: who asks, what fails, how long answers take. Each query counts once.",
		s.controls(byCluster, byFrom, bySource, [2]string{"Server", "destination.k8s.workload.name"}),
		numbers(
			s.number("Queries", queries, asked),
			s.number("Without answer", queries, failures[0]),
			s.number("Names that do not exist", queries, failures[1]),
			s.number("Failed by the server", queries, failures[2]),
			s.number("Time to answer, 95 %", queries, s.percentile("", "flow.dns.latency.mean", 95)),
		),
		row(12,
			s.panel("Queries and answers", 16, queries, &savedobject.OverTime{Series: savedobject.Lines, Metrics: []savedobject.Metric{
				colored(asked, colorSent), colored(s.sum("Answers", "flow.dns.responses"), colorReceived),
			}}),
			s.panel("Failures", 16, queries, &savedobject.OverTime{Series: savedobject.Bars, Metrics: failures}),
			s.panel("Time to answer", 16, queries, &savedobject.OverTime{Series: savedobject.Lines, Metrics: []savedobject.Metric{
				s.percentile("Median", "flow.dns.latency.mean", 50), s.percentile("95th percentile", "flow.dns.latency.mean", 95),
			}}),
		),
		row(15,
			s.drill(s.panel("Who asks", 24, queries, &savedobject.Table{
				Groups:  []savedobject.Terms{s.top(30, "Workload", "source.k8s.workload.name")},
				Metrics: append([]savedobject.Metric{asked}, failures[:3]...),
			}), workloadsPage),
			s.panel("Servers", 24, queries, &savedobject.Table{
				Groups:  []savedobject.Terms{s.top(20, "Server", "destination.address")},
				Metrics: []savedobject.Metric{asked, failures[0], failures[2], s.highest("Slowest answer", "flow.dns.latency.max")},
			}),
		),
		row(14,
			s.drill(s.panel("Names that traffic goes to", 48, "", &savedobject.Table{
				Groups:  []savedobject.Terms{s.top(50, "Domain", "destination.domains")},
				Metrics: []savedobject.Metric{s.connections(), s.volume(), s.unique("Sources", "source.k8s.workload.name"), s.unique("Addresses", "destination.address")},
			}), externalPage),
		),
	)
}
