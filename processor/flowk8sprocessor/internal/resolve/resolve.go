package resolve

import (
	"net/netip"
	"sync/atomic"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube/identity"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/networks"
)

// Resolver answers questions, from any number of goroutines.
type Resolver struct {
	// Index is what is known of the cluster; an empty one where there is none.
	Index *identity.Index
	// Networks and Scopes are by address.
	Networks *networks.Table
	Scopes   *networks.Scopes
	// OneNode is set where only the pods of the reporter's node are known.
	OneNode bool

	cgroups    cgroups
	namespaces namespaces
	own        atomic.Pointer[own]
}

// New returns a Resolver that remembers at most so many cgroups and network namespaces of
// each kind.
func New(index *identity.Index, table *networks.Table, scopes *networks.Scopes, oneNode bool, remember int) *Resolver {
	return &Resolver{
		Index: index, Networks: table, Scopes: scopes, OneNode: oneNode,
		cgroups:    cgroups{memory[string, cgroup]{most: remember}},
		namespaces: namespaces{memory[namespace, identity.ID]{most: remember}},
	}
}

// Resolve answers q into answers. It allocates nothing for what was seen before.
func (r *Resolver) Resolve(q *Question, state *State, answers *[2]Answer) {
	*answers = [2]Answer{}
	near := local(q.Reporter)
	for i := range answers {
		a, e := &answers[i], &q.Ends[i]
		a.Scope = r.Scopes.Of(e.Address)
		if i == near {
			r.nearPod(q, e, a)
		}
		r.podAt(q, e, a)
	}
	r.sharedNamespace(q, near, answers)
	for i := range answers {
		a, e := &answers[i], &q.Ends[i]
		r.keepEarlier(e, a)
		r.place(q, e, a, i == near)
		if i == Destination {
			r.service(q, e, a)
		}
		r.kind(e, a)
		r.doubt(q, e, a, state, i == near)
	}
}

// local is the end that the reporter's process is at; -1 if it is at none.
func local(reporter flow.Reporter) int {
	switch reporter {
	case flow.ReporterSource:
		return Source
	case flow.ReporterDestination:
		return Destination
	default:
		return -1
	}
}

// nearPod finds the pod of the reporter's own process.
func (r *Resolver) nearPod(q *Question, e *End, a *Answer) {
	group := r.cgroups.of(q.Cgroup)
	id := group.pod
	if !id.Known() {
		if id = group.container; !id.Known() {
			id = identity.IDOf(q.Container)
		}
	}
	if !id.Known() {
		// The kernel's own sockets are in the root, whosever they are.
		a.noPod = q.Cgroup != "" && q.Cgroup != "/"
		return
	}
	if a.Pod = r.Index.Pod(id); a.Pod == nil {
		a.Waiting = group.pod.Known()
		return
	}
	a.proven = true
	if group.container.Known() {
		a.Container = a.Pod.Container(group.container)
		a.NewContainer = !a.Container.Known()
	}
	if a.Pod.HostNetwork {
		return
	}
	if q.Namespace != 0 {
		r.namespaces.learn(q.namespace(), id)
	}
	if other, verdict := r.lookUp(q, e); verdict == identity.Found && other != a.Pod && other.UID != a.Pod.UID {
		a.Reasons |= Ambiguous // the process of one pod in the network of another
	}
}

// podAt finds the pod by its address at the time of the flow. Where the cgroup names a pod
// that is not known yet, whoever is known to have the address is another.
func (r *Resolver) podAt(q *Question, e *End, a *Answer) {
	if a.Pod != nil || a.Waiting {
		return
	}
	pod, verdict := r.lookUp(q, e)
	if verdict == identity.Ambiguous {
		a.Reasons |= Ambiguous
	}
	a.Pod = pod
}

func (r *Resolver) lookUp(q *Question, e *End) (*identity.Pod, identity.Verdict) {
	if !e.Address.IsValid() || e.Address.IsLoopback() {
		return nil, identity.Unknown
	}
	return r.Index.PodAt(e.Address, q.Start, q.End)
}

func (q *Question) namespace() namespace {
	if q.Node != "" {
		return namespace{q.Node, q.Namespace}
	}
	return namespace{q.Host, q.Namespace}
}

// sharedNamespace names ends in the reporter's network namespace: its own, where neither
// cgroup nor address does, and both over loopback. Of a pod in the network of its node
// nothing follows for another process there.
func (r *Resolver) sharedNamespace(q *Question, near int, answers *[2]Answer) {
	if near < 0 {
		return
	}
	mine, far := &answers[near], &answers[1-near]
	if mine.Pod == nil && q.Namespace != 0 && mine.Reasons == 0 && !mine.Waiting {
		if id, ok := r.namespaces.get(q.namespace()); ok {
			mine.Pod, mine.proven = r.Index.PodThen(id, q.Start), true
		}
	}
	if far.Pod == nil && q.Ends[1-near].Address.IsLoopback() && mine.Pod != nil && !mine.Pod.HostNetwork {
		far.Pod, far.proven = mine.Pod, mine.proven
	}
}

// keepEarlier takes the pod that an earlier instance found for the right one: it was
// nearer.
func (r *Resolver) keepEarlier(e *End, a *Answer) {
	if e.PodUID == "" && e.Pod == "" {
		return
	}
	if p := a.Pod; p != nil && p.UID != e.PodUID && (e.PodUID != "" || p.Name != e.Pod || p.Namespace.String() != e.PodNamespace) {
		a.Reasons |= Conflict
		a.Pod, a.Container = nil, flow.Name{}
	}
	if a.Pod == nil && e.PodUID != "" {
		a.Pod = r.Index.Pod(identity.IDOf(e.PodUID))
	}
	a.Waiting = false
	a.Reasons &^= Ambiguous
}

// place finds the node that the end runs on, or is.
func (r *Resolver) place(q *Question, e *End, a *Answer, near bool) {
	switch {
	case a.Pod != nil:
		a.Node = a.Pod.Node
	case e.PodUID != "" || e.Pod != "":
		return // a pod that is not known here
	case a.Reasons&Ambiguous != 0:
		return
	default:
		node, verdict := r.nodeAt(q, e)
		if verdict == identity.Ambiguous {
			a.Reasons |= Ambiguous
			return
		}
		if node != nil {
			a.Node, a.Zone, a.node = node.Name, node.Zone, true
			return
		}
		if e.Node == "" && (near || e.Type == flow.EndpointHost) {
			a.Node = flow.InternKnown(q.Node) // it is on the reporter's machine, whatever it is
		}
	}
	if a.Node.Known() {
		if node := r.Index.Node(a.Node); node != nil {
			a.Zone = node.Zone
		}
	}
}

func (r *Resolver) nodeAt(q *Question, e *End) (*identity.Node, identity.Verdict) {
	if !e.Address.IsValid() || e.Address.IsLoopback() {
		return nil, identity.Unknown
	}
	node, verdict := r.Index.NodeAt(e.Address, q.Start, q.End)
	if verdict == identity.Unknown {
		if node = r.ownNode(q, e.Address); node != nil {
			verdict = identity.Found
		}
	}
	return node, verdict
}

// service finds the service that the source asked for: by the address before translation,
// or by the one that stands there where nothing was translated.
func (r *Resolver) service(q *Question, e *End, a *Answer) {
	asked, port := e.Original, e.OriginalPort
	if !asked.IsValid() {
		asked, port = e.Address, e.Port
	}
	if !asked.IsValid() {
		return
	}
	match, verdict := r.Index.ServiceAt(asked, port, q.Transport, r.hostAddress(q, asked, e), q.Start, q.End)
	if verdict == identity.Unknown && a.Pod != nil && !e.Original.IsValid() {
		match, verdict = r.Index.HeadlessAt(a.Pod, port, q.Transport)
		if verdict == identity.Ambiguous {
			return // it was reached by its own address, whichever name that was looked up by
		}
	}
	switch verdict {
	case identity.Ambiguous:
		a.Reasons |= Ambiguous
	case identity.Found:
		a.Service = match
	}
}

// hostAddress reports whether node ports are taken at an address.
func (r *Resolver) hostAddress(q *Question, addr netip.Addr, e *End) bool {
	if addr.IsLoopback() || addr == e.Address && e.Type == flow.EndpointHost {
		return true
	}
	node, _ := r.Index.NodeAt(addr, q.Start, q.End)
	return node != nil
}

// kind decides what stands at the end, the more exact the better; a named network is
// for what nothing else names.
func (r *Resolver) kind(e *End, a *Answer) {
	switch {
	case a.Pod != nil:
		a.Type = flow.EndpointPod
	case e.Type == flow.EndpointPod || e.Type == flow.EndpointService || e.Type == flow.EndpointNetworkSet:
		a.Type = e.Type
	case a.node:
		a.Type = flow.EndpointHost
	case a.Service.Service != nil && !e.Original.IsValid() && e.Type != flow.EndpointHost:
		a.Type = flow.EndpointService
	case e.Type == flow.EndpointHost:
		a.Type = flow.EndpointHost
	case !e.Address.IsValid():
	default:
		if a.Network = r.Networks.Lookup(e.Address); a.Network != nil {
			a.Type = flow.EndpointNetworkSet
		} else {
			a.Type = flow.EndpointNetwork
		}
	}
	if e.Type == flow.EndpointNetworkSet {
		a.Network = r.Networks.Lookup(e.Address)
	}
}

// doubt says why what was found may be wrong or short.
func (r *Resolver) doubt(q *Question, e *End, a *Answer, state *State, near bool) {
	if !state.Watched || e.PodUID != "" || e.Pod != "" {
		a.Waiting = false
		return
	}
	byCgroup := a.Waiting // the cgroup is of a pod that is not known
	if !byCgroup && !r.expected(e, a, near) {
		a.Waiting = false
		return
	}
	a.Waiting = false
	switch {
	case !state.Synced && state.Failing != 0:
		a.Reasons |= Unavailable
	case !state.Synced:
		a.Reasons |= NotSynced
	case state.Failing != 0 && q.End >= state.Failing:
		a.Reasons |= Unavailable
	case a.Pod != nil && a.Pod.Terminating && !a.proven && q.End >= state.Young:
		// Its address may be the next one's by now, of which the watch is about to tell.
		a.Waiting = true
	case a.Pod != nil && !a.NewContainer:
	case q.End < state.Horizon:
		a.Reasons |= Forgotten
	case q.End >= state.Young:
		a.Waiting = true
	case byCgroup || a.NewContainer:
		a.Reasons |= Lagging
	}
}

// expected reports whether this instance would know the end if it were a pod, and whether
// it may be one: not where something else is known to stand, nor at addresses that pods
// do not have.
func (r *Resolver) expected(e *End, a *Answer, near bool) bool {
	if a.Pod != nil {
		return true
	}
	if r.OneNode && !near && e.Type != flow.EndpointHost {
		return false
	}
	if a.node || a.noPod || a.Type == flow.EndpointService || a.Type == flow.EndpointNetworkSet {
		return false
	}
	switch a.Scope {
	case flow.ScopePrivate, flow.ScopeUniqueLocal, flow.ScopeSharedAddress:
		return true
	default:
		return false
	}
}
