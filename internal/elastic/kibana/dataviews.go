package kibana

import (
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/kibana/savedobject"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// The names of the data views in their ids.
const (
	flowsView    = "flows"
	observerView = "observers"
)

// dataViews are one of flows, allowed and denied, and one of what agents tell of themselves. A
// data view of one mapping leaves the streams of the other out.
func (s *site) dataViews() []savedobject.Object {
	m := s.options.Mapping
	flows := s.dataView(flowsView, "flows", m.Stream(schema.Allowed, "*")+","+m.Stream(schema.Denied, "*"), s.flows)
	observers := s.dataView(observerView, "losses and agents", m.Stream(schema.Observer, "*"), s.observer)
	return []savedobject.Object{flows.Object(), observers.Object()}
}

func (s *site) dataView(id, name, pattern string, fields map[string]schema.Field) savedobject.DataView {
	v := savedobject.DataView{
		ID: s.id(id), Name: s.title(name), Pattern: pattern,
		Formats: make(map[string]savedobject.Format), Labels: make(map[string]string), Descriptions: make(map[string]string),
	}
	for attribute, f := range fields {
		if f.Path == schema.ID {
			continue
		}
		name := s.name(f)
		if format, ok := formatOf(&f); ok {
			v.Formats[name] = format
		}
		if label := labels[attribute]; label != "" {
			v.Labels[name] = label
		}
		v.Descriptions[name] = f.Description
		if f.Attribute != nil {
			v.Descriptions[name] = f.Attribute.Description
		}
	}
	return v
}

// formatOf says how the values of a field are shown, if not as they are.
func formatOf(f *schema.Field) (savedobject.Format, bool) {
	switch f.Type {
	case "long", "integer", "short":
	default:
		return savedobject.Format{}, false
	}
	switch a := f.Attribute; {
	case f.Path == "network.bytes":
		return savedobject.Bytes, true
	case a == nil:
		return savedobject.Count, true
	case a.Unit == "By":
		return savedobject.Bytes, true
	case a.Unit == "us":
		return savedobject.Duration("microseconds"), true
	case a.Unit == "ns":
		return savedobject.Duration("nanoseconds"), true
	case a.Role == flow.Dimension:
		return savedobject.Plain, true
	default:
		return savedobject.Count, true
	}
}

// labels are what the columns of tables are called, where the name of the field is long.
var labels = map[string]string{
	"source.k8s.namespace.name": "Source namespace", "destination.k8s.namespace.name": "Destination namespace",
	"source.k8s.workload.name": "Source workload", "destination.k8s.workload.name": "Destination workload",
	"source.k8s.pod.name": "Source pod", "destination.k8s.pod.name": "Destination pod",
	"source.address": "Source address", "destination.address": "Destination address",
	"source.port": "Source port", "destination.port": "Destination port",
	"source.bytes": "Sent by source", "destination.bytes": "Sent by destination",
	"source.network.name": "Source network", "destination.network.name": "Destination network",
	"destination.domains": "Destination domain", "destination.k8s.service.name": "Service",
	"process.executable.name": "Process", "network.transport": "Transport",
	"flow.action": "Action", "flow.reporter": "Reporter", "flow.deny.class": "Denied as", "flow.deny.reason": "Reason in the kernel",
	"flow.connections.seen": "Connections seen", "flow.connections.started": "Connections started",
	"k8s.node.name": "Reporting node", "k8s.cluster.name": "Cluster",
	"flow.loss.stage": "Lost at", "flow.loss.unit": "Unit", "flow.loss.count": "Lost",
}
