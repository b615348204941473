package flow

import (
	"cmp"
	"net/netip"
)

// Flow is one flow record: what one reporter saw between two endpoints from
// Start to End. The zero value of a field means "not known" unless the
// registry says that the attribute is always present.
type Flow struct {
	ID ID

	// Start and End bound the interval that the counters cover, in nanoseconds
	// since the Unix epoch.
	Start, End int64

	Observer Observer
	Reporter Reporter

	// PeerObserved is set when an agent also reports the other end of this
	// flow, where ReportedAlike allows it. CountsOnce rests on it.
	PeerObserved bool

	Action Action
	// Denial says why and where it was refused, for Action Deny only.
	Denial Denial

	Transport Transport
	// IPVersion is for records without addresses: use NetworkType.
	IPVersion IPVersion
	// NetworkNamespace is the inode number of the reporter's network namespace.
	NetworkNamespace uint32

	Source, Destination Endpoint

	// Folded is how many records this one stands for since Fold left out where
	// they differed; 0 when it is one as it was observed.
	Folded uint64

	// SamplingRate is how many flows this one stands for, itself included, since the others
	// were left out by chance: the counters are multiplied by it. 0 when none was.
	SamplingRate uint64
	// Aggregation is nil for a record that flow_aggregation did not make.
	Aggregation *Aggregation

	// Process is the reporter's own process.
	Process Process

	Connections Connections
	TCP         TCP
	ICMP        ICMP
	DNS         DNS
}

// Observer is the machine that made the record; it is carried by the OTLP
// resource, never by the record's own attributes.
type Observer struct {
	Host, Node, Cluster Name
}

// CompareObservers orders by host, then node, then cluster.
func CompareObservers(a, b Observer) int {
	return cmp.Or(compareNames(a.Host, b.Host), compareNames(a.Node, b.Node), compareNames(a.Cluster, b.Cluster))
}

// compareNames orders an unknown name before the empty one.
func compareNames(a, b Name) int {
	switch {
	case !a.Known() && b.Known():
		return -1
	case a.Known() && !b.Known():
		return 1
	default:
		return cmp.Compare(a.String(), b.String())
	}
}

// Denial is how a flow failed. The counters of a denied flow are what did not get
// through.
type Denial struct {
	// Reason is the kernel's: why it dropped the packets, for example
	// "netfilter_drop", or else the error that the attempt ended with.
	Reason Name
	// Class is the same in plain words.
	Class DenyClass
	// Interface and Namespace, an inode number, are where the kernel dropped the
	// packets; unknown when it did not do so on this machine.
	Interface Name
	Namespace uint32
}

// Endpoint is one side of a flow and what that side sent.
type Endpoint struct {
	Address netip.Addr
	// Port is 0 when it is not known or when flows that differ in it were merged.
	Port  uint16
	Type  EndpointType
	Scope Scope
	// OriginalAddress and OriginalPort are those before translation: of the
	// destination what the source asked for, a service or a node port; of the
	// source its own, where the destination sees another. They are zero when this
	// end was not translated.
	OriginalAddress netip.Addr
	OriginalPort    uint16
	// Process is the executable name of the process at this end, where an agent
	// that saw both ends knows it.
	Process Name
	// Domains are the names that the source had looked up for this address when it
	// connected; only a destination has them.
	Domains NameSet
	// Kubernetes is what is known of this end in a cluster; nil when nothing is.
	Kubernetes *Kubernetes

	// Bytes and Packets count at the IP layer, headers included, retransmissions
	// included, as conntrack and NetFlow do.
	Bytes, Packets uint64
	// PayloadBytes counts application bytes exactly, each byte once.
	PayloadBytes uint64
}

// Process identifies a process on the reporter's machine.
type Process struct {
	Executable Name
	// PID is 0 when several processes share the record.
	PID uint32
	// Cgroup is the path below the cgroup2 root, for example
	// "/kubepods/besteffort/pod1/2".
	Cgroup Name
	// Container is the id of the container, which follows from Cgroup.
	Container Name
	// CommandLine is unknown when processes with different ones share the record.
	CommandLine Name
}

// Connections counts connections, or flows of a connectionless transport.
//
//	Seen = Completed + Open
//
// holds in every record; summed over the records of one connection Started and
// Completed are 1 each. A denied attempt is a connection that is completed at once;
// what more is denied of it later is in records that have seen none.
type Connections struct {
	Seen, Started, Completed, Open uint64

	// Reset, TimedOut and Abandoned part the completed: ended by a reset from
	// either side, by unanswered retransmissions, or by the caller before the
	// handshake was answered. The rest was closed in order.
	Reset, TimedOut, Abandoned uint64

	// ResetBySource and ResetByDestination part Reset by who sent it, as far as
	// that is known.
	ResetBySource, ResetByDestination uint64
}

// ICMP tells what an ICMP flow is about. A reply shares the type of its request.
type ICMP struct{ Type, Code uint8 }

// CountsOnce reports whether a view that counts each connection once takes this
// record: the source's report, or the destination's where no agent reports the
// source. A denied or forwarded flow counts wherever it was seen.
func (f *Flow) CountsOnce() bool {
	return f.Reporter != ReporterDestination || !f.PeerObserved
}

// ReportedAlike reports whether an agent at the other end, if there is one, reports of a
// flow what a report of that reporter and action tells, so that PeerObserved may be
// set. Of a flow that was denied the other end saw nothing, or only that no answer came, or
// has it as allowed: the report of who denied it is never to be hidden. One that was
// forwarded has no end here.
func ReportedAlike(reporter Reporter, action Action) bool {
	return action == Allow && (reporter == ReporterSource || reporter == ReporterDestination)
}

// NetworkType is the IP version by the addresses, else by what the record says. An IPv4
// address mapped into IPv6 is IPv4.
func (f *Flow) NetworkType() IPVersion {
	addr := f.Source.Address
	if !addr.IsValid() {
		addr = f.Destination.Address
	}
	switch {
	case !addr.IsValid():
		return f.IPVersion
	case addr.Unmap().Is4():
		return IPv4
	default:
		return IPv6
	}
}
