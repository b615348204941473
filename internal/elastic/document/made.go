package document

import (
	"errors"
	"fmt"
	"math"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// made says how a field is made.
type made uint8

const (
	fromKeyword made = iota + 1
	fromInteger
	fromAttribute // of another type

	constantly
	othersOfBoth
	othersOfRecord
	othersOfResource

	timestamp
	communityID
	direction
	eventType
	networkBytes
	networkPackets
	orchestrator
	orchestratorResource
	relatedHosts
	relatedIP

	observedTimestamp
	severityNumber
	severityText
)

func madeFrom(t flow.Type) made {
	switch t {
	case flow.Keyword:
		return fromKeyword
	case flow.Integer:
		return fromInteger
	default:
		return fromAttribute
	}
}

// madeOf are the fields that follow from the log record, or from several attributes: those that
// Kibana, Elastic Security and other tools look for.
var madeOf = map[string]made{
	"@timestamp":                 timestamp,
	"event.type":                 eventType,
	"network.bytes":              networkBytes,
	"network.community_id":       communityID,
	"network.direction":          direction,
	"network.packets":            networkPackets,
	"orchestrator.resource.type": orchestratorResource,
	"orchestrator.type":          orchestrator,
	"related.hosts":              relatedHosts,
	"related.ip":                 relatedIP,

	"observed_timestamp": observedTimestamp,
	"severity_number":    severityNumber,
	"severity_text":      severityText,
}

// places are where the attributes are that other fields follow from, or -1.
type places struct {
	action, reporter, transport, started, completed, end int
	sourceAddress, sourcePort, sourceBytes, sourcePackets,
	destinationAddress, destinationPort, destinationBytes, destinationPackets int
	host, node, cluster, sourceNode, destinationNode, domains int
}

func newPlaces(place map[string]int) places {
	of := func(name string) int {
		if i, ok := place[name]; ok {
			return i
		}
		return -1
	}
	return places{
		action: of("flow.action"), reporter: of("flow.reporter"), transport: of("network.transport"),
		started: of("flow.connections.started"), completed: of("flow.connections.completed"), end: of("flow.end"),
		sourceAddress: of("source.address"), sourcePort: of("source.port"),
		sourceBytes: of("source.bytes"), sourcePackets: of("source.packets"),
		destinationAddress: of("destination.address"), destinationPort: of("destination.port"),
		destinationBytes: of("destination.bytes"), destinationPackets: of("destination.packets"),
		host: of("host.name"), node: of("k8s.node.name"), cluster: of("k8s.cluster.name"),
		sourceNode: of("source.k8s.node.name"), destinationNode: of("destination.k8s.node.name"), domains: of("destination.domains"),
	}
}

func (d *draft) has(place int) bool { return place >= 0 && d.seen.has(place) }

// textAt is "" where there is none.
func (d *draft) textAt(place int) string {
	if !d.has(place) {
		return ""
	}
	return d.values[place].Str()
}

func (d *draft) numberAt(place int) (n int64, known bool) {
	if !d.has(place) {
		return 0, false
	}
	return integer(d.values[place])
}

// action is what became of a flow.
func (d *draft) action() (flow.Action, error) {
	if !d.has(d.kind.places.action) {
		return flow.ActionUnknown, nil
	}
	action, err := flow.ParseAction(d.values[d.kind.places.action].Str())
	if err != nil {
		return 0, fmt.Errorf("attribute flow.action: %w", err)
	}
	return action, nil
}

// make writes a field that does not come from an attribute, or nothing where what it follows from
// is not known.
func (d *draft) make(f *field) error {
	p := &d.kind.places
	switch f.made {
	case constantly:
		if d.in != f.in {
			d.enter(f.in) // which begins with it
		}
	case othersOfBoth:
		return d.writeOthers(f, 0, d.ofBoth, false)
	case othersOfRecord:
		return d.writeOthers(f, 0, d.ofRecord, true)
	case othersOfResource:
		return d.writeOthers(f, d.ofRecord, d.ofBoth, true)
	case timestamp:
		at, err := d.timestamp()
		if err != nil {
			return err
		}
		d.time(f, at)
	case eventType:
		d.eventType(f)
	case networkBytes:
		d.sum(f, p.sourceBytes, p.destinationBytes)
	case networkPackets:
		d.sum(f, p.sourcePackets, p.destinationPackets)
	case direction:
		d.direction(f)
	case communityID:
		if d.communityID {
			d.writeCommunityID(f)
		}
	case orchestrator:
		if d.has(p.cluster) || d.has(p.node) {
			d.buf = append(d.begin(f), `"kubernetes",`...)
		}
	case orchestratorResource:
		if d.has(p.node) {
			d.buf = append(d.begin(f), `"node",`...)
		}
	case relatedIP:
		d.relatedIP(f)
	case relatedHosts:
		d.relatedHosts(f)
	case observedTimestamp:
		if at := d.record.ObservedTimestamp(); at != 0 && at <= math.MaxInt64 {
			d.time(f, int64(at))
		}
	case severityNumber:
		if n := d.record.SeverityNumber(); n > 0 && n <= plog.SeverityNumberFatal4 {
			d.buf = appendInteger(d.begin(f), int64(n))
		}
	case severityText:
		if s := d.record.SeverityText(); s != "" {
			d.buf = appendString(d.begin(f), s)
		}
	}
	return nil
}

// time writes a time, and copies it where it was written just before: the end of an interval is
// the record's timestamp too.
func (d *draft) time(f *field, ns int64) {
	buf := d.begin(f)
	if ns == d.written && d.writtenTime.to > 0 {
		d.buf = append(buf, d.buf[d.writtenTime.from:d.writtenTime.to]...)
		return
	}
	from := len(buf)
	d.buf = append(appendTime(buf, ns), `",`...)
	d.written, d.writtenTime = ns, span{int32(from), int32(len(d.buf))}
}

// timestamp is the record's, or else the end of its interval, or else when it was observed.
func (d *draft) timestamp() (int64, error) {
	end, _ := d.numberAt(d.kind.places.end)
	for _, at := range [...]uint64{uint64(d.record.Timestamp()), uint64(end), uint64(d.record.ObservedTimestamp())} {
		switch {
		case at > math.MaxInt64:
			return 0, fmt.Errorf("timestamp %d ns is after 2262", at)
		case at != 0:
			return int64(at), nil
		}
	}
	return 0, errors.New("log record has no timestamp")
}
