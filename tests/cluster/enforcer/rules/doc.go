// Package rules says in the language of nft what the NetworkPolicies of a cluster
// mean on one of its nodes. It is a pure function from objects to text: who watches
// the objects, and who hands the text to the kernel, is elsewhere.
//
// A packet on its way through the node passes two chains: that of egress, when it
// comes from a pod of the node, then that of ingress, when it goes to one. Each sends
// it to the chain of that pod, if a policy isolates the pod in that direction. There
// it is accepted by one of the policies, or dropped. What begins or ends on the node
// itself passes neither: a node always reaches its pods, as probes must, and its pods
// always reach it. Addresses are those after the translation of services.
package rules
