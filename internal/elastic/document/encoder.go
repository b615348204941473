package document

import (
	"errors"
	"fmt"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// IDMode says where the _id of a document comes from.
type IDMode uint8

// The modes. IDRecord is the record's own id, with which a document that is sent again is
// told from a new one. IDAuto leaves it to Elasticsearch, which is a little cheaper and makes
// duplicates when a request is repeated; the record's own id is then in no document.
const (
	IDRecord IDMode = iota
	IDAuto
)

// Options choose the form of the documents.
type Options struct {
	Mapping schema.Mapping
	// Namespace is that of the data streams; "" is schema.DefaultNamespace.
	Namespace string
	// CommunityID adds network.community_id to documents of the ECS mapping that have both
	// addresses and ports.
	CommunityID bool
	ID          IDMode
}

// Target says where a document goes.
type Target struct {
	// Stream is the name of the data stream.
	Stream string
	// ID is the document's _id, of hexadecimal digits and hyphens only, so that it needs no
	// quoting; "" where Elasticsearch is to choose. It may share memory with the record.
	ID string
}

// Encoder writes documents. It does not change once it is made, so any number of
// goroutines may use it at once.
type Encoder struct {
	communityID bool
	id          IDMode

	flows, losses, agents *kind
	rejected              *layout
}

// NewEncoder returns an Encoder, or an error that says which of the options is wrong.
func NewEncoder(o Options) (*Encoder, error) {
	if o.Namespace == "" {
		o.Namespace = schema.DefaultNamespace
	}
	if err := errors.Join(o.Mapping.Check(), schema.CheckNamespace(o.Namespace)); err != nil {
		return nil, err
	}
	if o.ID > IDAuto {
		return nil, fmt.Errorf("unknown id mode %d: use IDRecord or IDAuto", o.ID)
	}
	return &Encoder{
		communityID: o.CommunityID, id: o.ID,
		flows:    newKind(&o, flow.EventFlow, schema.Allowed, schema.Denied),
		losses:   newKind(&o, flow.EventLoss, schema.Observer),
		agents:   newKind(&o, flow.EventAgent, schema.Observer),
		rejected: newLayout(&o, o.Mapping.FieldsOf(schema.Rejected), "", schema.Rejected),
	}, nil
}

// Append appends the JSON document of one log record, one line without its end, to dst, and
// returns it with where it goes. An error says why the record is no flow record, or cannot
// be a document; dst is then returned as it was.
//
// An attribute that is both the record's and the resource's is taken from the record.
func (e *Encoder) Append(dst []byte, resource pcommon.Resource, record plog.LogRecord) ([]byte, Target, error) {
	k, err := e.kind(record.EventName())
	if err != nil {
		return dst, Target{}, err
	}
	d := draft{buf: dst, kind: k, record: record, communityID: e.communityID}
	if err := d.take(resource.Attributes(), record.Attributes()); err != nil {
		return dst, Target{}, err
	}
	action, err := d.action()
	if err != nil {
		return dst, Target{}, err
	}
	to := k.allowed
	if action == flow.Deny {
		to = k.denied
	}
	d.buf, d.in = append(d.buf, to.root.open...), to.root
	if err := d.write(to); err != nil {
		return dst, Target{}, err
	}
	target := Target{Stream: to.stream}
	if e.id == IDRecord {
		target.ID = d.id
	}
	return d.buf, target, nil
}

func (e *Encoder) kind(event string) (*kind, error) {
	switch event {
	case flow.EventFlow:
		return e.flows, nil
	case flow.EventLoss:
		return e.losses, nil
	case flow.EventAgent:
		return e.agents, nil
	default:
		return nil, fmt.Errorf("log record with the event name %.100q is no flow record (%s, %s, %s): send other logs to another exporter, or leave them out with the filter processor",
			event, flow.EventFlow, flow.EventLoss, flow.EventAgent)
	}
}
