package workload

import (
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// Workload plays a cluster, interval by interval.
type Workload struct {
	config Config
	chance chance
	// order is apart, so that merging changes nothing of what happens.
	order   chance
	cluster *cluster
	parts   []namedPart
	records map[Part]int

	// from and to bound the interval at hand, in nanoseconds since the Unix epoch.
	from, to int64
}

// Part names a kind of traffic.
type Part string

// The parts, in the order in which they are played.
const (
	ServicesPart Part = "services"
	WebPart      Part = "web"
	JobsPart     Part = "jobs"
	UpkeepPart   Part = "upkeep"
	DeniedPart   Part = "denied"
	ScanPart     Part = "scan"
	LookupsPart  Part = "lookups"
)

// Parts are all of them.
var Parts = []Part{ServicesPart, WebPart, JobsPart, UpkeepPart, DeniedPart, ScanPart, LookupsPart}

// part is a kind of traffic: play reports what its connections do in the interval at hand.
type part interface{ play(*Workload) }

type namedPart struct {
	name Part
	part part
}

// New returns the workload of a seed, at its start.
func New(seed uint64, config Config) *Workload {
	c := newChance(seed)
	w := &Workload{
		config: config, chance: c, order: newChance(^seed), records: make(map[Part]int),
		cluster: newCluster(c, config.Nodes, uint32(config.Start.Unix())),
		to:      config.Start.UnixNano(),
	}
	w.from = later(w.to, -config.Interval)
	system := newSystem(w)
	add := func(name Part, on bool, make func() part) {
		if on {
			w.parts = append(w.parts, namedPart{name, make()})
		}
	}
	mesh := newMesh(w)
	add(ServicesPart, config.Services.Workloads > 0, func() part { return mesh })
	add(WebPart, config.Web.Clients > 0, func() part { return newWeb(w) })
	add(JobsPart, config.Jobs.CronJobs > 0, func() part { return newJobs(w, mesh) })
	add(UpkeepPart, config.Upkeep.Probes > 0, func() part { return newUpkeep(w, system) })
	add(DeniedPart, config.Denied.Pairs > 0, func() part { return newDenied(w) })
	add(ScanPart, config.Scan.Rate > 0, func() part { return newScan(w) })
	add(LookupsPart, config.Lookups.Servers > 0, func() part { return newLookups(w, system) })
	return w
}

// Next plays an interval and returns what the agents send at its end, a batch of each
// node that has something to tell. The caller owns the batches; what is known of an end
// in Kubernetes is shared by their records.
func (w *Workload) Next() []flow.Batch {
	w.from, w.to = w.to, later(w.to, w.config.Interval)
	w.cluster.stopped = w.cluster.stopped[:0]
	for _, p := range w.parts {
		before := w.pending()
		p.part.play(w)
		w.records[p.name] += w.pending() - before
	}
	var batches []flow.Batch
	for _, n := range w.cluster.nodes {
		if flows := n.take(w.order); len(flows) > 0 {
			batches = append(batches, flow.Batch{Flows: flows})
		}
	}
	return batches
}

// Now is the end of the last interval.
func (w *Workload) Now() time.Time { return time.Unix(0, w.to).UTC() }

// Records is how many records there have been of each part.
func (w *Workload) Records(p Part) int { return w.records[p] }

func (w *Workload) pending() int {
	n := 0
	for _, node := range w.cluster.nodes {
		n += len(node.pending.flows)
	}
	return n
}

// due is how often in the interval something happens that does so every period, shifted
// by phase.
func (w *Workload) due(period, phase time.Duration) int {
	begun := func(at int64) int64 { return (at - int64(phase) + int64(period) - 1) / int64(period) }
	return int(begun(w.to) - begun(w.from))
}

// moment is any of the interval.
func (w *Workload) moment() int64 { return w.from + w.chance.Int64N(w.to-w.from) }

// table merges the records of an interval, as the receiver's does.
type table struct {
	index map[flow.Key]int
	flows []flow.Flow
}

func (t *table) add(f *flow.Flow, keep flow.KeepSourcePort) {
	key := f.Key(keep)
	if i, ok := t.index[key]; ok {
		t.flows[i].Merge(f)
		return
	}
	t.index[key] = len(t.flows)
	t.flows = append(t.flows, *f)
}

// take returns the node's records and begins anew. They are in no order, because reports
// of an agent come by time and not by part.
func (n *node) take(c chance) []flow.Flow {
	flows := n.pending.flows
	clear(n.pending.index)
	n.pending.flows = nil
	c.Shuffle(len(flows), func(i, j int) { flows[i], flows[j] = flows[j], flows[i] })
	for i := range flows {
		n.next.Counter++
		flows[i].ID = n.next
	}
	return flows
}
