// Package identity knows who held an address at a time: the pods, nodes and services
// of a cluster, and the containers and UIDs that pods go by on their node. It is told
// by the writers of package kube and asked for every end of every flow.
//
// An address has a line of tenures, one for each that held it. A tenure has three times:
// since when its holder may have had the address (the pod's start, which comes before its
// network), since when it surely had it (a container ran, or the address was seen), and
// when it lost it: when the pod completed, or was seen to be deleted. Between the first
// two the holder before may not have left; a question that touches this span, or more
// than one tenure, has no answer but Ambiguous. What has ended stays for a grace period,
// because flows arrive later than they happen.
//
// Questions take a read lock on one of many shards and allocate nothing. Writers change
// one shard at a time, so that neither waits for long; everything they hand over is
// immutable from then on.
package identity
