package identity

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// Index answers who held an address. Questions may be asked by any number of
// goroutines; writers may be several and wait for each other.
type Index struct {
	grace time.Duration
	now   func() time.Time

	pods      atomic.Int64 // those that ended included
	ids       table[ID, *record]
	addresses tenures[*record, *Pod]

	nodes         table[name, *Node]
	nodeAddresses tenures[*Node, *Node]
	namespaces    table[name, flow.Labels]

	services         table[name, *Service]
	serviceAddresses table[address, []*serviceTenure]
	nodePorts        table[nodePort, []*serviceTenure]
	headless         table[ID, []*Service]
	slices           table[name, *EndpointSlice]

	write sync.Mutex
	// grave holds what is to be forgotten, the first to go first.
	grave []burial
}

// burial is what is left of something that ended.
type burial struct {
	at     int64
	forget func()
}

// NewIndex returns an empty index that keeps what has ended for grace. now is the
// time that deletions are noted with.
func NewIndex(grace time.Duration, now func() time.Time) *Index {
	return &Index{grace: grace, now: now}
}

// Pod returns the pod with a UID, a manifest's hash or a container's id, or nil.
func (x *Index) Pod(id ID) *Pod {
	r, ok := x.ids.get(id)
	if !ok {
		return nil
	}
	return r.pod.Load()
}

// PodThen is Pod for what may name another pod by now: nil for one that had completed or
// was deleted at a time.
func (x *Index) PodThen(id ID, at int64) *Pod {
	r, ok := x.ids.get(id)
	if !ok {
		return nil
	}
	p := r.pod.Load()
	if gone := r.gone.Load(); gone != 0 && at >= gone || p.Released != 0 && at >= p.Released {
		return nil
	}
	return p
}

// PodAt returns the pod that held addr throughout the interval from the time first to the
// time last, or nil with the reason.
func (x *Index) PodAt(addr netip.Addr, first, last int64) (*Pod, Verdict) {
	return x.addresses.at(addr, first, last)
}

// SetPod adds a pod, or changes the one with its UID.
func (x *Index) SetPod(p *Pod) {
	x.write.Lock()
	defer x.write.Unlock()
	x.setPod(p)
}

func (x *Index) setPod(p *Pod) {
	now := x.now().UnixNano()
	r, known := x.ids.get(IDOf(p.UID))
	if !known {
		r = new(record)
		x.pods.Add(1)
	}
	before := r.pod.Swap(p)
	p.keys(func(id ID) { x.ids.set(id, r) })
	if before == nil {
		before = &Pod{}
	} else {
		x.dropKeys(before, p, r)
	}
	s := p.span(now)
	for _, addr := range p.Addresses {
		own := s
		if len(before.Addresses) > 0 && !before.holds(addr) {
			// It had others: when it got this one is not known but by now.
			own.from, own.sure, own.to = now, now, max(now, s.to)
		}
		if !before.holds(addr) || r.gone.Load() != 0 || p.Released == 0 && before.Released == 0 {
			x.addresses.begin(addr, r, p, own)
		}
		x.addresses.learn(addr, r, p)
	}
	r.gone.Store(0)
	for _, addr := range before.Addresses {
		if !p.holds(addr) {
			x.addresses.learn(addr, r, p)
			x.release(r, addr, now, now)
		}
	}
	if p.Released != 0 && before.Released == 0 {
		for _, addr := range p.Addresses {
			x.release(r, addr, s.to, now)
		}
	}
}

// dropKeys removes the ids that p no longer has.
func (x *Index) dropKeys(before, p *Pod, r *record) {
	before.keys(func(id ID) {
		still := false
		p.keys(func(other ID) { still = still || other == id })
		if !still {
			x.drop(id, r)
		}
	})
}

// drop removes an id, unless it is another pod's by now.
func (x *Index) drop(id ID, r *record) {
	x.ids.change(id, func(at *record) (*record, bool) { return at, at != nil && at != r })
}

// release ends r's tenure of addr, to be forgotten after the grace period.
func (x *Index) release(r *record, addr netip.Addr, at, now int64) {
	x.addresses.end(addr, r, at)
	x.bury(now, func() { x.addresses.forget(addr, r) })
}

// DeletePod notes that the pod with a UID is gone.
func (x *Index) DeletePod(uid string) {
	x.write.Lock()
	defer x.write.Unlock()
	x.deletePod(IDOf(uid))
}

// deletePod passes over the other ids that a pod goes by.
func (x *Index) deletePod(id ID) {
	r, ok := x.ids.get(id)
	if !ok || r.gone.Load() != 0 {
		return
	}
	p := r.pod.Load()
	if id != IDOf(p.UID) {
		return
	}
	now := x.now().UnixNano()
	r.gone.Store(now)
	for _, addr := range p.Addresses {
		x.addresses.end(addr, r, now)
	}
	x.bury(now, func() {
		if r.gone.Load() == 0 {
			return // it was there again
		}
		p := r.pod.Load()
		for _, addr := range p.Addresses {
			x.addresses.forget(addr, r)
		}
		p.keys(func(id ID) { x.drop(id, r) })
		x.pods.Add(-1)
	})
}

// ReplacePods makes the pods those in list: the others are gone.
func (x *Index) ReplacePods(list []*Pod) {
	x.write.Lock()
	defer x.write.Unlock()
	replace(&x.ids, list, func(p *Pod) ID { return IDOf(p.UID) }, x.deletePod, x.setPod)
}

// bury has forget called, with the lock for writing, when the grace period is over.
func (x *Index) bury(now int64, forget func()) {
	x.grave = append(x.grave, burial{now + int64(x.grace), forget})
}

// Sweep forgets what ended longer ago than the grace period. It is to be called now and
// then.
func (x *Index) Sweep() {
	x.write.Lock()
	defer x.write.Unlock()
	now := x.now().UnixNano()
	n := 0
	for n < len(x.grave) && x.grave[n].at <= now {
		x.grave[n].forget()
		x.grave[n].forget = nil
		n++
	}
	if x.grave = x.grave[n:]; len(x.grave) == 0 {
		x.grave = nil
	}
}

// Size is how much an Index holds. Pods and Addresses include what has ended and is not
// forgotten; Ended counts what is to be forgotten.
type Size struct{ Pods, Addresses, Services, Nodes, Ended int }

// Size counts.
func (x *Index) Size() Size {
	x.write.Lock()
	defer x.write.Unlock()
	return Size{
		Pods: int(x.pods.Load()), Addresses: x.addresses.len(), Services: x.services.len(), Nodes: x.nodes.len(), Ended: len(x.grave),
	}
}
