package flow

// Kubernetes is what is known of an endpoint in a cluster, and of the named
// network that its address lies in. It is apart from Endpoint because the
// receiver, which knows nothing of it, makes many more records than anybody else:
// there it costs a nil pointer. One may be shared by copies of a Flow; nothing
// changes it once the record is decoded.
type Kubernetes struct {
	Namespace, Pod, PodUID Name
	// PodPrefix is the pod's name without what makes it unique, and an asterisk.
	PodPrefix Name
	Container Name
	PodLabels Labels
	// NamespaceLabels are those of the namespace.
	NamespaceLabels Labels
	// WorkloadKind and WorkloadName are of the controller at the top of the chain,
	// or of the pod itself where it has none.
	WorkloadKind, WorkloadName Name
	// Node and Zone are where the endpoint runs.
	Node, Zone Name
	// Network is the named network or network set that the address lies in.
	Network Name
	// Service is what was asked for; only a destination has one.
	Service Service
	// Uncertain tells why the rest may be wrong or short; empty when it is not.
	Uncertain NameSet
}

// Service is a Kubernetes service and one port of it.
type Service struct {
	Name, Namespace, PortName Name
	Port                      uint16
}

// The reasons in Kubernetes.Uncertain. NotSynced, Unavailable and Lagging say that
// the cluster had not told of the endpoint yet; Forgotten that it may have, too long ago
// or before the collector started; Ambiguous that several could be meant; Conflict that
// an earlier observation, which was kept, says something else.
const (
	UncertainNotSynced   = "not_synced"
	UncertainUnavailable = "api_unavailable"
	UncertainLagging     = "lagging"
	UncertainForgotten   = "forgotten"
	UncertainAmbiguous   = "ambiguous"
	UncertainConflict    = "conflict"
)

// kubernetes returns what is known of e, or nothing: not to be changed.
func (e *Endpoint) kubernetes() *Kubernetes {
	if e.Kubernetes == nil {
		return &nothingKnown
	}
	return e.Kubernetes
}

var nothingKnown Kubernetes

// know returns what is known of e to add to it.
func (e *Endpoint) know() *Kubernetes {
	if e.Kubernetes == nil {
		e.Kubernetes = new(Kubernetes)
	}
	return e.Kubernetes
}
