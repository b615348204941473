// Package cluster gives tests a real Kubernetes: etcd, the API server and what
// else they ask for, started as processes of this machine within seconds and gone
// with the test. The programs are built from their Go modules once per version.
//
//	c := cluster.New(t, cluster.Options{ControllerManager: true})
//	err := c.Admin().Do(t.Context(), "GET", "/api/v1/nodes", nil, &nodes)
//
// docs/design/test-cluster.md has the reasons and the limits.
package cluster
