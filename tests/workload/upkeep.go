package workload

import (
	"net/netip"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// system is what every cluster has.
type system struct {
	api       *service
	dns       *service
	exporters *workload // of nodes' metrics, in the network of each node
}

// newSystem starts it. The API server is a static pod in its node's network.
func newSystem(w *Workload) *system {
	k, s := w.cluster, &system{}
	server := k.deploy(workload{kind: "Node", namespace: "kube-system", name: "kube-apiserver", process: "kube-apiserver", port: 6443, hostNetwork: true}, 0)
	server.pods = append(server.pods, k.start(server, k.nodes[0], 0))
	server.pods[0].own.WorkloadName = k.nodes[0].name
	s.api = k.expose(server, 443, "https", false)
	s.api.Name, s.api.Namespace, s.api.address = flow.Intern("kubernetes"), flow.Intern("default"), netip.MustParseAddr("10.96.0.1")
	s.api.domains = flow.NameSet{} // the client library goes by the address
	dns := k.deploy(workload{kind: "Deployment", namespace: "kube-system", name: "coredns", process: "coredns", port: 53}, max(1, w.config.Lookups.Servers))
	s.dns = k.expose(dns, 53, "dns", false)
	s.dns.Name, s.dns.address, s.dns.domains = flow.Intern("kube-dns"), netip.MustParseAddr("10.96.0.10"), flow.NameSet{}
	s.exporters = k.deploy(workload{kind: "DaemonSet", namespace: "monitoring", name: "node-exporter", process: "node_exporter", port: 9100, hostNetwork: true}, len(k.nodes))
	return s
}

// upkeep is what nodes and the cluster do for themselves.
type upkeep struct {
	kubelets []*end // by node
	scrapers []*end
	// kept are connections that talk every so often: watches, leases, logs.
	kept []kept
	// scrapes are the connections for them, exporters the targets beside the pods.
	scrapes   map[scrape]*connection
	exporters []*end
}

// kept is a connection that talks at every multiple of its period, more or less.
type kept struct {
	connection     connection
	period         time.Duration
	sent, received float64 // medians
}

type scrape struct{ by, of *end }

func newUpkeep(w *Workload, s *system) *upkeep {
	k, u := w.cluster, &upkeep{scrapes: make(map[scrape]*connection)}
	keep := func(source *end, s *service, direct bool, period time.Duration, sent, received float64) {
		c := w.adopted(source, s)
		if direct {
			c.service = nil // by the address of the backend
		}
		u.kept = append(u.kept, kept{c, period, sent, received})
	}
	aggregator := k.deploy(workload{kind: "StatefulSet", namespace: "logging", name: "aggregator", process: "vector", port: 6000}, 2)
	logs := k.expose(aggregator, 6000, "vector", false)
	proxies := k.deploy(workload{kind: "DaemonSet", namespace: "kube-system", name: "kube-proxy", process: "kube-proxy", hostNetwork: true}, len(k.nodes))
	forwarders := k.deploy(workload{kind: "DaemonSet", namespace: "logging", name: "forwarder", process: "fluent-bit", port: 2020}, len(k.nodes))
	for i, n := range k.nodes {
		kubelet := k.daemon(n, "kubelet")
		u.kubelets = append(u.kubelets, kubelet)
		keep(kubelet, s.api, true, 10*time.Second, 4000, 3000) // its lease; and what it watches
		keep(proxies.pods[i], s.api, true, 20*time.Second, 200, 9000)
		keep(forwarders.pods[i], logs, false, 5*time.Second, 60_000, 2000)
	}
	for i, pod := range k.pods {
		if i%25 == 0 { // every 25th pod is of a controller
			keep(pod, s.api, false, 30*time.Second, 600, 6000)
		}
	}
	prometheus := k.deploy(workload{kind: "StatefulSet", namespace: "monitoring", name: "prometheus", process: "prometheus", port: 9090}, w.config.Upkeep.Scrapers)
	u.scrapers, u.exporters = prometheus.pods, s.exporters.pods
	return u
}

func (u *upkeep) play(w *Workload) {
	c := w.chance
	for i := range u.kept {
		k := &u.kept[i]
		if times := c.poisson(w.config.Interval.Seconds() / k.period.Seconds()); times > 0 {
			w.report(&k.connection, news{sent: uint64(float64(times) * c.logNormal(k.sent, 0.4)), received: uint64(float64(times) * c.logNormal(k.received, 0.8))})
		}
	}
	for _, kubelet := range u.kubelets {
		for _, pod := range w.cluster.pods {
			if pod.node == kubelet.node && pod.serves != 0 {
				u.probe(w, kubelet, pod)
			}
		}
	}
	for _, scraper := range u.scrapers {
		for _, pod := range w.cluster.stopped {
			if c, ok := u.scrapes[scrape{scraper, pod}]; ok {
				w.report(c, news{at: w.moment(), fate: closedByDestination})
				delete(u.scrapes, scrape{scraper, pod})
			}
		}
		for _, targets := range [][]*end{u.exporters, w.cluster.pods} {
			for _, target := range targets {
				if target.serves != 0 && target != scraper && w.due(w.config.Upkeep.ScrapePeriod, target.phase) > 0 {
					u.scrape(w, scrape{scraper, target})
				}
			}
		}
	}
}

// probe asks a pod how it is, by a connection each time.
func (u *upkeep) probe(w *Workload, kubelet, pod *end) {
	config := &w.config.Upkeep
	for i := range config.Probes {
		for range w.due(config.ProbePeriod, pod.phase+time.Duration(i)*time.Second) {
			at := w.moment()
			c := dial(kubelet, pod, nil, pod.serves, at)
			w.report(&c, news{at: min(later(at, 3*time.Millisecond), w.to), fate: closedBySource, sent: 115, received: 130 + w.chance.Uint64N(40)})
		}
	}
}

// scrape asks for metrics by the connection that there is, or one that begins.
func (u *upkeep) scrape(w *Workload, between scrape) {
	c, ok := u.scrapes[between]
	if !ok {
		began := dial(between.by, between.of, nil, between.of.serves, w.moment())
		c = &began
		u.scrapes[between] = c
	}
	w.report(c, news{sent: 240, received: uint64(w.chance.logNormal(12_000, 0.7))})
}
