package kibana

import "github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/kibana/savedobject"

// deniedTraffic is what did not get through, and why.
func (s *site) deniedTraffic() savedobject.Dashboard {
	attempts := []savedobject.Metric{s.attempts()}
	return s.dashboard(deniedPage, "What did not get through, where, and why. An attempt that both ends tell of in different words, as a drop and as a timeout, is in both classes.",
		s.controls(byCluster, byFrom, byTo, [2]string{"Denied as", "flow.deny.class"}),
		numbers(
			s.number("Denied attempts", s.denied(), colored(s.attempts(), colorDenied)),
			s.number("Denied by policy", savedobject.All(s.denied(), s.byPolicy()), colored(s.attempts(), colorDenied)),
			s.number("Nobody listened", savedobject.Is(s.f("flow.deny.class"), "no_listener"), colored(s.attempts(), colorWarning)),
			s.number("Sources denied", s.denied(), s.unique("", "source.k8s.workload.name")),
		),
		row(12,
			s.panel("Denied as", 32, s.denied(), &savedobject.OverTime{Series: savedobject.Bars, By: s.topAndOther(8, "Denied as", "flow.deny.class"), Metrics: attempts}),
			s.panel("Reasons in the kernel", 16, s.denied(), &savedobject.Shares{Of: *s.topAndOther(8, "Reason", "flow.deny.reason"), Metric: s.attempts()}),
		),
		row(15,
			s.drill(s.panel("Who was denied what", 28, s.denied(), &savedobject.Table{
				Groups: []savedobject.Terms{
					s.top(15, "From", "source.k8s.workload.name"), s.top(10, "To", "destination.k8s.workload.name"), s.top(5, "Port", "destination.port"),
				},
				Metrics: attempts,
			}), workloadsPage),
			s.panel("Denied addresses", 20, s.denied(), &savedobject.Table{
				Groups:  []savedobject.Terms{s.top(15, "From", "source.address"), s.top(5, "To", "destination.address")},
				Metrics: attempts,
			}),
		),
		row(16, s.session("Latest denied", deniedSession)),
	)
}
