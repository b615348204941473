package identity

import (
	"net/netip"
	"slices"
	"sync/atomic"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// Pod is what the index keeps of a pod; nothing changes it once it is handed over.
type Pod struct {
	UID, Name string
	Namespace flow.Name
	// Prefix is what the names of its siblings begin with, and an asterisk; unknown
	// where the name was not generated.
	Prefix flow.Name
	Labels flow.Labels
	Node   flow.Name
	Owner  *Owner
	// HostNetwork is set for a pod in its node's network, which owns no address.
	HostNetwork bool
	// OwnKernel is set for a pod that may have a kernel of its own, as gVisor and a virtual
	// machine have, and no sockets in its node's.
	OwnKernel bool
	// Terminating is set for a pod that is being deleted and has not released its
	// addresses: they are its own, but not for long.
	Terminating bool
	// Mirrors is the id that a static pod has on its node.
	Mirrors    ID
	Containers []Container
	// Addresses are those that the pod was given, or had before it completed.
	Addresses []netip.Addr
	// Started is the earliest that it may have had them, Ran when the first container
	// was surely running, Released when it had completed: in nanoseconds since the Unix
	// epoch, 0 for not known or not yet.
	Started, Ran, Released int64
}

// Container is one of a pod's, init containers and those that ran before included.
type Container struct {
	ID   ID
	Name flow.Name
}

// Container returns the name of the container with that id.
func (p *Pod) Container(id ID) flow.Name {
	for i := range p.Containers {
		if p.Containers[i].ID == id {
			return p.Containers[i].Name
		}
	}
	return flow.Name{}
}

// Workload names the controller at the top of a chain of owners.
type Workload struct{ Kind, Name flow.Name }

// Owner is the controller of pods, shared by them. Its workload may be learnt later than
// the pods.
type Owner struct{ workload atomic.Pointer[Workload] }

// Workload is the zero Workload until it is known.
func (o *Owner) Workload() Workload {
	if o == nil {
		return Workload{}
	}
	if w := o.workload.Load(); w != nil {
		return *w
	}
	return Workload{}
}

// Learn sets the workload.
func (o *Owner) Learn(w Workload) { o.workload.Store(&w) }

// record is a pod's place in the index, the same through all its changes.
type record struct {
	pod atomic.Pointer[Pod]
	// gone is when the pod was deleted, 0 while it is not: set until it is forgotten.
	gone atomic.Int64
}

// keys calls f with each of the ids that a pod goes by.
func (p *Pod) keys(f func(ID)) {
	f(IDOf(p.UID))
	if p.Mirrors.Known() {
		f(p.Mirrors)
	}
	for _, c := range p.Containers {
		if c.ID.Known() {
			f(c.ID)
		}
	}
}

// span is when p held its addresses, seen at now.
func (p *Pod) span(now int64) span {
	s := span{from: p.Started, sure: now, to: open}
	if s.from == 0 || s.from > now {
		s.from = now
	}
	if p.Ran != 0 {
		s.sure = min(s.sure, p.Ran)
	}
	s.sure = max(s.sure, s.from)
	if p.Released != 0 {
		s.to = max(p.Released, s.from)
	}
	return s
}

func (p *Pod) holds(addr netip.Addr) bool { return slices.Contains(p.Addresses, addr) }
