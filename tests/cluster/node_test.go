package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/daemon"
)

func TestNodes(t *testing.T) {
	before := machineState(t)
	c := New(t, Options{Nodes: 2})
	startPeers(t, c)
	service := create(t, c, "/api/v1/namespaces/default/services", Object{
		"metadata": Object{"name": "peer-1"},
		"spec": Object{
			"selector": Object{"app": "peer-1"},
			"ports":    []Object{{"name": "tcp", "port": 80, "targetPort": 8080}, {"name": "udp", "protocol": "UDP", "port": 80, "targetPort": 8080}},
		},
	})

	t.Run("pods talk across nodes with their own addresses", func(t *testing.T) {
		got := dial(t, c, "peer-0", "-count=3", "-bytes=1000", podIP(t, c, "peer-1")+":8080")
		want := outcome{OK: 3, Sent: 3000, Received: 3000}
		if local := got.Local; !strings.HasPrefix(local, podIP(t, c, "peer-0")+":") {
			t.Errorf("the client's address is %s", local)
		}
		got.Local = ""
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
	t.Run("services lead to their pods", func(t *testing.T) {
		for _, network := range []string{"tcp", "udp"} {
			// kube-proxy writes its rules in its own time.
			err := daemon.Until(t.Context(), patience, func(context.Context) error {
				got := dial(t, c, "peer-0", "-network="+network, clusterIP(t, c, service.Metadata.Name)+":80")
				if got.OK != 1 {
					return fmt.Errorf("%s: %+v", network, got)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("pods reach the API server", func(t *testing.T) {
		if got := dial(t, c, "peer-1", "-bytes=0", serviceAddress+":443"); got.OK != 1 {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("the server counts what it got", func(t *testing.T) {
		var before, after map[string]int
		execute(t, c, "peer-1", &before, "counts")
		dial(t, c, "peer-0", "-network=udp", "-count=4", "-bytes=10", podIP(t, c, "peer-1")+":8080")
		execute(t, c, "peer-1", &after, "counts")
		if datagrams, bytes := after["datagrams"]-before["datagrams"], after["udp_bytes"]-before["udp_bytes"]; datagrams != 4 || bytes != 40 {
			t.Errorf("it counted %d datagrams and %d bytes, want 4 and 40", datagrams, bytes)
		}
		if after["connections"] != before["connections"] {
			t.Error("asking for counts made a connection")
		}
	})
	t.Run("pods are in control groups of their node", func(t *testing.T) {
		want := filepath.Base(c.dir) + "/" + c.NodeName(1) + "/kubepods"
		if !slices.ContainsFunc(processesIn(t, want), func(name string) bool { return strings.Contains(name, "netpeer") }) {
			t.Errorf("no netpeer in a group below %s", want)
		}
	})
	t.Run("a node has an address and a name of its own", func(t *testing.T) {
		out, err := c.NodeCommand(1, "ip", "-brief", "address", "show", "dev", "eth0").CombinedOutput()
		if err != nil || !strings.Contains(string(out), c.NodeAddress(1).String()) {
			t.Errorf("ip address on node 1: %v: %s", err, out)
		}
		out, err = c.NodeCommand(1, "cat", "/proc/sys/kernel/hostname").CombinedOutput()
		if err != nil || string(out) != c.NodeName(1)+"\n" {
			t.Errorf("host name of node 1: %v: %s", err, out)
		}
		if name, err := os.Hostname(); err != nil || name == c.NodeName(1) {
			t.Errorf("host name of this machine: %v: %s", err, name)
		}
	})
	t.Run("an agent of files of this machine runs on every node", func(t *testing.T) {
		const image = "cluster.test/agent:1"
		err := c.LoadImage(t.Context(), Image{
			Name:       image,
			Files:      map[string]string{"/bin/agent": filepath.Join(c.dir, "images", "netpeer")},
			Entrypoint: []string{"/bin/agent"},
		})
		if err != nil {
			t.Fatal(err)
		}
		create(t, c, "/api/v1/namespaces", Object{"metadata": Object{"name": "agents"}})
		create(t, c, "/apis/apps/v1/namespaces/agents/daemonsets", agent(image))
		if err := c.WaitPodsReady(t.Context(), "agents", 2); err != nil {
			t.Error(err)
		}
	})
	t.Run("a deleted pod ends", func(t *testing.T) {
		if err := c.Admin().Do(t.Context(), http.MethodDelete, podsPath+"/peer-0", nil, nil); err != nil {
			t.Fatal(err)
		}
		err := daemon.Until(t.Context(), patience, func(ctx context.Context) error {
			err := c.Admin().Do(ctx, http.MethodGet, podsPath+"/peer-0", nil, nil)
			var refusal *StatusError
			if errors.As(err, &refusal) && refusal.Code == http.StatusNotFound {
				return nil
			}
			return errors.Join(errors.New("it is still there"), err)
		})
		if err != nil {
			t.Error(err)
		}
	})
	t.Run("nothing is left after the end", func(t *testing.T) {
		trace := traceOf(t, c)
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
		trace.gone(t)
		if diff := cmp.Diff(before, machineState(t)); diff != "" {
			t.Errorf("the machine is not as it was (-before +after):\n%s", diff)
		}
	})
}

// startPeers runs a pod with netpeer on each node, peer-<i> on node i.
func startPeers(t *testing.T, c *Cluster) {
	t.Helper()
	for i := range c.nodes {
		name := fmt.Sprintf("peer-%d", i)
		create(t, c, podsPath, peer(name, name, c.NodeName(i)))
	}
	if err := c.WaitPodsReady(t.Context(), "default", len(c.nodes)); err != nil {
		t.Fatal(err)
	}
}

// peer is a pod that serves its port echo.
func peer(name, app, node string) Object {
	return Object{
		"metadata": Object{"name": name, "labels": Object{"app": app}},
		"spec": Object{
			"nodeName": node,
			"containers": []Object{{
				"name": "netpeer", "image": NetpeerImage, "imagePullPolicy": "Never", "args": []string{"serve"},
				"ports": []Object{{"name": "echo", "containerPort": 8080}},
			}},
		},
	}
}

// agent looks into its node as the collector does.
func agent(image string) Object {
	labels := Object{"app": "agent"}
	return Object{
		"metadata": Object{"name": "agent"},
		"spec": Object{
			"selector": Object{"matchLabels": labels},
			"template": Object{
				"metadata": Object{"labels": labels},
				"spec": Object{
					"hostNetwork": true,
					"hostPID":     true,
					"containers": []Object{{
						"name": "agent", "image": image, "imagePullPolicy": "Never", "args": []string{"serve"},
						"securityContext": Object{"privileged": true},
						"volumeMounts": []Object{
							{"name": "bpf", "mountPath": "/sys/fs/bpf", "mountPropagation": "HostToContainer"},
							{"name": "cgroup", "mountPath": "/sys/fs/cgroup", "readOnly": true},
						},
					}},
					"volumes": []Object{
						{"name": "bpf", "hostPath": Object{"path": "/sys/fs/bpf", "type": "Directory"}},
						{"name": "cgroup", "hostPath": Object{"path": "/sys/fs/cgroup", "type": "Directory"}},
					},
				},
			},
		},
	}
}

// outcome is what netpeer prints of a dial.
type outcome struct {
	OK             int
	Sent, Received int64
	Local, Error   string
}

func dial(t *testing.T, c *Cluster, pod string, args ...string) (o outcome) {
	t.Helper()
	execute(t, c, pod, &o, append([]string{"dial"}, args...)...)
	return o
}

// execute runs netpeer in a pod and decodes what it prints.
func execute(t *testing.T, c *Cluster, pod string, out any, args ...string) {
	t.Helper()
	text, err := c.Exec(t.Context(), "default", pod, append([]string{"/netpeer"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, out); err != nil {
		t.Fatalf("netpeer %v printed %q: %v", args, text, err)
	}
}

func podIP(t *testing.T, c *Cluster, name string) string {
	t.Helper()
	return podIPs(t, c, name)[0]
}

// podIPs returns the pod's address of each of the cluster's families.
func podIPs(t *testing.T, c *Cluster, name string) (addresses []string) {
	t.Helper()
	var pod struct {
		Status struct{ PodIPs []struct{ IP string } }
	}
	if err := c.Admin().Do(t.Context(), http.MethodGet, podsPath+"/"+name, nil, &pod); err != nil {
		t.Fatal(err)
	}
	for _, a := range pod.Status.PodIPs {
		addresses = append(addresses, a.IP)
	}
	if want := len(c.options.families()); len(addresses) != want {
		t.Fatalf("pod %s has the addresses %s, want %d", name, addresses, want)
	}
	return addresses
}

func clusterIP(t *testing.T, c *Cluster, name string) string {
	t.Helper()
	var service struct{ Spec struct{ ClusterIP string } }
	if err := c.Admin().Do(t.Context(), http.MethodGet, "/api/v1/namespaces/default/services/"+name, nil, &service); err != nil {
		t.Fatal(err)
	}
	return service.Spec.ClusterIP
}
