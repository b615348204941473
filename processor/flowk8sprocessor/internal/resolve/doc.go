// Package resolve tells what stands at the two ends of a flow, from what its record says
// and what is known of the cluster and of named networks.
//
// The nearest observation wins: what an earlier instance found, then the reporter's
// own cgroup and network namespace, then the address at that time. What none of them
// tells stays unknown.
package resolve
