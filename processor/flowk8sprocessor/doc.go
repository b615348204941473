// Package flowk8sprocessor is a collector processor that tells who stands at the two ends
// of a flow: pod, container, workload, service, node, or named network.
package flowk8sprocessor
