package kibana

import "github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/kibana/savedobject"

// tcpHealth is what is slow or breaks. Retransmissions, losses and round-trip times are of who
// reports them, so those panels have the reports of both ends; how connections end is counted
// once.
func (s *site) tcpHealth() savedobject.Dashboard {
	retransmits, lost := s.sum("Retransmitted", "flow.tcp.retransmits"), s.sum("Lost", "flow.tcp.lost")
	ends := []savedobject.Metric{
		colored(s.sum("Reset", "flow.connections.reset"), colorDenied),
		colored(s.sum("Timed out", "flow.connections.timed_out"), colorWarning),
		s.sum("Abandoned", "flow.connections.abandoned"),
	}
	rtt := []savedobject.Metric{
		s.percentile("Median", "flow.tcp.rtt.mean", 50), s.percentile("95th percentile", "flow.tcp.rtt.mean", 95), s.highest("Highest", "flow.tcp.rtt.max"),
	}
	return s.dashboard(tcpPage, "Retransmissions, round-trip times, handshakes and how connections end.",
		s.controls(byFrom, bySource, byTo, byTarget, byReporter),
		numbers(
			s.bothEnds("Segments sent again", 0, s.tcp(), &savedobject.Number{Metric: retransmits}),
			s.bothEnds("Timeouts unrecovered", 0, s.tcp(), &savedobject.Number{Metric: s.sum("Timeouts", "flow.tcp.timeouts.unrecovered")}),
			s.number("Resets", s.tcp(), ends[0]),
			s.number("Connections timed out", s.tcp(), ends[1]),
			s.bothEnds("Round-trip time, 95 %", 0, s.tcp(), &savedobject.Number{Metric: rtt[1]}),
			s.bothEnds("Handshake, 95 %", 0, s.tcp(), &savedobject.Number{Metric: s.percentile("95th percentile", "flow.tcp.handshake.mean", 95)}),
		),
		row(12,
			s.bothEnds("Segments sent again and lost", 16, s.tcp(), &savedobject.OverTime{Series: savedobject.Lines, Metrics: []savedobject.Metric{
				colored(retransmits, colorWarning), colored(lost, colorDenied),
			}}),
			s.bothEnds("Round-trip time of records", 16, s.tcp(), &savedobject.OverTime{Series: savedobject.Lines, Metrics: rtt[:2]}),
			s.panel("Connections that ended badly", 16, s.tcp(), &savedobject.OverTime{Series: savedobject.Bars, Metrics: ends}),
		),
		row(15,
			s.drill(s.bothEnds("Most sent again", 24, savedobject.All(s.tcp(), savedobject.More(s.f("flow.tcp.retransmits"), 0)), &savedobject.Table{
				Groups:  []savedobject.Terms{s.top(15, "From", "source.k8s.workload.name"), s.top(10, "To", "destination.k8s.workload.name")},
				Metrics: []savedobject.Metric{retransmits, lost},
			}), workloadsPage),
			s.drill(s.bothEnds("Slowest", 24, s.tcp(), &savedobject.Table{
				Groups:  []savedobject.Terms{s.top(15, "From", "source.k8s.workload.name"), s.top(10, "To", "destination.k8s.workload.name")},
				Metrics: []savedobject.Metric{rtt[2], rtt[0], rtt[1]},
			}), workloadsPage),
		),
		row(13,
			s.drill(s.panel("Most resets", 24, savedobject.All(s.tcp(), savedobject.More(s.f("flow.connections.reset"), 0)), &savedobject.Table{
				Groups: []savedobject.Terms{s.top(15, "To", "destination.k8s.workload.name"), s.top(5, "Port", "destination.port")},
				Metrics: []savedobject.Metric{
					s.sum("Reset", "flow.connections.reset"), s.sum("By source", "flow.connections.reset_by_source"), s.sum("By destination", "flow.connections.reset_by_destination"),
				},
			}), workloadsPage),
			s.bothEnds("Receivers that could not keep up", 24, savedobject.All(s.tcp(), savedobject.More(s.f("flow.tcp.window_limited"), 0)), &savedobject.Table{
				Groups:  []savedobject.Terms{s.top(15, "From", "source.k8s.workload.name"), s.top(5, "To", "destination.k8s.workload.name")},
				Metrics: []savedobject.Metric{s.sum("Waited for the window", "flow.tcp.window_limited"), s.sum("Window closed", "flow.tcp.zero_window")},
			}),
		),
	)
}
