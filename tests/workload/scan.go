package workload

import (
	"net/netip"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// scan is one pod that connects everywhere.
type scan struct {
	source *end
	closed map[*end]bool // by a policy
	next   int
}

// scanned are how many addresses of each node's range are tried, at each of the ports.
const scanned = 64

var scannedPorts = []uint16{22, 80, 443, 8080, 3306, 5432, 6379, 9090, 9092, 9200, 10250, 27017, 2379, 8443, 3000, 8000}

func newScan(w *Workload) *scan {
	pods := w.cluster.deploy(workload{kind: "Deployment", namespace: "web", name: "preview", process: "nmap", port: 8080}, 1)
	return &scan{source: pods.pods[0], closed: make(map[*end]bool)}
}

func (s *scan) play(w *Workload) {
	config := &w.config.Scan
	since := time.Duration(w.to - w.config.Start.UnixNano())
	if since <= config.After || since > config.After+config.For {
		return
	}
	holders := make(map[netip.Addr]*end, len(w.cluster.pods))
	for _, pod := range w.cluster.pods {
		holders[pod.address] = pod
	}
	for range w.chance.poisson(config.Rate * w.config.Interval.Seconds()) {
		s.probe(w, holders)
		s.next++
	}
}

// probe tries the next address, and the next port when all addresses had their turn.
func (s *scan) probe(w *Workload, holders map[netip.Addr]*end) {
	nodes := w.cluster.nodes
	i := s.next % (len(nodes) * scanned)
	address := nodes[i/scanned].podAddress(byte(1 + i%scanned))
	port := scannedPorts[s.next/(len(nodes)*scanned)%len(scannedPorts)]
	at := w.moment()
	target := holders[address]
	if target == nil {
		c := dial(s.source, &end{address: address, kind: flow.EndpointNetwork}, nil, port, at)
		w.deny(&c, flow.ReporterSource, flow.Denial{Reason: flow.Intern("host_unreachable"), Class: flow.Unreachable}, at, 1)
		return
	}
	closed, ok := s.closed[target]
	if !ok {
		closed = w.chance.hits(w.config.Scan.Closed)
		s.closed[target] = closed
	}
	c := dial(s.source, target, nil, port, at)
	switch {
	case target == s.source || !closed && target.serves != port:
		w.refused(&c, at)
	case closed:
		w.dropped(&c, min(later(at, time.Second), w.to), 2)
	default:
		w.report(&c, news{at: at, fate: resetBySource})
	}
}
