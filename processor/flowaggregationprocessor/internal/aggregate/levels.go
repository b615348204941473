package aggregate

import (
	"slices"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// The attributes that are known here by what they mean; see also schema.number.
const (
	idName        = "flow.id"
	estimatedName = "flow.aggregation.estimated"
	samplingName  = "flow.sampling.rate"
	reporterName  = "flow.reporter"
)

// leaveAt is which attributes each level leaves out of the key, beside those that the
// level before left out. No level tells records apart by what LevelAll leaves out: it
// follows from other attributes, or changes while a connection lives. What is not named
// here is in the key at every level, but the overflow's.
var leaveAt = map[flow.Level][]string{
	flow.LevelAll: slices.Concat(
		[]string{"destination.domains", "process.pid", "process.command_line", "flow.tcp.final_state", estimatedName},
		ofBoth("k8s.pod.labels", "k8s.namespace.labels"),
	),
	flow.LevelPorts: {"source.port", "source.original.port"},
	flow.LevelWorkloads: slices.Concat(
		ofBoth("address", "original.address", "process.executable.name",
			"k8s.pod.name", "k8s.pod.uid", "k8s.pod.prefix", "k8s.container.name", "k8s.node.name", "cloud.availability_zone"),
		[]string{
			"destination.original.port", "network.namespace.inode", "flow.deny.interface.name", "flow.deny.namespace.inode",
			"process.executable.name", "process.linux.cgroup", "container.id",
		},
	),
	flow.LevelServices: {
		"destination.port", "destination.k8s.service.port", "destination.k8s.service.port_name",
		"network.icmp.type", "network.icmp.code",
	},
}

// instances are ids of what comes and goes. From LevelWorkloads on they are dropped, even
// where all records share one: they are the dearest attributes to keep, and what they are
// good for needs all of the records.
var instances = slices.Concat(
	ofBoth("k8s.pod.uid"),
	[]string{"container.id", "process.linux.cgroup", "network.namespace.inode", "flow.deny.namespace.inode"},
)

// overflowKeys are all that an overflow record tells: who saw it, what was done, and what
// a view needs to count it once.
var overflowKeys = []string{
	"host.name", "k8s.node.name", "k8s.cluster.name",
	reporterName, "flow.peer.observed", "flow.action", "network.transport", samplingName,
}

// observerKeys are who saw it.
var observerKeys = overflowKeys[:3]

// alwaysKeys are in every list of keys: a view that counts once, or that tells what was
// denied, cannot add up records that differ in them.
var alwaysKeys = []string{reporterName, "flow.peer.observed", "flow.action", samplingName}

// conditionals are in the key where nothing better tells an end apart: a host by its
// node, a pod whose workload is not known by the prefix of its name. They are of the
// levels that otherwise leave them out.
var conditionals = []struct {
	attribute, on string
	// host is set when on has to be host, otherwise it has to be absent.
	host bool
}{
	{"source.k8s.node.name", "source.type", true},
	{"destination.k8s.node.name", "destination.type", true},
	{"source.k8s.pod.prefix", "source.k8s.workload.name", false},
	{"destination.k8s.pod.prefix", "destination.k8s.workload.name", false},
}

func ofBoth(names ...string) []string {
	var both []string
	for _, name := range names {
		both = append(both, "source."+name, "destination."+name)
	}
	return both
}
