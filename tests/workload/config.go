package workload

import (
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// Config says what the cluster does. Start from Default; a part whose first number is 0
// is left out.
type Config struct {
	// Start is when the first interval begins.
	Start time.Time
	// Interval is the receiver's. Default: 5s, as the receiver's own.
	Interval time.Duration
	// KeepSourcePort is the receiver's merge_source_ports turned off. Default: merged.
	KeepSourcePort flow.KeepSourcePort
	// Nodes are spread over three zones; the first runs the API server. Default: 12, of 7
	// to 21 pods beside those in the node's network.
	Nodes int

	Services Services
	Web      Web
	Lookups  Lookups
	Jobs     Jobs
	Upkeep   Upkeep
	Denied   Denied
	Scan     Scan
}

// Services call each other over connections that are kept. Pools of connections that live
// long and carry traffic in bursts are what data centres have been found to be full of
// (Roy et al., "Inside the Social Network's (Datacenter) Network", SIGCOMM 2015).
type Services struct {
	// Workloads are in four layers: a seventh is called from outside, a fifth are stores.
	// Default: 32.
	Workloads int
	// Replicas is how many pods the busiest have; the others have fewer, down to two.
	// Default: 8.
	Replicas int
	// Calls is how many others a workload calls, on average. The callees are drawn by
	// Zipf's law, so that a few are called by most, as in Alibaba's call graphs (Luo et
	// al., SoCC 2021). Default: 3.
	Calls int
	// Pool is how many connections a pod holds to a service it calls. The first is used
	// most, the last hardly: pools hand out what was returned last. Default: 4, between the
	// 2 that Go's HTTP client keeps idle and the 10 of common pools of databases.
	Pool int
	// Requests are those of all calls, for a second. They are shared out by Zipf's law
	// with exponent Skew. Default: 1500 and 1.3.
	Requests, Skew float64
	// Rollout is how often one of the workloads has all its pods replaced: other names,
	// addresses, labels. Default: 3m, much more often than a cluster of this size would, for
	// that is what an aggregation has to get right.
	Rollout time.Duration
	// Lifetime is the mean of a connection's, exponential. Default: 10m.
	Lifetime time.Duration
	// Request is the median of what a request has, log-normal. Response is the least of
	// what an answer has; its tail is Pareto's with exponent Tail, up to 16 MiB. Default:
	// 600, 400 and 1.2; sizes on the web have been found to have 1.0 to 1.3 (Crovella and
	// Bestavros, 1997).
	Request, Response, Tail float64
}

// Web is a tier of short connections: clients outside, behind a load balancer that keeps
// their addresses (externalTrafficPolicy: Local), an ingress that calls its pods without
// keep-alive, and pods that ask a store of sessions anew for each request, as PHP does.
type Web struct {
	// Clients is how many addresses there are. Some come much more often: Zipf's law with
	// exponent Skew, for requests on the web 0.6 to 0.9 (Breslau et al., 1999). Default:
	// 20000 and 0.8.
	Clients int
	Skew    float64
	// Connections begin in a second. Default: 60.
	Connections float64
	// Requests is the mean of a connection's, geometric. Default: 2.
	Requests float64
	// Lingering is the share of connections that the client keeps for Linger, exponential,
	// after its last request; the others are closed at once. Default: 0.2 and 15s.
	Lingering float64
	Linger    time.Duration
	// Ingresses and Pods are the replicas of the two tiers. Default: 3 and 6.
	Ingresses, Pods int
	// Sessions is the share of requests that ask the store. Default: 0.7.
	Sessions float64
}

// Lookups are those of all pods at the cluster's DNS, over UDP. Each try is a flow that
// is over after the receiver's idle timeout for UDP. With the options of a pod by default
// (ndots:5 and three domains to search) a name of the cluster takes one or two tries and
// one outside four, each for A and AAAA, of which all but the last are NXDOMAIN.
type Lookups struct {
	// Servers is how many pods of CoreDNS there are. Default: 3.
	Servers int
	// Rate is the lookups of a pod for a second, the median of a log-normal spread over
	// pods. Default: 0.1.
	Rate float64
	// External is the share of names outside the cluster. Default: 0.25.
	External float64
	// Idle is the receiver's engines.datagram.idle_timeout.udp. Default: 30s.
	Idle time.Duration
	// Unanswered is the share of queries without an answer. Default: 0.0005.
	Unanswered float64
}

// Jobs are CronJobs: each run has pods with new names and addresses, which read from a
// store and write to an object storage outside, much and in parts.
type Jobs struct {
	// CronJobs run every one, two and five minutes in turn. Default: 6.
	CronJobs int
	// Parallel is how many pods a run has. Default: 2.
	Parallel int
	// Length is the median of a pod's run, log-normal. Default: 40s.
	Length time.Duration
	// Part is the median of an upload, log-normal, one after the other for some seconds.
	// Default: 16 MiB; multipart uploads begin at 5 MiB.
	Part float64
}

// Upkeep is what nodes and the cluster do for themselves: probes of the kubelet (10s by
// default), the kubelet's, kube-proxy's and controllers' watches at the API server,
// scrapes of metrics from pods and from each node's own network, and a log forwarder.
type Upkeep struct {
	// Probes of each pod are made in an interval of ProbePeriod, each a connection.
	// Default: 2, liveness and readiness, and 10s.
	Probes      int
	ProbePeriod time.Duration
	// Scrapes are made over kept connections every ScrapePeriod by each of Scrapers.
	// Default: 1 and 30s.
	Scrapers     int
	ScrapePeriod time.Duration
}

// Denied is traffic of misconfigured pods, again and again: packets that a policy drops
// at either end or rejects, ports that nobody listens at, and backends that do not answer.
type Denied struct {
	// Pairs is how many workloads try what they may not. Default: 10.
	Pairs int
	// Period is the time between two attempts of a pod; Patience is when it gives up.
	// Default: 5s and 3s, in which a SYN is sent again once.
	Period, Patience time.Duration
}

// Scan is one pod that connects to every address of the pods' network, port by port.
type Scan struct {
	// Rate is the connects for a second. Default: 50, slow enough to be overlooked.
	Rate float64
	// After and For bound it. Default: 3m and 2m.
	After, For time.Duration
	// Closed is the share of addresses where a policy drops. The others refuse, or at
	// unused addresses nobody is found. Default: 0.8.
	Closed float64
}

// Default is the reference. A measurement that says nothing else uses it.
func Default() Config {
	return Config{
		Start:    time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC),
		Interval: 5 * time.Second,
		Nodes:    12,
		Services: Services{
			Workloads: 32, Replicas: 8, Calls: 3, Pool: 4, Requests: 1500, Skew: 1.3,
			Rollout: 3 * time.Minute, Lifetime: 10 * time.Minute, Request: 600, Response: 400, Tail: 1.2,
		},
		Web: Web{
			Clients: 20_000, Skew: 0.8, Connections: 60, Requests: 2, Lingering: 0.2, Linger: 15 * time.Second,
			Ingresses: 3, Pods: 6, Sessions: 0.7,
		},
		Lookups: Lookups{Servers: 3, Rate: 0.1, External: 0.25, Idle: 30 * time.Second, Unanswered: 0.0005},
		Jobs:    Jobs{CronJobs: 6, Parallel: 2, Length: 40 * time.Second, Part: 16 << 20},
		Upkeep:  Upkeep{Probes: 2, ProbePeriod: 10 * time.Second, Scrapers: 1, ScrapePeriod: 30 * time.Second},
		Denied:  Denied{Pairs: 10, Period: 5 * time.Second, Patience: 3 * time.Second},
		Scan:    Scan{Rate: 50, After: 3 * time.Minute, For: 2 * time.Minute, Closed: 0.8},
	}
}
