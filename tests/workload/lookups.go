package workload

import (
	"net/netip"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// lookups are those of all pods at the cluster's DNS.
type lookups struct {
	dns      *service
	upstream *end
	// waiting are flows until the sweep that finds them silent for the idle timeout.
	waiting []lingering
}

func newLookups(w *Workload, s *system) *lookups {
	upstream := w.cluster.outside(netip.MustParseAddr("10.0.255.2"), "")
	upstream.rtt = 500
	return &lookups{dns: s.dns, upstream: upstream}
}

func (l *lookups) play(w *Workload) {
	kept := l.waiting[:0]
	for i := range l.waiting {
		if f := &l.waiting[i]; f.until > w.to {
			kept = append(kept, *f)
		} else {
			w.report(&f.connection, news{fate: silent})
		}
	}
	l.waiting = kept
	config, c := &w.config.Lookups, w.chance
	for _, pod := range w.cluster.pods {
		if pod.asks == 0 {
			pod.asks = c.logNormal(config.Rate, 1)
		}
		for range c.poisson(pod.asks * w.config.Interval.Seconds()) {
			l.lookUp(w, pod, w.moment())
		}
	}
}

// lookUp asks for a name with every domain to search until it is found.
func (l *lookups) lookUp(w *Workload, pod *end, at int64) {
	config, c := &w.config.Lookups, w.chance
	external := c.hits(config.External)
	tries := 1 + c.IntN(2)
	if external {
		tries = 4
	}
	for try := range tries {
		d := flow.DNS{Queries: 2}
		for range d.Queries {
			if c.hits(config.Unanswered) {
				d.Timeouts++
				continue
			}
			took := uint32(c.logNormal(300, 0.7))
			d.Responses, d.LatencySum, d.LatencyMax = d.Responses+1, d.LatencySum+uint64(took), max(d.LatencyMax, took)
		}
		if try < tries-1 {
			d.NXDomain = d.Responses
		}
		server := pick(c, l.dns.backends)
		if external && try == tries-1 && c.hits(0.3) { // what CoreDNS has not cached
			l.ask(w, connection{source: server, destination: l.upstream, port: 53}, at, flow.DNS{Queries: 1, Responses: 1, LatencySum: 900, LatencyMax: 900})
		}
		l.ask(w, connection{source: pod, destination: server, service: l.dns, port: 53}, at, d)
	}
}

// ask sends queries by a socket of their own.
func (l *lookups) ask(w *Workload, c connection, at int64, d flow.DNS) {
	c.transport, c.sourcePort, c.told, c.begins = flow.TransportUDP, c.source.sourcePort(), at, true
	c.swept = w.chance.duration(sweep)
	w.report(&c, news{
		dns: d, queries: d.Queries, answers: d.Responses,
		sent: d.Queries * (40 + w.chance.Uint64N(30)), received: d.Responses * (90 + w.chance.Uint64N(120)),
	})
	l.waiting = append(l.waiting, lingering{c, later(at, w.config.Lookups.Idle+w.config.Interval)})
}
