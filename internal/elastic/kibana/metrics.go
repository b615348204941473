package kibana

import (
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/kibana/savedobject"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

// The colours of what is the same in all dashboards, told apart by people who do not see red
// and green alike.
const (
	colorAllowed  = "#16a3a3"
	colorDenied   = "#d6455d"
	colorSent     = "#4c7bd9"
	colorReceived = "#8a9ee8"
	colorWarning  = "#e8a33d"
)

// sum is of a counter of flows.
func (s *site) sum(label, attribute string) savedobject.Metric {
	return savedobject.Metric{Label: label, Op: savedobject.Sum, Field: s.f(attribute)}
}

// connections are those that began. Denied attempts are connections.
func (s *site) connections() savedobject.Metric {
	return s.sum("Connections", "flow.connections.started")
}

func (s *site) attempts() savedobject.Metric {
	return s.sum("Attempts", "flow.connections.started")
}

func (s *site) sent() savedobject.Metric {
	return colored(s.sum("Sent by source", "source.bytes"), colorSent)
}

func (s *site) received() savedobject.Metric {
	return colored(s.sum("Sent by destination", "destination.bytes"), colorReceived)
}

// volume is what both ends sent, where a field has it, else what the destination did: groups
// are ordered by one field.
func (s *site) volume() savedobject.Metric {
	if s.options.Mapping == schema.ECS {
		return s.sum("Bytes", "network.bytes")
	}
	return s.sum("Sent by destination", "destination.bytes")
}

// byAction is connections apart by what was done with them.
func (s *site) byAction() []savedobject.Metric {
	allowed, denied := s.connections(), s.connections()
	allowed.Label, allowed.Filter, allowed.Color = "Allowed", s.allowed(), colorAllowed
	denied.Label, denied.Filter, denied.Color = "Denied", s.denied(), colorDenied
	return []savedobject.Metric{allowed, denied}
}

func (s *site) deniedOnly() savedobject.Metric { return s.byAction()[1] }

// unique counts the values of a field, about.
func (s *site) unique(label, attribute string) savedobject.Metric {
	return savedobject.Metric{Label: label, Op: savedobject.Unique, Field: s.f(attribute)}
}

func (s *site) highest(label, attribute string) savedobject.Metric {
	return savedobject.Metric{Label: label, Op: savedobject.Max, Field: s.f(attribute)}
}

func (s *site) percentile(label, attribute string, percent int) savedobject.Metric {
	return savedobject.Metric{Label: label, Op: savedobject.Percentile, Percent: percent, Field: s.f(attribute)}
}

func colored(m savedobject.Metric, color string) savedobject.Metric {
	m.Color = color
	return m
}

// top groups by the values of an attribute of flows.
func (s *site) top(size int, label, attribute string) savedobject.Terms {
	return savedobject.Terms{Label: label, Field: s.f(attribute), Size: size}
}

// topAndOther has what is left in a group of its own, for what is to add up.
func (s *site) topAndOther(size int, label, attribute string) *savedobject.Terms {
	t := s.top(size, label, attribute)
	t.Other = true
	return &t
}

// number is a panel of one, for numbers.
func (s *site) number(title string, q savedobject.Query, m savedobject.Metric) savedobject.Panel {
	return s.panel(title, 0, q, &savedobject.Number{Metric: m})
}

// panel is one of flows, that counts each connection once.
func (s *site) panel(title string, width int, q savedobject.Query, chart savedobject.Chart) savedobject.Panel {
	return savedobject.Panel{Title: title, Width: width, DataView: s.id(flowsView), Query: savedobject.All(s.once(), q), Chart: chart}
}

// bothEnds is a panel of what each reporter measures for itself.
func (s *site) bothEnds(title string, width int, q savedobject.Query, chart savedobject.Chart) savedobject.Panel {
	p := s.panel(title, width, "", chart)
	p.Query = q
	p.Description = "Each end that has an agent measures what it sends itself, so the reports of both ends are in here."
	return p
}

const numbersHeight = 5

// numbers is a row of numbers of equal width, under the titles of their panels.
func numbers(panels ...savedobject.Panel) savedobject.Row {
	for i := range panels {
		panels[i].Width = savedobject.GridWidth / len(panels)
		if n, ok := panels[i].Chart.(*savedobject.Number); ok {
			n.Metric.Label = panels[i].Title
		}
	}
	return savedobject.Row{Height: numbersHeight, Panels: panels}
}

func row(height int, panels ...savedobject.Panel) savedobject.Row {
	return savedobject.Row{Height: height, Panels: panels}
}

// drill has a click on a value lead to another dashboard.
func (s *site) drill(p savedobject.Panel, to page) savedobject.Panel {
	p.Drilldown = &savedobject.Link{Label: "Open " + to.title, To: s.id(to.id), Filters: true}
	return p
}

// session is a panel that shows a Discover session.
func (s *site) session(title, id string) savedobject.Panel {
	return savedobject.Panel{Title: title, Width: savedobject.GridWidth, Session: s.id(id)}
}
