package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// Object is an object of Kubernetes as JSON has it.
type Object = map[string]any

// writers is how many requests CreateAll has under way.
const writers = 16

// CreateAll posts the objects to a path such as "/api/v1/nodes", many at a time and
// in no order, and returns when all are there. Of several refusals it returns the
// first, and does not begin others.
func (c *Client) CreateAll(ctx context.Context, path string, objects iter.Seq[Object]) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	queue := make(chan Object)
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for o := range queue {
				if err := c.Do(ctx, http.MethodPost, path, o, nil); err != nil {
					cancel(err)
				}
			}
		})
	}
	for o := range objects {
		if ctx.Err() != nil {
			break
		}
		queue <- o
	}
	close(queue)
	wg.Wait()
	return context.Cause(ctx)
}

// WaitPodsReady returns when a namespace has n pods or more and all of them are
// ready. It is bounded; the error names a pod that was not.
func (c *Cluster) WaitPodsReady(ctx context.Context, namespace string, n int) error {
	return c.waitPods(ctx, c.apiServer, namespace, n)
}

// waitPods waits for pods that need a process to become ready.
func (c *Cluster) waitPods(ctx context.Context, need *process, namespace string, n int) error {
	path := "/api/v1/namespaces/" + namespace + "/pods"
	return need.Ready(ctx, patienceFor(n), fmt.Sprintf("namespace %s has not %d ready pods", namespace, n), func(ctx context.Context) error {
		// The server finds out cheaply that the long list is not worth asking for.
		var pending list
		if err := c.admin.Do(ctx, http.MethodGet, path+"?limit=1&fieldSelector=status.phase%21%3DRunning", nil, &pending); err != nil {
			return err
		}
		if len(pending.Items) > 0 {
			return fmt.Errorf("pod %s does not run", pending.Items[0].Metadata.Name)
		}
		return c.allReady(ctx, path, n)
	})
}

// patienceFor bounds a wait for n objects.
func patienceFor(n int) time.Duration { return patience + time.Duration(n)*50*time.Millisecond }

// Exec runs a command in the first container of a pod on a real node, and returns
// what it printed to its standard output. It is bounded by patience.
func (c *Cluster) Exec(ctx context.Context, namespace, pod string, command ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	args := append([]string{"--kubeconfig=" + c.Kubeconfig(), "--namespace=" + namespace, "exec", pod, "--"}, command...)
	out, err := exec.CommandContext(ctx, c.Kubectl(), args...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return out, fmt.Errorf("run %v in pod %s/%s: %w: %s", command, namespace, pod, err, exit.Stderr)
	}
	return out, err
}

// StaticPod gives the i-th node's kubelet the manifest of a pod that no API server is
// asked about, or another for the one of that file. The pod is called name-node.
func (c *Cluster) StaticPod(i int, name string, pod Object) error {
	text, err := json.Marshal(pod)
	if err != nil {
		return fmt.Errorf("encode manifest of %s: %w", name, err)
	}
	// The kubelet passes over names that begin with a dot, and so reads no half of a file.
	dir := c.nodes[i].file(manifests)
	whole, half := filepath.Join(dir, name+".json"), filepath.Join(dir, "."+name)
	if err := os.WriteFile(half, text, 0o600); err != nil {
		return err
	}
	return os.Rename(half, whole)
}

// list is what is read of a list of pods or nodes.
type list struct {
	Items []struct {
		Metadata struct{ Name string }
		Status   struct {
			Conditions []struct{ Type, Status, Reason, Message string }
		}
	}
}

func (c *Cluster) allReady(ctx context.Context, path string, n int) error {
	var l list
	if err := c.admin.Do(ctx, http.MethodGet, path, nil, &l); err != nil {
		return err
	}
	if len(l.Items) < n {
		return fmt.Errorf("there are %d", len(l.Items))
	}
	for _, item := range l.Items {
		err := errors.New("it has no condition Ready")
		for _, condition := range item.Status.Conditions {
			if condition.Type == "Ready" && condition.Status == "True" {
				err = nil
			} else if condition.Type == "Ready" {
				err = fmt.Errorf("%s %s", condition.Reason, condition.Message)
			}
		}
		if err != nil {
			return fmt.Errorf("%s is not ready: %w", item.Metadata.Name, err)
		}
	}
	return nil
}
