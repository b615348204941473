package resolve

import (
	"net/netip"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube/identity"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/networks"
)

// The ends of a flow, as indices.
const (
	Source = iota
	Destination
)

// Question is what a record says of its ends.
type Question struct {
	Reporter  flow.Reporter
	Transport flow.Transport
	// Start and End bound the record's interval, in nanoseconds since the Unix epoch.
	Start, End int64
	// Node and Host name the machine that made the record; either may be empty.
	Node, Host string
	// Namespace is the inode number of the reporter's network namespace, Cgroup and
	// Container are of its process.
	Namespace uint32
	Cgroup    string
	Container string
	Ends      [2]End
}

// End is what a record says of one end.
type End struct {
	Address, Original  netip.Addr
	Port, OriginalPort uint16
	Type               flow.EndpointType
	// These are what an earlier instance found.
	PodUID, Pod, PodNamespace, Node string
}

// Answer is what was found of one end; what is zero is unknown.
type Answer struct {
	Pod       *identity.Pod
	Container flow.Name
	// NewContainer is set where the process is in a container of Pod that is not known.
	NewContainer bool
	// Node and Zone are where the end runs, or the node that it is.
	Node, Zone flow.Name
	Network    *networks.Network
	Type       flow.EndpointType
	Scope      flow.Scope
	// Service is of the destination only.
	Service identity.ServiceMatch
	Reasons Reasons
	// Waiting is set where the cluster may tell more soon.
	Waiting bool
	// node is set for an address of a node, noPod where the process is in no pod, proven
	// where the pod is known by more than its address.
	node, noPod, proven bool
}

// Reasons is a set of reasons for uncertainty.
type Reasons uint8

// The reasons, in alphabetical order of their names.
const (
	Unavailable Reasons = 1 << iota
	Ambiguous
	Conflict
	Forgotten
	Lagging
	NotSynced
	reasonsEnd
)

var reasonNames = [...]string{
	flow.UncertainUnavailable, flow.UncertainAmbiguous, flow.UncertainConflict, flow.UncertainForgotten, flow.UncertainLagging, flow.UncertainNotSynced,
}

// Transient are the reasons that a later look may remove.
const Transient = Unavailable | Forgotten | Lagging | NotSynced

// Each calls f with the name of every reason.
func (r Reasons) Each(f func(string)) {
	for i, name := range reasonNames {
		if r&(1<<i) != 0 {
			f(name)
		}
	}
}

// ReasonNamed is the reason of a name, or none.
func ReasonNamed(name string) Reasons {
	for i, known := range reasonNames {
		if known == name {
			return 1 << i
		}
	}
	return 0
}

// State is how well the cluster is known at a time.
type State struct {
	// Watched is set where there is a cluster, Synced once its pods have all been seen.
	Watched, Synced bool
	// Failing is since when pods cannot be watched, 0 while they can, in nanoseconds since
	// the Unix epoch.
	Failing int64
	// Horizon is before when what ended is not known any more, or never was.
	Horizon int64
	// Young is since when what has begun may not have been seen yet; math.MaxInt64
	// takes everything to have been seen.
	Young int64
}
