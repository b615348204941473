package kibana

import "github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/kibana/savedobject"

// workloads is one workload's traffic, once it is chosen, or that of all.
func (s *site) workloads() savedobject.Dashboard {
	return s.dashboard(workloadsPage, "Whom workloads call and who calls them, down to pods, ports and processes. Each connection counts once.",
		s.controls(byFrom, bySource, byTo, byTarget, byActed),
		row(12,
			s.panel("Connections by action", 24, "", &savedobject.OverTime{Series: savedobject.Bars, Metrics: s.byAction()}),
			s.panel("Bytes", 24, "", &savedobject.OverTime{Series: savedobject.Areas, Metrics: []savedobject.Metric{s.sent(), s.received()}}),
		),
		row(15,
			s.panel("Workloads and ports", 32, "", &savedobject.Table{
				Groups: []savedobject.Terms{
					s.top(15, "From", "source.k8s.workload.name"), s.top(10, "To", "destination.k8s.workload.name"), s.top(5, "Port", "destination.port"),
				},
				Metrics: []savedobject.Metric{s.connections(), s.volume(), s.deniedOnly()},
			}),
			s.panel("Processes", 16, "", &savedobject.Table{
				Groups:  []savedobject.Terms{s.top(20, "Of the source", "source.process.executable.name")},
				Metrics: []savedobject.Metric{s.connections(), s.volume()},
			}),
		),
		row(13,
			s.panel("Source pods", 16, "", &savedobject.Table{
				Groups:  []savedobject.Terms{s.top(20, "Pod", "source.k8s.pod.name")},
				Metrics: []savedobject.Metric{s.connections(), s.volume()},
			}),
			s.panel("Destination pods", 16, "", &savedobject.Table{
				Groups:  []savedobject.Terms{s.top(20, "Pod", "destination.k8s.pod.name")},
				Metrics: []savedobject.Metric{s.connections(), s.volume()},
			}),
			s.drill(s.panel("Calls to the outside", 16, s.outside("destination"), &savedobject.Table{
				Groups:  []savedobject.Terms{s.top(20, "Address", "destination.address")},
				Metrics: []savedobject.Metric{s.connections(), s.volume()},
			}), externalPage),
		),
		row(16, s.session("Latest flows", allSession)),
	)
}
