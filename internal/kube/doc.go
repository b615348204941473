// Package kube watches a cluster for the components that ask about it. There is one Cluster
// for each API server and scope in a process, however many components use it, and one
// watch for each kind of object in it.
//
// Objects go from the watch straight into the index of package identity, which keeps what
// is used of them; nothing else holds them. A watch that breaks goes on by itself;
// until then the index answers with what it has, and Status tells since when.
//
// An Elector chooses one of several processes for what only one is to do.
package kube
