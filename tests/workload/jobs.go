package workload

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// jobs are CronJobs.
type jobs struct {
	storage *end
	crons   []cron
	running []run
}

type cron struct {
	workload workload
	period   time.Duration
	store    *service // that it reads from, nil if there is none
}

// run is a pod of a job.
type run struct {
	pod      *end
	until    int64
	uploaded int64 // until when it has uploaded
	reading  *connection
}

func newJobs(w *Workload, m *mesh) *jobs {
	j := &jobs{storage: w.cluster.outside(netip.MustParseAddr("52.218.44.8"), "object-storage")}
	j.storage.rtt = 1800
	j.storage.domains = flow.NameSetOf(flow.Intern("backups.s3.eu-west-1.amazonaws.com"))
	jobNames := []string{"report", "backup", "export", "cleanup", "reindex", "billing"}
	periods := []time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute}
	for i := range w.config.Jobs.CronJobs {
		c := cron{period: periods[i%len(periods)]}
		c.workload = workload{kind: "CronJob", namespace: teams[i%len(teams)], name: nameOf(jobNames, i), process: kinds[i%len(kinds)].process}
		if len(m.stores) > 0 {
			c.store = m.stores[i%len(m.stores)].service
		}
		j.crons = append(j.crons, c)
	}
	return j
}

func (j *jobs) play(w *Workload) {
	for i := range j.crons {
		if c := &j.crons[i]; w.due(c.period, 0) > 0 {
			j.begin(w, c)
		}
	}
	kept := j.running[:0]
	for i := range j.running {
		r := j.running[i]
		j.transfer(w, &r)
		if r.until <= w.to {
			w.cluster.stop(r.pod)
		} else {
			kept = append(kept, r)
		}
	}
	j.running = kept
}

// begin starts a run: the controller names its job after the minute.
func (j *jobs) begin(w *Workload, c *cron) {
	t := c.workload
	t.hash = fmt.Sprint(w.from / int64(time.Minute))
	t.labels = t.describe()
	for i := range w.config.Jobs.Parallel {
		at := w.moment()
		r := run{
			pod:      w.cluster.start(&t, pick(w.chance, w.cluster.nodes), i),
			until:    later(at, time.Duration(w.chance.logNormal(float64(w.config.Jobs.Length), 0.5))),
			uploaded: at,
		}
		if c.store != nil {
			reading := w.cluster.call(r.pod, c.store, at)
			r.reading = &reading
		}
		j.running = append(j.running, r)
	}
}

// transfer is what a pod does in the interval: it reads all the time, and uploads parts
// by a connection each.
func (j *jobs) transfer(w *Workload, r *run) {
	c, last := w.chance, min(r.until, w.to)
	for r.uploaded < last {
		began := r.uploaded
		r.uploaded = later(began, c.exponential(3*time.Second))
		if r.uploaded > last {
			break // it ends with the next
		}
		upload := dial(r.pod, j.storage, nil, 443, began)
		w.report(&upload, news{at: r.uploaded, fate: closedBySource, sent: uint64(c.logNormal(w.config.Jobs.Part, 1)), received: 6000})
	}
	if r.reading == nil {
		return
	}
	n := news{sent: 2000 + c.Uint64N(9000), received: uint64(c.logNormal(20<<20, 1.2))}
	if r.until <= w.to {
		n.at, n.fate = last, closedBySource
	}
	w.report(r.reading, n)
}
