package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/daemon"
)

const (
	podsPath        = "/api/v1/namespaces/default/pods"
	replicaSetsPath = "/apis/apps/v1/namespaces/default/replicasets"
)

func TestObjectsAreKeptAndWatched(t *testing.T) {
	c := New(t, Options{})
	events := watchPods(t, c)

	owner := create(t, c, replicaSetsPath, replicaSet("web-5d4f8"))
	create(t, c, podsPath, ownedPod("web-5d4f8-x7k2p", owner))

	select {
	case e := <-events:
		if e.Type != "ADDED" || e.Object.Metadata.Name != "web-5d4f8-x7k2p" {
			t.Errorf("the watch saw %+v", e)
		}
		if owners := e.Object.Metadata.OwnerReferences; len(owners) != 1 || owners[0].Name != "web-5d4f8" {
			t.Errorf("the pod's owners are %+v", owners)
		}
	case <-time.After(patience):
		t.Fatal("the watch saw nothing")
	}
}

func TestUserMayDoWhatARoleSays(t *testing.T) {
	c := New(t, Options{})
	alice, err := c.User("alice", "readers")
	if err != nil {
		t.Fatal(err)
	}
	err = alice.Do(t.Context(), http.MethodGet, podsPath, nil, nil)
	var refusal *StatusError
	if !errors.As(err, &refusal) || refusal.Code != http.StatusForbidden || refusal.Reason != "Forbidden" {
		t.Fatalf("without a role: %v, want a refusal with 403", err)
	}

	const rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/"
	create(t, c, rbac+"roles", Object{
		"metadata": Object{"name": "readers"},
		"rules":    []Object{{"apiGroups": []string{""}, "resources": []string{"pods"}, "verbs": []string{"list"}}},
	})
	create(t, c, rbac+"rolebindings", Object{
		"metadata": Object{"name": "readers"},
		"roleRef":  Object{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "readers"},
		"subjects": []Object{{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "readers"}},
	})
	err = daemon.Until(t.Context(), patience, func(ctx context.Context) error {
		return alice.Do(ctx, http.MethodGet, podsPath, nil, nil)
	})
	if err != nil {
		t.Errorf("with the role: %v", err)
	}
}

func TestAPIServerKeepsDataAndAddressOverAStop(t *testing.T) {
	c := New(t, Options{})
	create(t, c, replicaSetsPath, replicaSet("kept"))
	if err := c.StopAPIServer(); err != nil {
		t.Fatal(err)
	}
	if err := c.Admin().Do(t.Context(), http.MethodGet, "/readyz", nil, nil); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("while stopped: %v, want a refused connection", err)
	}
	if err := c.StartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Admin().Do(t.Context(), http.MethodGet, replicaSetsPath+"/kept", nil, nil); err != nil {
		t.Error(err)
	}
}

func TestPausedAPIServerAnswersAfterThePause(t *testing.T) {
	c := New(t, Options{})
	if err := c.PauseAPIServer(); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := c.Admin().Do(short, http.MethodGet, "/readyz", nil, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while paused: %v, want no answer", err)
	}
	if err := c.ResumeAPIServer(); err != nil {
		t.Fatal(err)
	}
	if err := c.Admin().Do(t.Context(), http.MethodGet, "/readyz", nil, nil); err != nil {
		t.Error(err)
	}
}

func TestControllersMakePodsOfADeployment(t *testing.T) {
	c := New(t, Options{ControllerManager: true, Scheduler: true, Kwok: true})
	if err := c.AddFakeNodes(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	set := replicaSet("web")
	set["spec"].(Object)["replicas"] = 3
	create(t, c, "/apis/apps/v1/namespaces/default/deployments", set)
	if err := c.WaitPodsReady(t.Context(), "default", 3); err != nil {
		t.Error(err)
	}
}

func TestThousandFakePods(t *testing.T) {
	c := New(t, Options{Kwok: true})
	if err := c.AddFakeNodes(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	err := c.AddFakePods(t.Context(), "default", 1000, func(_ int, pod Object) {
		pod["metadata"].(Object)["labels"] = Object{"app": "fake"}
	})
	if err != nil {
		t.Fatal(err)
	}
	var pods struct {
		Items []struct {
			Spec   struct{ NodeName string }
			Status struct{ PodIP string }
		}
	}
	if err := c.Admin().Do(t.Context(), http.MethodGet, podsPath+"?labelSelector=app%3Dfake", nil, &pods); err != nil {
		t.Fatal(err)
	}
	nodes, addresses := map[string]int{}, map[string]bool{}
	for _, pod := range pods.Items {
		nodes[pod.Spec.NodeName]++
		addresses[pod.Status.PodIP] = true
	}
	// kwok at times gives an address to two pods that it starts at once.
	if len(pods.Items) != 1000 || addresses[""] || len(addresses) < 990 || len(nodes) != 10 {
		t.Errorf("%d pods have %d addresses on %d nodes, want 1000, nearly as many, none empty, and 10", len(pods.Items), len(addresses), len(nodes))
	}
}

func TestStopLeavesNothing(t *testing.T) {
	c, err := Start(t.Context(), Options{ControllerManager: true, Scheduler: true, Kwok: true})
	if err != nil {
		t.Fatal(err)
	}
	dir, processes := c.dir, slices.Clone(c.processes)
	if err := c.PauseAPIServer(); err != nil { // a paused process ends as well
		t.Fatal(err)
	}
	for range 2 {
		if err := c.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	if len(processes) != 5 {
		t.Errorf("%d processes ran, want 5", len(processes))
	}
	for _, p := range processes {
		if err := syscall.Kill(p.Cmd.Process.Pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("%s after Stop: %v, want no such process", p.Name, err)
		}
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the data after Stop: %v, want none", err)
	}
	if conn, err := net.Dial("tcp", c.apiAddress.String()); err == nil {
		conn.Close()
		t.Errorf("something listens at %s", c.apiAddress)
	}
}

func TestFailedStartSaysWhichProcessAndWhy(t *testing.T) {
	c := New(t, Options{})
	if err := c.StopAPIServer(); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", c.apiAddress.String())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	err = c.StartAPIServer(t.Context())
	if err == nil {
		t.Fatal("the API server started on a port that is taken")
	}
	for _, want := range []string{"kube-apiserver: not ready: it has ended: exit status 1", "address already in use"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
}

func replicaSet(name string) Object {
	return Object{
		"metadata": Object{"name": name},
		"spec": Object{
			"replicas": 0,
			"selector": Object{"matchLabels": Object{"app": name}},
			"template": Object{
				"metadata": Object{"labels": Object{"app": name}},
				"spec":     Object{"containers": []Object{{"name": "main", "image": "fake"}}},
			},
		},
	}
}

func ownedPod(name string, owner created) Object {
	return Object{
		"metadata": Object{
			"name": name,
			"ownerReferences": []Object{{
				"apiVersion": "apps/v1", "kind": "ReplicaSet", "controller": true,
				"name": owner.Metadata.Name, "uid": owner.Metadata.UID,
			}},
		},
		"spec": Object{"containers": []Object{{"name": "main", "image": "fake"}}},
	}
}

// created is what is read of an object that was made.
type created struct {
	Metadata struct {
		Name, UID       string
		OwnerReferences []struct{ Name string }
	}
}

func create(t *testing.T, c *Cluster, path string, o Object) (made created) {
	t.Helper()
	if err := c.Admin().Do(t.Context(), http.MethodPost, path, o, &made); err != nil {
		t.Fatal(err)
	}
	return made
}

type event struct {
	Type   string
	Object created
}

// watchPods sends what happens to the pods of the default namespace until the test
// ends.
func watchPods(t *testing.T, c *Cluster) <-chan event {
	t.Helper()
	resp, err := c.Admin().request(t.Context(), http.MethodGet, podsPath+"?watch=true", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	events := make(chan event, 10)
	go func() {
		defer close(events)
		for dec := json.NewDecoder(resp.Body); ; {
			var e event
			if dec.Decode(&e) != nil {
				return
			}
			events <- e
		}
	}()
	return events
}
