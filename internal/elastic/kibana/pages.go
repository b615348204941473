package kibana

import "github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/kibana/savedobject"

// page is a dashboard as the others know it.
type page struct {
	id, title string
	// observers says that it is of agents, where filters of flows mean nothing.
	observers bool
}

// The pages, in the order of the links between them.
var (
	overviewPage   = page{id: "overview", title: "Overview"}
	namespacesPage = page{id: "namespaces", title: "Namespaces"}
	workloadsPage  = page{id: "workloads", title: "Workloads"}
	deniedPage     = page{id: "denied", title: "Denied"}
	policyPage     = page{id: "policy", title: "Policy"}
	externalPage   = page{id: "external", title: "External"}
	tcpPage        = page{id: "tcp", title: "TCP health"}
	dnsPage        = page{id: "dns", title: "DNS"}
	capacityPage   = page{id: "capacity", title: "Capacity and loss", observers: true}

	pages = []page{overviewPage, namespacesPage, workloadsPage, deniedPage, policyPage, externalPage, tcpPage, dnsPage, capacityPage}
)

func (s *site) dashboards() []savedobject.Dashboard {
	return []savedobject.Dashboard{
		s.overview(), s.namespaces(), s.workloads(), s.deniedTraffic(), s.policy(), s.external(), s.tcpHealth(), s.dns(), s.capacity(),
	}
}

// dashboard is a page with the links to all of them.
func (s *site) dashboard(p page, description string, controls []savedobject.Control, rows ...savedobject.Row) savedobject.Dashboard {
	d := savedobject.Dashboard{
		ID: s.id(p.id), Title: s.title(p.title), Description: description, Tags: s.tags(), From: "now-24h", Controls: controls, Rows: rows,
	}
	for _, to := range pages {
		d.Links = append(d.Links, savedobject.Link{Label: to.title, To: s.id(to.id), Filters: p.observers == to.observers})
	}
	return d
}

// controls offer the values of attributes of flows, each under its title.
func (s *site) controls(titled ...[2]string) []savedobject.Control {
	var controls []savedobject.Control
	for _, c := range titled {
		controls = append(controls, savedobject.Control{Title: c[0], Field: s.f(c[1]), DataView: s.id(flowsView)})
	}
	return controls
}

// The controls that several dashboards have.
var (
	byCluster   = [2]string{"Cluster", "k8s.cluster.name"}
	byFrom      = [2]string{"From namespace", "source.k8s.namespace.name"}
	byTo        = [2]string{"To namespace", "destination.k8s.namespace.name"}
	bySource    = [2]string{"From workload", "source.k8s.workload.name"}
	byTarget    = [2]string{"To workload", "destination.k8s.workload.name"}
	byActed     = [2]string{"Action", "flow.action"}
	byTransport = [2]string{"Transport", "network.transport"}
	byReporter  = [2]string{"Reporter", "flow.reporter"}
)
