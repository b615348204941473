// Package workload makes the flow records of a cluster that does not exist: the reference
// that aggregation, stores and exporters are measured with. They are what the agents of
// all nodes send after flowlog and flow_k8s with the whole cluster in view: both ends with
// pod, labels, workload, node and service, the reporter's process and cgroup, addresses
// before translation, TCP health, and DNS as with the receiver's dns engine on.
//
//	w := workload.New(1, workload.Default())
//	for range 60 { // ten minutes
//		for _, batch := range w.Next() { // one of each node
//			logs := flow.Encode(&batch, w.Now())
//			…
//		}
//	}
//
// The same seed and configuration make the same records. Connections are played one by
// one, told by the agents of both ends, and merged by flow.Key as the receiver does, so
// what holds for the receiver's records holds for these: a connection is started and
// completed once, seen is completed plus open, and an idle one is not told of.
//
// The parts, each with its own parameters in Config, are what clusters have in common.
// Their proportions are a choice. Where a shape is known from measurements or follows from
// a default of Kubernetes, the parameter says so. What is left out: IPv6, losses, signs of
// life, command lines, and the agents' own traffic.
package workload
