package workload

import (
	"fmt"
	"math"
)

// mesh is services that call each other over kept connections.
type mesh struct {
	workloads []*workload
	stores    []*workload // the last of them
	edges     []*edge
	rolled    int
}

// edge is one workload's calls to another's service.
type edge struct {
	service  *service
	requests float64 // for a second, of all pods together
	pools    []pool
}

// pool is the connections of a pod.
type pool struct {
	source      *end
	connections []connection
}

// names are of services, and of the namespaces of their teams; with the port and the
// process that such a service has.
var (
	names = []string{
		"storefront-api", "mobile-api", "partner-api", "admin", "catalog", "cart", "checkout", "pricing", "inventory", "search",
		"recommendation", "reviews", "profile", "address-book", "shipping", "payment", "fraud", "invoice", "tax", "currency",
		"notification", "email", "audit", "auth", "config", "feature-flags",
	}
	teams  = []string{"shop", "fulfilment", "payments", "identity", "platform"}
	kinds  = []kind{{"java", 8080, "http"}, {"server", 9090, "grpc"}, {"node", 3000, "http"}, {"python3.12", 8000, "http"}}
	stores = []kind{{"postgres", 5432, "postgresql"}, {"redis-server", 6379, "redis"}, {"java", 9092, "kafka"}, {"mongod", 27017, "mongodb"}, {"mysqld", 3306, "mysql"}}
)

type kind struct {
	process  string
	port     uint16
	portName string
}

func newMesh(w *Workload) *mesh {
	config, k, m := &w.config.Services, w.cluster, &mesh{}
	all := make([]*workload, config.Workloads)
	front, back := config.Workloads/7, config.Workloads-config.Workloads/5
	// From the front to the back, the k-th of a layer has about 1/sqrt(k) of the replicas.
	for i := range all {
		layerBegin := 0
		if i >= front {
			layerBegin = front
		}
		replicas := max(2, int(float64(config.Replicas)/math.Sqrt(float64(i-layerBegin+1))))
		if i < back {
			of := kinds[i%len(kinds)]
			all[i] = k.deploy(workload{kind: "Deployment", namespace: teams[i%len(teams)], name: nameOf(names, i), process: of.process, port: of.port}, replicas)
			k.expose(all[i], 80, of.portName, false)
			continue
		}
		of := stores[(i-back)%len(stores)]
		name := teams[(i-back)%len(teams)] + "-" + of.portName
		all[i] = k.deploy(workload{kind: "StatefulSet", namespace: teams[(i-back)%len(teams)], name: name, process: of.process, port: of.port}, 3)
		// Every other store is reached by the names of its pods.
		k.expose(all[i], of.port, of.portName, (i-back)%2 == 0)
	}
	m.workloads, m.stores = all, all[back:]
	m.connect(w, all, front, back)
	return m
}

func nameOf(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return fmt.Sprint(list[i%len(list)], "-", i/len(list)+1)
}

// connect draws who calls whom: workloads call those further back, the stores nobody.
func (m *mesh) connect(w *Workload, all []*workload, front, back int) {
	config, c := &w.config.Services, w.chance
	for i := range back {
		first := max(i+1, front)
		z := newZipf(len(all)-first, 0.5)
		called := make(map[int]bool)
		for range min(1+c.poisson(float64(config.Calls-1)), len(all)-first) {
			// The last are the ones that all need.
			to := len(all) - 1 - z.draw(c)
			if called[to] {
				continue
			}
			called[to] = true
			e := &edge{service: all[to].service}
			for _, pod := range all[i].pods {
				p := pool{source: pod}
				for range config.Pool {
					p.connections = append(p.connections, w.adopted(pod, all[to].service))
				}
				e.pools = append(e.pools, p)
			}
			m.edges = append(m.edges, e)
		}
	}
	c.Shuffle(len(m.edges), func(i, j int) { m.edges[i], m.edges[j] = m.edges[j], m.edges[i] })
	z := newZipf(len(m.edges), config.Skew)
	for i, e := range m.edges {
		e.requests = config.Requests * z.share(i)
	}
}

// adopted is a connection that is older than the agents.
func (w *Workload) adopted(source *end, s *service) connection {
	c := w.cluster.call(source, s, w.to)
	c.begins, c.named = false, false
	return c
}

func (m *mesh) play(w *Workload) {
	config, c := &w.config.Services, w.chance
	if config.Rollout > 0 && w.due(config.Rollout, 0) > 0 {
		m.roll(w)
	}
	ending := 1 - math.Exp(-w.config.Interval.Seconds()/config.Lifetime.Seconds())
	use := newZipf(config.Pool, 1)
	for _, e := range m.edges {
		each := e.requests * w.config.Interval.Seconds() / float64(len(e.pools))
		for _, p := range e.pools {
			for i := range p.connections {
				at := &p.connections[i]
				var n news
				n.sent, n.received = w.exchange(c.poisson(each * use.share(i)))
				if c.hits(ending) {
					// The pool dials anew before the next request.
					n.at, n.fate = w.moment(), closedBySource
					if c.hits(0.1) {
						n.fate = resetByDestination
					}
					w.report(at, n)
					*at = w.cluster.call(p.source, e.service, n.at)
				} else if n.sent > 0 {
					w.report(at, n)
				}
			}
		}
	}
}

// roll replaces the pods of the next workload; those who had connections with them dial
// anew.
func (m *mesh) roll(w *Workload) {
	of := m.workloads[m.rolled%len(m.workloads)]
	m.rolled++
	w.cluster.template(of)
	successors := make(map[*end]*end)
	for i, pod := range of.pods {
		w.cluster.stop(pod)
		successors[pod] = w.cluster.start(of, pod.node, i)
		of.pods[i] = successors[pod]
	}
	for _, e := range m.edges {
		for i := range e.pools {
			p := &e.pools[i]
			began, rolled := successors[p.source]
			for j := range p.connections {
				c := &p.connections[j]
				_, lost := successors[c.destination]
				switch {
				case rolled:
					w.report(c, news{at: w.moment(), fate: closedBySource})
					*c = w.cluster.call(began, e.service, c.told)
				case lost:
					w.report(c, news{at: w.moment(), fate: closedByDestination})
					*c = w.cluster.call(p.source, e.service, c.told)
				}
			}
			if rolled {
				p.source = began
			}
		}
	}
}

// exchange is what so many requests and their answers have. Of very many, some are drawn.
func (w *Workload) exchange(requests int) (sent, received uint64) {
	const most = 64
	s := &w.config.Services
	drawn := min(requests, most)
	for range drawn {
		sent += uint64(w.chance.logNormal(s.Request, 0.6))
		received += uint64(w.chance.pareto(s.Response, s.Tail, 16<<20))
	}
	if drawn > 0 {
		sent, received = sent*uint64(requests)/uint64(drawn), received*uint64(requests)/uint64(drawn)
	}
	return sent, received
}
