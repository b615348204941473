package schema

import "github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"

// ECSVersion is the version of the Elastic Common Schema that documents follow.
const ECSVersion = "8.17.0"

// Labels is the object of the ECS mapping that holds the attributes that the registry does
// not know, as text by text.
const Labels = "labels"

// MaxText is the length in characters above which a keyword is kept, but not found: four times as
// many bytes are the most that Lucene takes.
const MaxText = 8191

// everyDocument has these.
var everyDocument = []Field{
	{Path: "@timestamp", Type: "date", Indexed: true, Description: "The log record's timestamp, in milliseconds: of a flow the end of its interval."},
	{Path: "data_stream.type", Type: "keyword", Description: "Always logs."},
	{Path: "data_stream.dataset", Type: "keyword", Description: "Second part of the data stream's name."},
	{Path: "data_stream.namespace", Type: "keyword", Description: "Third part of the data stream's name."},
}

// ecsExtras are of the ECS mapping, whatever the record.
var ecsExtras = concat(everyDocument, []Field{
	{Path: "ecs.version", Type: "keyword", Description: "Version of the Elastic Common Schema."},
	{Path: "event.kind", Type: "keyword", Description: "event; of a sign of life metric."},
	{Path: "event.dataset", Type: "keyword", Description: "As data_stream.dataset."},
	{Path: "orchestrator.type", Type: "keyword", Description: "kubernetes, where a node or cluster is named."},
	{Path: "orchestrator.resource.type", Type: "keyword", Description: "node, where one is named."},
	{Path: "related.hosts", Type: "keyword", Description: "Machines, nodes and domains that the record names; pods are none."},
})

// flowExtras are of flow records in the ECS mapping.
var flowExtras = concat(ecsExtras, []Field{
	{Path: "type", Type: "keyword", Description: "Always flow, as Packetbeat has it."},
	{Path: "event.category", Type: "keyword", Description: "Always network."},
	{Path: "event.type", Type: "keyword", Description: "connection; allowed or denied; start and end where a connection began or ended in the interval."},
	{Path: "network.bytes", Type: "long", Description: "source.bytes and destination.bytes."},
	{Path: "network.packets", Type: "long", Description: "source.packets and destination.packets."},
	{Path: "network.direction", Type: "keyword", Description: "egress where the source reports, ingress where the destination does."},
	{Path: "network.community_id", Type: "keyword", Description: "Community ID, version 1, where it is turned on, and both addresses and ports are known."},
	{Path: "related.ip", Type: "ip", Description: "Every address that the record names."},
})

// observerExtras are of losses and signs of life in the ECS mapping.
var observerExtras = concat(ecsExtras, []Field{
	{Path: "event.action", Type: "keyword", Indexed: true, Description: "The log record's event name."},
})

func extrasOf(event string) []Field {
	if event == flow.EventFlow {
		return flowExtras
	}
	return observerExtras
}

// otelExtras are of the otel mapping, whatever the record.
var otelExtras = concat(everyDocument, []Field{
	{Path: "observed_timestamp", Type: "date_nanos", Description: "When the collector got hold of the record."},
	{Path: "event_name", Type: "keyword", Indexed: true, Description: "The log record's event name."},
	{Path: "severity_number", Type: "byte", Description: "The log record's severity."},
	{Path: "severity_text", Type: "keyword", Description: "The log record's severity."},
})

// The fields of documents in the Rejected class.
const (
	RejectedErrorType = "error.type"
	RejectedMessage   = "error.message"
	RejectedOriginal  = "event.original"
	RejectedStream    = "flow.rejected.stream"
	RejectedID        = "flow.rejected.id"
)

var rejectedFields = concat(everyDocument, []Field{
	{Path: "ecs.version", Type: "keyword", Description: "Version of the Elastic Common Schema."},
	{Path: "event.kind", Type: "keyword", Description: "Always pipeline_error."},
	{Path: "event.dataset", Type: "keyword", Description: "As data_stream.dataset."},
	{Path: RejectedErrorType, Type: "keyword", Indexed: true, Description: "Kind of the error, as Elasticsearch names it; not_a_flow for what was never sent there."},
	{Path: RejectedMessage, Type: "text", Indexed: true, Description: "What is wrong."},
	{Path: RejectedOriginal, Type: "keyword", Stored: true, Description: "The document, or the log record, that was refused."},
	{Path: RejectedStream, Type: "keyword", Description: "Data stream that it was meant for."},
	{Path: RejectedID, Type: "keyword", Description: "_id that it would have had."},
})

// Constant is a field that has the same value in all documents of a class and event. The
// values are more than one where the field is a list.
type Constant struct {
	Path   string
	Values []string
	List   bool
}

// Constants are what all documents of the log records with that event name have in common
// in a class. The event of rejected documents is "".
func (m Mapping) Constants(c Class, event, namespace string) []Constant {
	one := func(path, value string) Constant { return Constant{Path: path, Values: []string{value}} }
	constants := []Constant{
		one("data_stream.type", "logs"), one("data_stream.dataset", m.Dataset(c)), one("data_stream.namespace", namespace),
	}
	if m == OTel && c != Rejected {
		return append(constants, one("event_name", event))
	}
	constants = append(constants, one("ecs.version", ECSVersion), one("event.dataset", m.Dataset(c)))
	switch event {
	case flow.EventFlow:
		return append(constants, one("event.kind", "event"), one("type", "flow"),
			Constant{Path: "event.category", Values: []string{"network"}, List: true})
	case flow.EventLoss:
		return append(constants, one("event.kind", "event"), one("event.action", event))
	case flow.EventAgent:
		return append(constants, one("event.kind", "metric"), one("event.action", event))
	default:
		return append(constants, one("event.kind", "pipeline_error"))
	}
}

func concat(lists ...[]Field) []Field {
	var all []Field
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}
