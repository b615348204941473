package document

import (
	"math"
	"net/netip"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// note says what a draft keeps of an attribute for the fields that are made of several.
type note uint8

// The numbers come first, and then the addresses, texts and lists.
const (
	noteNothing note = iota
	noteStart
	noteEnd
	noteSourcePort
	noteDestinationPort
	noteSourceBytes
	noteDestinationBytes
	noteSourcePackets
	noteDestinationPackets
	noteStarted
	noteCompleted
	afterNumbers

	noteSource
	noteDestination
	noteOriginal

	noteAction
	noteReporter
	noteTransport
	noteCluster
	noteNode
	noteHost

	noteAddresses
	noteHosts
)

var notes = map[string]note{
	"flow.start": noteStart, "flow.end": noteEnd,
	"source.port": noteSourcePort, "destination.port": noteDestinationPort,
	"source.bytes": noteSourceBytes, "destination.bytes": noteDestinationBytes,
	"source.packets": noteSourcePackets, "destination.packets": noteDestinationPackets,
	"flow.connections.started": noteStarted, "flow.connections.completed": noteCompleted,

	"source.address": noteSource, "destination.address": noteDestination,
	"source.original.address": noteOriginal, "destination.original.address": noteOriginal,

	"flow.action": noteAction, "flow.reporter": noteReporter, "network.transport": noteTransport,
	"k8s.cluster.name": noteCluster, "k8s.node.name": noteNode, "host.name": noteHost,
	"source.k8s.node.name": noteHost, "destination.k8s.node.name": noteHost,
	"source.k8s.pod.name": noteHost, "destination.k8s.pod.name": noteHost,

	"source.addresses": noteAddresses, "destination.addresses": noteAddresses,
	"source.original.addresses": noteAddresses, "destination.original.addresses": noteAddresses,
	"source.k8s.pod.names": noteHosts, "destination.k8s.pod.names": noteHosts, "destination.domains": noteHosts,
}

// noted is what a draft has kept.
type noted struct {
	numbers              [afterNumbers]int64
	known                uint32 // numbers that the record has, by their bits
	source, destination  netip.Addr
	transport            flow.Transport
	reporter             string
	denied, acted        bool
	inNode, inKubernetes bool

	// addresses are where in buf they are, in one form for each.
	addresses  [4]span
	nAddresses int
	hosts      [6]string
	nHosts     int
	// addressLists and hostLists are of merged records.
	addressLists, hostLists   [4]pcommon.Slice
	nAddressLists, nHostLists int
}

func (d *draft) noteNumber(n note, v int64) {
	if n != noteNothing {
		d.noted.numbers[n] = v
		d.noted.known |= 1 << n
	}
}

func (n *noted) has(number note) bool { return n.known&(1<<number) != 0 }

func (d *draft) noteAddress(n note, addr netip.Addr, text span) {
	switch n {
	case noteSource:
		d.noted.source = addr
	case noteDestination:
		d.noted.destination = addr
	case noteOriginal:
	default:
		return
	}
	d.noted.addresses[d.noted.nAddresses] = text
	d.noted.nAddresses++
}

func (d *draft) noteText(n note, s string) error {
	switch n {
	case noteAction:
		action, err := flow.ParseAction(s)
		if err != nil {
			return err
		}
		d.noted.acted, d.noted.denied = true, action == flow.Deny
	case noteReporter:
		d.noted.reporter = s
	case noteTransport:
		// Of a protocol without a name there is no community id, and nothing else rests on it.
		d.noted.transport, _ = flow.ParseTransport(s)
	case noteCluster:
		d.noted.inKubernetes = true
	case noteNode:
		d.noted.inKubernetes, d.noted.inNode = true, true
		d.noted.addHost(s)
	case noteHost:
		d.noted.addHost(s)
	}
	return nil
}

func (d *draft) noteList(n note, list pcommon.Slice) {
	switch n {
	case noteAddresses:
		d.noted.addressLists[d.noted.nAddressLists] = list
		d.noted.nAddressLists++
	case noteHosts:
		d.noted.hostLists[d.noted.nHostLists] = list
		d.noted.nHostLists++
	}
}

// addHost adds one that is not there yet.
func (n *noted) addHost(host string) {
	if !slices.Contains(n.hosts[:n.nHosts], host) {
		n.hosts[n.nHosts] = host
		n.nHosts++
	}
}

// sum adds two numbers, of which one may be unknown, and ends at the largest that there is.
func (n *noted) sum(a, b note) (int64, bool) {
	x, y := n.numbers[a], n.numbers[b]
	if x > 0 && y > math.MaxInt64-x {
		return math.MaxInt64, true
	}
	return x + y, n.has(a) || n.has(b)
}
