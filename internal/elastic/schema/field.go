package schema

import (
	"slices"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// Field is one field of the documents.
type Field struct {
	// Path is its full name, or ID where the value is the document's _id and in no field.
	Path string
	// Type is its mapping type.
	Type string
	// Indexed fields have an inverted index or a tree of points. Searches find the others by
	// their column of values (doc_values), which is slower and saves their index.
	Indexed bool
	// Stored fields are neither indexed nor have doc_values: to be shown, not searched.
	Stored bool
	// Aliases are other names that searches and aggregations can use.
	Aliases []string
	// Attribute is where the value comes from; nil for what documents have beside.
	Attribute *flow.Attribute
	// Description says what a field without Attribute holds.
	Description string
}

// ID is the Path of flow.id.
const ID = "_id"

// Fields returns the fields of the documents of log records with that event name, those
// of the registry first, in its order. It is nil for an event that is not ours.
func (m Mapping) Fields(event string) []Field {
	list := attributes(event)
	if list == nil {
		return nil
	}
	fields := make([]Field, 0, len(list)+len(ecsExtras))
	for i := range list {
		fields = append(fields, m.field(&list[i]))
	}
	if m == OTel {
		return append(fields, otelExtras...)
	}
	return append(fields, extrasOf(event)...)
}

func (m Mapping) field(a *flow.Attribute) Field {
	return Field{
		Path: m.path(a), Type: a.Elastic, Indexed: indexed[a.Name], Aliases: m.aliases(a), Attribute: a,
	}
}

// path is where an attribute is in the document.
func (m Mapping) path(a *flow.Attribute) string {
	switch {
	case a.Name == "flow.id":
		return ID
	case m == OTel && a.Resource:
		return "resource.attributes." + a.Name
	case m == OTel:
		return "attributes." + a.Name
	case ecsInstead[a.Name] != "":
		return ecsInstead[a.Name]
	case a.ECS != "":
		return a.ECS
	default:
		return a.Name
	}
}

// ecsInstead has the paths of attributes whose own name would make an object of a
// field that ECS has: a search over all of logs-* would then meet two types of one field.
var ecsInstead = map[string]string{
	"process.executable.names":      "process.names",
	"process.executable.name_count": "process.name_count",
}

// noAlias are the names that cannot be an alias in the ECS mapping. source.address is
// a keyword in ECS and would be an ip; process.executable a keyword, and host an object.
var noAlias = map[string]bool{
	"source.address": true, "destination.address": true,
	"process.executable.name": true, "process.executable.names": true, "process.executable.name_count": true,
	"host": true,
}

// aliases are the names by which an attribute is found as well: its own, and Calico's. The
// otel mapping passes the attributes' own names through to the top.
func (m Mapping) aliases(a *flow.Attribute) []string {
	path := m.path(a)
	if path == ID {
		return nil
	}
	var names []string
	if m == ECS && path != a.Name && !noAlias[a.Name] {
		names = append(names, a.Name)
	}
	if a.Calico != "" && !noAlias[a.Calico] {
		names = append(names, a.Calico)
	}
	return names
}

// indexed are the attributes that investigations begin with. What else is asked for
// narrows these down, and a column does for that.
var indexed = map[string]bool{
	"flow.action": true, "flow.deny.reason": true, "flow.deny.class": true, "flow.loss.stage": true,
	"source.address": true, "destination.address": true, "source.addresses": true, "destination.addresses": true,
	"destination.original.address": true,
	"source.k8s.namespace.name":    true, "destination.k8s.namespace.name": true,
	"source.k8s.workload.name": true, "destination.k8s.workload.name": true,
	"source.k8s.pod.name": true, "destination.k8s.pod.name": true,
	"source.k8s.pod.names": true, "destination.k8s.pod.names": true,
	"source.network.name": true, "destination.network.name": true,
	"destination.k8s.service.name": true, "destination.domains": true,
	"process.executable.name": true,
}

// attributes returns the registry of the records with that event name.
func attributes(event string) []flow.Attribute {
	switch event {
	case flow.EventFlow:
		return attributesOf(flow.Flows)
	case flow.EventLoss:
		return attributesOf(flow.Losses)
	case flow.EventAgent:
		return attributesOf(flow.Agents)
	default:
		return nil
	}
}

func attributesOf[T any](registry *flow.Registry[T]) []flow.Attribute {
	list := make([]flow.Attribute, 0, len(registry.Fields()))
	for i := range registry.Fields() {
		list = append(list, registry.Fields()[i].Attribute)
	}
	return list
}

// events are the records whose documents a class holds.
func (c Class) events() []string {
	switch c {
	case Allowed, Denied:
		return []string{flow.EventFlow}
	case Observer:
		return []string{flow.EventLoss, flow.EventAgent}
	default:
		return nil
	}
}

// FieldsOf returns the fields of all documents of a class, each once.
func (m Mapping) FieldsOf(c Class) []Field {
	if c == Rejected {
		return slices.Clone(rejectedFields)
	}
	var all []Field
	for _, event := range c.events() {
		for _, f := range m.Fields(event) {
			if !slices.ContainsFunc(all, func(o Field) bool { return o.Path == f.Path }) {
				all = append(all, f)
			}
		}
	}
	return all
}
