package kibana

import "github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/kibana/savedobject"

// The names of the Discover sessions in their ids.
const (
	allSession      = "search-flows"
	bothSession     = "search-both-ends"
	deniedSession   = "search-denied"
	externalSession = "search-external"
	lossSession     = "search-losses"
)

// searches are the Discover sessions. All but the one of both ends show a connection once.
func (s *site) searches() []savedobject.Search {
	ends := []string{
		"source.k8s.namespace.name", "source.k8s.workload.name", "source.address",
		"destination.k8s.namespace.name", "destination.k8s.workload.name", "destination.address", "destination.port", "network.transport",
	}
	traffic := []string{"flow.action", "source.bytes", "destination.bytes", "flow.connections.started"}
	searches := []savedobject.Search{
		s.search(allSession, "Flows", "Each connection once, also where both ends report it.", s.once(), append(ends[:len(ends):len(ends)], traffic...)),
		s.search(bothSession, "Flows as both ends report them", "Every record: a connection between two nodes with an agent is there twice, so sums are not of traffic.", "",
			append([]string{"flow.reporter", "k8s.node.name", "process.executable.name"}, append(ends[:len(ends):len(ends)], traffic...)...)),
		s.search(deniedSession, "Denied", "What was denied or failed, where it was seen.", s.denied(),
			append([]string{"flow.deny.class", "flow.deny.reason"}, append(ends[:len(ends):len(ends)], "process.executable.name", "flow.connections.started")...)),
		s.search(externalSession, "External", "One end is outside of the cluster.", savedobject.All(s.once(), savedobject.Any(s.outside("source"), s.outside("destination"))),
			append([]string{"destination.domains", "destination.network.name"}, append(ends[:len(ends):len(ends)], traffic...)...)),
	}
	losses := savedobject.Search{
		ID: s.id(lossSession), Title: s.title("Losses"), Description: "What was lost on the way; the flows beside it are that much short.",
		DataView: s.id(observerView), Tags: s.tags(), Query: savedobject.Exists(s.o("flow.loss.stage")),
	}
	for _, attribute := range []string{"k8s.node.name", "flow.loss.stage", "flow.loss.unit", "flow.loss.count"} {
		losses.Columns = append(losses.Columns, s.o(attribute))
	}
	return append(searches, losses)
}

func (s *site) search(id, title, description string, q savedobject.Query, attributes []string) savedobject.Search {
	search := savedobject.Search{
		ID: s.id(id), Title: s.title(title), Description: description, DataView: s.id(flowsView), Tags: s.tags(), Query: q,
	}
	for _, attribute := range attributes {
		search.Columns = append(search.Columns, s.f(attribute))
	}
	return search
}
