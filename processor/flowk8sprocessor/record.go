package flowk8sprocessor

import (
	"net/netip"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowk8sprocessor/internal/resolve"
)

// attribute is one that either end may get, or have.
type attribute uint8

const (
	namespaceName attribute = iota
	namespaceLabels
	podName
	podUID
	podPrefix
	podLabels
	containerName
	workloadKind
	workloadName
	nodeName
	zone
	networkName
	serviceName
	serviceNamespace
	servicePort
	servicePortName
	endType
	endScope
	uncertain
	attributeCount
)

var attributeNames = [attributeCount]string{
	namespaceName: "k8s.namespace.name", namespaceLabels: "k8s.namespace.labels",
	podName: "k8s.pod.name", podUID: "k8s.pod.uid", podPrefix: "k8s.pod.prefix", podLabels: "k8s.pod.labels",
	containerName: "k8s.container.name", workloadKind: "k8s.workload.kind", workloadName: "k8s.workload.name",
	nodeName: "k8s.node.name", zone: "cloud.availability_zone", networkName: "network.name",
	serviceName: "k8s.service.name", serviceNamespace: "k8s.service.namespace",
	servicePort: "k8s.service.port", servicePortName: "k8s.service.port_name",
	endType: "type", endScope: "scope", uncertain: "k8s.uncertain",
}

const (
	sourcePrefix      = "source."
	destinationPrefix = "destination."
)

// names are the full names for either end, attributeOf the way back from what comes
// after the prefix.
var (
	names       [2][attributeCount]string
	attributeOf = make(map[string]attribute, attributeCount)
)

func init() {
	for a, rest := range attributeNames {
		names[resolve.Source][a] = sourcePrefix + rest
		names[resolve.Destination][a] = destinationPrefix + rest
		attributeOf[rest] = attribute(a)
	}
}

// record is what is read of a flow record in one pass.
type record struct {
	question resolve.Question
	// has says which attributes each end has, text what it says in them.
	has  [2][attributeCount]bool
	text [2][attributeCount]string
	// action and peerObserved are what it says of the flow.
	action       flow.Action
	peerObserved bool
	// reasons are those that an earlier instance gave.
	reasons [2]resolve.Reasons
}

// read takes in the attributes of a flow record. What is of the wrong type is passed over;
// the exporter refuses it.
func (r *record) read(attrs pcommon.Map) {
	q := &r.question
	for name, v := range attrs.All() {
		if rest, ok := strings.CutPrefix(name, sourcePrefix); ok {
			r.readEnd(resolve.Source, rest, v)
			continue
		}
		if rest, ok := strings.CutPrefix(name, destinationPrefix); ok {
			r.readEnd(resolve.Destination, rest, v)
			continue
		}
		switch name {
		case "flow.start":
			q.Start = v.Int()
		case "flow.end":
			q.End = v.Int()
		case "flow.reporter":
			q.Reporter, _ = flow.ParseReporter(v.Str())
		case "flow.action":
			r.action, _ = flow.ParseAction(v.Str())
		case peerObserved:
			r.peerObserved = v.Bool()
		case "network.transport":
			q.Transport, _ = flow.ParseTransport(v.Str())
		case "network.namespace.inode":
			q.Namespace = uint32(v.Int())
		case "process.linux.cgroup":
			q.Cgroup = v.Str()
		case "container.id":
			q.Container = v.Str()
		}
	}
}

// bound gives a record from elsewhere that does not say when it began, or ended, the
// moment of its timestamp: an interval since 1970 would be of every pod there was.
func (r *record) bound(timestamp int64) {
	q := &r.question
	if q.End == 0 {
		q.End = timestamp
	}
	if q.Start == 0 || q.Start > q.End {
		q.Start = q.End
	}
}

func (r *record) readEnd(end int, rest string, v pcommon.Value) {
	e := &r.question.Ends[end]
	switch rest {
	case "address":
		e.Address = readAddress(v)
	case "port":
		e.Port = uint16(v.Int())
	case "original.address":
		e.Original = readAddress(v)
	case "original.port":
		e.OriginalPort = uint16(v.Int())
	case "bytes", "packets", "payload.bytes", "process.executable.name", "domains":
	default:
		a, ok := attributeOf[rest]
		if !ok {
			return
		}
		r.has[end][a] = true
		if v.Type() == pcommon.ValueTypeStr {
			r.text[end][a] = v.Str()
		}
		switch a {
		case endType:
			e.Type, _ = flow.ParseEndpointType(v.Str())
		case podUID:
			e.PodUID = v.Str()
		case podName:
			e.Pod = v.Str()
		case namespaceName:
			e.PodNamespace = v.Str()
		case nodeName:
			e.Node = v.Str()
		case uncertain:
			if v.Type() == pcommon.ValueTypeSlice {
				for _, item := range v.Slice().All() {
					r.reasons[end] |= resolve.ReasonNamed(item.Str())
				}
			}
		}
	}
}

func readAddress(v pcommon.Value) netip.Addr {
	if v.Type() != pcommon.ValueTypeStr {
		return netip.Addr{}
	}
	addr, err := netip.ParseAddr(v.Str())
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}
