package kibana

import (
	"fmt"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/kibana/savedobject"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// site is what declarations are made with.
type site struct {
	options         Options
	flows, observer map[string]schema.Field
}

func newSite(o Options) *site {
	return &site{options: o, flows: byName(o.Mapping, schema.Allowed), observer: byName(o.Mapping, schema.Observer)}
}

// byName returns the fields of a class by the names of their attributes, or their own where
// there is no attribute.
func byName(m schema.Mapping, c schema.Class) map[string]schema.Field {
	fields := make(map[string]schema.Field)
	for _, f := range m.FieldsOf(c) {
		if f.Attribute != nil {
			fields[f.Attribute.Name] = f
		} else {
			fields[f.Path] = f
		}
	}
	return fields
}

// id is the one of an object.
func (s *site) id(name string) string {
	id := "flowlogs"
	if s.options.Mapping == schema.OTel {
		id += "-otel"
	}
	if s.options.Space != "" {
		id += "-" + s.options.Space
	}
	return id + "-" + name
}

func (s *site) tag() string { return s.id("tag") }

func (s *site) tags() []string { return []string{s.tag()} }

// title is one that is found among those of other products.
func (s *site) title(name string) string {
	if s.options.Mapping == schema.OTel {
		return "[Flow logs OTel] " + name
	}
	return "[Flow logs] " + name
}

// name is what people and queries call a field: in the otel mapping without the attributes. in
// front, which Elasticsearch passes through.
func (s *site) name(f schema.Field) string {
	if s.options.Mapping == schema.OTel && f.Attribute != nil {
		return f.Attribute.Name
	}
	return f.Path
}

// f is the field of an attribute of flows. An attribute that there is not is a mistake here.
func (s *site) f(attribute string) savedobject.Field { return s.field(s.flows, attribute) }

// o is that of an attribute of losses and signs of life.
func (s *site) o(attribute string) savedobject.Field { return s.field(s.observer, attribute) }

func (s *site) field(fields map[string]schema.Field, attribute string) savedobject.Field {
	f, ok := fields[attribute]
	if !ok || f.Stored || f.Path == schema.ID {
		panic(fmt.Sprintf("no field holds %s in the mapping %s", attribute, s.options.Mapping))
	}
	return savedobject.Field{Name: s.name(f), Type: f.Type}
}

// once finds the records of flows by which each connection is counted once: see
// (*flow.Flow).CountsOnce.
func (s *site) once() savedobject.Query {
	return savedobject.Not(savedobject.All(
		savedobject.Is(s.f("flow.reporter"), flow.ReporterDestination.String()),
		savedobject.Is(s.f("flow.peer.observed"), "true"),
	))
}

func (s *site) allowed() savedobject.Query {
	return savedobject.Is(s.f("flow.action"), flow.Allow.String())
}

func (s *site) denied() savedobject.Query {
	return savedobject.Is(s.f("flow.action"), flow.Deny.String())
}

// byPolicy finds what a policy denied: a silent drop, or a reject.
func (s *site) byPolicy() savedobject.Query {
	return savedobject.Is(s.f("flow.deny.class"), flow.PolicyDrop.String(), flow.Reject.String())
}

// outside finds the flows with that end outside of the cluster.
func (s *site) outside(side string) savedobject.Query {
	return savedobject.Is(s.f(side+".type"), flow.EndpointNetwork.String(), flow.EndpointNetworkSet.String())
}

func (s *site) tcp() savedobject.Query {
	return savedobject.Is(s.f("network.transport"), flow.TransportTCP.String())
}
