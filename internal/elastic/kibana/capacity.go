package kibana

import "github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/kibana/savedobject"

// capacity is what agents cost, and what was lost. Their data streams are small: one document
// of each agent an interval.
func (s *site) capacity() savedobject.Dashboard {
	losses, agents := savedobject.Exists(s.o("flow.loss.stage")), savedobject.Exists(s.o("flow.agent.time"))
	panel := func(title string, width int, q savedobject.Query, chart savedobject.Chart) savedobject.Panel {
		return savedobject.Panel{Title: title, Width: width, DataView: s.id(observerView), Query: q, Chart: chart}
	}
	metric := func(label string, op savedobject.Op, attribute string) savedobject.Metric {
		return savedobject.Metric{Label: label, Op: op, Field: s.o(attribute)}
	}
	group := func(size int, label, attribute string) savedobject.Terms {
		return savedobject.Terms{Label: label, Field: s.o(attribute), Size: size}
	}
	node := group(20, "Machine", "host.name")
	lost := colored(metric("Lost", savedobject.Sum, "flow.loss.count"), colorDenied)
	stage := group(8, "Lost at", "flow.loss.stage")
	stage.Other = true
	controls := []savedobject.Control{
		{Title: "Cluster", Field: s.o("k8s.cluster.name"), DataView: s.id(observerView)},
		{Title: "Machine", Field: s.o("host.name"), DataView: s.id(observerView)},
	}
	return s.dashboard(capacityPage, "What agents record and cost, and what was lost on the way.", controls,
		numbers(
			panel("Agents", 0, agents, &savedobject.Number{Metric: metric("", savedobject.Unique, "host.name")}),
			panel("Lost", 0, losses, &savedobject.Number{Metric: lost}),
			panel("Machines with losses", 0, losses, &savedobject.Number{Metric: metric("", savedobject.Unique, "host.name")}),
			panel("Most connections of a machine", 0, agents, &savedobject.Number{Metric: metric("", savedobject.Max, "flow.agent.connections")}),
			panel("Most memory of an agent", 0, agents, &savedobject.Number{Metric: metric("", savedobject.Max, "flow.agent.memory")}),
		),
		row(12,
			panel("Lost by stage", 24, losses, &savedobject.OverTime{Series: savedobject.Bars, By: &stage, Metrics: []savedobject.Metric{lost}}),
			panel("What was lost", 24, losses, &savedobject.Table{
				Groups:  []savedobject.Terms{group(20, "Machine", "host.name"), group(8, "Lost at", "flow.loss.stage"), group(4, "Unit", "flow.loss.unit")},
				Metrics: []savedobject.Metric{lost},
			}),
		),
		row(12,
			panel("Live connections", 16, agents, &savedobject.OverTime{
				Series: savedobject.Lines, By: &node, Metrics: []savedobject.Metric{metric("Connections", savedobject.Max, "flow.agent.connections")},
			}),
			panel("Memory", 16, agents, &savedobject.OverTime{
				Series: savedobject.Lines, By: &node, Metrics: []savedobject.Metric{metric("Memory", savedobject.Max, "flow.agent.memory")},
			}),
			panel("Processor time since start", 16, agents, &savedobject.OverTime{
				Series: savedobject.Lines, By: &node, Metrics: []savedobject.Metric{metric("Processor time", savedobject.Max, "flow.agent.cpu.time")},
			}),
		),
		row(14,
			panel("Agents and versions", 24, agents, &savedobject.Table{
				Groups:  []savedobject.Terms{group(50, "Machine", "host.name"), group(3, "Version", "flow.agent.version")},
				Metrics: []savedobject.Metric{metric("Records sent", savedobject.Max, "flow.agent.records"), metric("Lost", savedobject.Max, "flow.agent.lost")},
			}),
			panel("Capture engines", 24, agents, &savedobject.Table{
				Groups:  []savedobject.Terms{group(20, "Engine", "flow.agent.engines")},
				Metrics: []savedobject.Metric{metric("Agents", savedobject.Unique, "host.name")},
			}),
		),
		row(14, s.session("Latest losses", lossSession)),
	)
}
