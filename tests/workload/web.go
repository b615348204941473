package workload

import (
	"net/netip"
	"time"
)

// web is a tier of short connections.
type web struct {
	clients   []*end
	popular   zipf
	ingresses *workload
	entry     *service
	pods      *workload
	sessions  *service
	lingering []lingering
}

// lingering is a connection that its client keeps for a while.
type lingering struct {
	connection connection
	until      int64
}

func newWeb(w *Workload) *web {
	config, k := &w.config.Web, w.cluster
	t := &web{popular: newZipf(config.Clients, config.Skew)}
	for range config.Clients {
		t.clients = append(t.clients, k.outside(k.public(), ""))
	}
	t.ingresses = k.deploy(workload{kind: "Deployment", namespace: "ingress", name: "ingress-nginx-controller", process: "nginx", port: 443}, config.Ingresses)
	t.entry = k.expose(t.ingresses, 443, "https", false)
	t.entry.address = netip.MustParseAddr("203.0.113.10") // of the load balancer
	t.pods = k.deploy(workload{kind: "Deployment", namespace: "web", name: "storefront", process: "php-fpm8.3", port: 8080}, config.Pods)
	k.expose(t.pods, 80, "http", false)
	t.sessions = k.expose(k.deploy(workload{kind: "StatefulSet", namespace: "web", name: "sessions", process: "redis-server", port: 6379}, 1), 6379, "redis", false)
	return t
}

func (t *web) play(w *Workload) {
	config, c := &w.config.Web, w.chance
	kept := t.lingering[:0]
	for i := range t.lingering {
		l := &t.lingering[i]
		if l.until > w.to {
			kept = append(kept, *l)
			continue
		}
		w.report(&l.connection, news{at: l.until, fate: w.clientCloses()})
	}
	t.lingering = kept
	for range c.poisson(config.Connections * w.config.Interval.Seconds()) {
		at := w.moment()
		visit := w.cluster.call(t.clients[t.popular.draw(c)], t.entry, at)
		n := news{sent: 800, received: 4200} // the handshake of TLS
		for range c.geometric(config.Requests) {
			sent, received := w.exchange(1)
			t.serve(w, visit.destination, at, sent, received)
			n.sent += sent + 29*2
			n.received += received + 29*(1+received/16384)
		}
		n.at = min(later(at, c.exponential(200*time.Millisecond)), w.to)
		n.fate = w.clientCloses()
		if c.hits(config.Lingering) {
			n.fate = open
		}
		w.report(&visit, n)
		if n.fate == open {
			t.lingering = append(t.lingering, lingering{visit, later(w.to, c.exponential(config.Linger))})
		}
	}
}

// serve is a request on its way from the ingress: a connection to a pod, which the ingress
// picks itself, and at times one from there to the sessions.
func (t *web) serve(w *Workload, ingress *end, at int64, sent, received uint64) {
	pod := pick(w.chance, t.pods.pods)
	done := min(later(at, w.chance.exponential(60*time.Millisecond)), w.to)
	request := dial(ingress, pod, nil, t.pods.port, at)
	w.report(&request, news{at: done, fate: closedByDestination, sent: sent + 350, received: received})
	if w.chance.hits(w.config.Web.Sessions) {
		session := w.cluster.call(pod, t.sessions, at)
		w.report(&session, news{at: done, fate: closedBySource, sent: 180, received: 900 + w.chance.Uint64N(3000)})
	}
}

// clientCloses: most do in order, some tabs and phones do not.
func (w *Workload) clientCloses() fate {
	switch x := w.chance.Float64(); {
	case x < 0.01:
		return timedOut
	case x < 0.05:
		return resetBySource
	default:
		return closedBySource
	}
}
