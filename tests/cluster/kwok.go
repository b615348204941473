package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
)

const (
	// fakeLabel marks the nodes that kwok plays.
	fakeLabel, fakeValue = "type", "kwok"
	fakeNodes            = "/api/v1/nodes?labelSelector=" + fakeLabel + "%3D" + fakeValue
	// fakePodCIDR holds the addresses of pods on them.
	fakePodCIDR = "10.100.0.0/16"
)

func (c *Cluster) startKwok(context.Context) error {
	cmd := exec.Command(c.program(kwokBinaries, "kwok"),
		"--kubeconfig="+c.Kubeconfig(),
		"--config="+c.program(kwokBinaries, stagesFile),
		"--manage-all-nodes=false",
		"--manage-nodes-with-label-selector="+fakeLabel+"="+fakeValue,
		"--cidr="+fakePodCIDR,
		"--node-ip="+nowhere)
	cmd.Env = append(os.Environ(), "HOME="+c.dir) // kwok reads its configuration there too
	var err error
	c.kwok, err = c.start("kwok", cmd)
	return err
}

// AddFakeNodes adds nodes named fake-0 to fake-<n-1>, which kwok keeps ready, and
// returns when they are. Beside real nodes they are tainted, so that the scheduler
// leaves them alone.
func (c *Cluster) AddFakeNodes(ctx context.Context, n int) error {
	if c.kwok == nil {
		return errors.New("add fake nodes: set Options.Kwok, which plays them")
	}
	var taints []Object
	if len(c.nodes) > 0 {
		// Pods that are meant to run must not end up here.
		taints = []Object{{"key": "kwok.x-k8s.io/node", "value": "fake", "effect": "NoSchedule"}}
	}
	err := c.admin.CreateAll(ctx, "/api/v1/nodes", func(yield func(Object) bool) {
		for i := range n {
			name := fmt.Sprintf("fake-%d", i)
			if !yield(Object{
				"apiVersion": "v1", "kind": "Node",
				"metadata": Object{
					"name":        name,
					"labels":      Object{fakeLabel: fakeValue, "kubernetes.io/hostname": name},
					"annotations": Object{"kwok.x-k8s.io/node": "fake"},
				},
				"spec":   Object{"taints": taints},
				"status": Object{"allocatable": Object{"cpu": "1000", "memory": "1000Gi", "pods": "100000"}},
			}) {
				return
			}
		}
	})
	if err != nil {
		return fmt.Errorf("create fake nodes: %w", err)
	}
	return c.kwok.Ready(ctx, patienceFor(n), fmt.Sprintf("there are not %d ready fake nodes", n), func(ctx context.Context) error {
		return c.allReady(ctx, fakeNodes, n)
	})
}

// AddFakePods adds pods named fake-0 to fake-<n-1> in a namespace, spread over the
// fake nodes there are, and returns when all of them run. edit, unless it is nil,
// may change each before it is created: give it labels, an owner, a port.
func (c *Cluster) AddFakePods(ctx context.Context, namespace string, n int, edit func(i int, pod Object)) error {
	var nodes list
	if err := c.admin.Do(ctx, http.MethodGet, fakeNodes, nil, &nodes); err != nil {
		return fmt.Errorf("list fake nodes: %w", err)
	}
	if c.kwok == nil || len(nodes.Items) == 0 {
		return fmt.Errorf("add fake pods: there are no fake nodes; AddFakeNodes makes some")
	}
	path := "/api/v1/namespaces/" + namespace + "/pods"
	err := c.admin.CreateAll(ctx, path, func(yield func(Object) bool) {
		for i := range n {
			pod := Object{
				"apiVersion": "v1", "kind": "Pod",
				"metadata": Object{"name": fmt.Sprintf("fake-%d", i)},
				"spec": Object{
					"nodeName":   nodes.Items[i%len(nodes.Items)].Metadata.Name,
					"containers": []Object{{"name": "fake", "image": "fake"}},
				},
			}
			if edit != nil {
				edit(i, pod)
			}
			if !yield(pod) {
				return
			}
		}
	})
	if err != nil {
		return fmt.Errorf("create fake pods: %w", err)
	}
	return c.waitPods(ctx, c.kwok, namespace, n)
}
