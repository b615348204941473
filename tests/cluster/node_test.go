package cluster

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
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
			err := until(t.Context(), patience, func(context.Context) error {
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
	t.Run("a node's network is its own", func(t *testing.T) {
		out, err := c.NodeCommand(0, "ip", "-brief", "address", "show", "dev", "eth0").CombinedOutput()
		if err != nil || !strings.Contains(string(out), c.NodeAddress(0).String()) {
			t.Errorf("ip address on node 0: %v: %s", err, out)
		}
		own, err := os.Readlink("/proc/self/ns/net")
		if err != nil {
			t.Fatal(err)
		}
		if node, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", c.NodePID(0))); err != nil || node == own {
			t.Errorf("node 0 is in %s (%v), as this machine is", node, err)
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

// killedEnv tells this test's own binary to start a cluster, say so, and wait to be
// killed.
const killedEnv = "FLOWLOGS_CLUSTER_TO_BE_KILLED"

func TestKilledClusterIsCleanedUp(t *testing.T) {
	if os.Getenv(killedEnv) != "" {
		c := New(t, Options{Nodes: 1})
		startPeers(t, c)
		text, err := json.Marshal(traceOf(t, c))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("\ntrace %s\n", text)
		time.Sleep(patience)
		return
	}
	before := machineState(t)
	trace := startAndKill(t, exec.Command(os.Args[0], "-test.run=^TestKilledClusterIsCleanedUp$", "-test.v"))
	err := until(t.Context(), patience, func(context.Context) error {
		if left := processesIn(t, trace.Group); len(left) > 0 {
			return fmt.Errorf("still running: %v", left)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if err := removeLeftovers(t.Context()); err != nil {
		t.Fatal(err)
	}
	trace.gone(t)
	if diff := cmp.Diff(before, machineState(t)); diff != "" {
		t.Errorf("the machine is not as it was (-before +after):\n%s", diff)
	}
}

// startAndKill waits until the command says what traces its cluster leaves, and
// kills it.
func startAndKill(t *testing.T, cmd *exec.Cmd) (left trace) {
	t.Helper()
	cmd.Env = append(os.Environ(), killedEnv+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	limit := time.AfterFunc(2*patience, func() { cmd.Process.Kill() })
	defer limit.Stop()
	var said strings.Builder
	for scan := bufio.NewScanner(out); scan.Scan(); {
		said.WriteString(scan.Text() + "\n")
		if text, ok := strings.CutPrefix(scan.Text(), "trace "); ok {
			if err := json.Unmarshal([]byte(text), &left); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	cmd.Process.Kill()
	cmd.Wait()
	if left.Group == "" {
		t.Fatalf("the cluster to be killed did not start:\n%s", said.String())
	}
	return left
}

// trace is what tells one cluster's remains from those of others.
type trace struct {
	Dir, Group string
	Link       int // index of the machine's interface
}

func traceOf(t *testing.T, c *Cluster) trace {
	t.Helper()
	link, err := netlink.LinkByName(c.fabric.machineLink())
	if err != nil {
		t.Fatal(err)
	}
	return trace{c.dir, filepath.Base(c.dir), link.Attrs().Index}
}

// gone fails the test if anything of the cluster is left.
func (tr trace) gone(t *testing.T) {
	t.Helper()
	if left := processesIn(t, tr.Group); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
	for _, pattern := range []string{tr.Dir, "/sys/fs/cgroup/" + tr.Group, "/sys/fs/cgroup/*/" + tr.Group} {
		if left, err := filepath.Glob(pattern); err != nil || len(left) > 0 {
			t.Errorf("files are left: %v %v", left, err)
		}
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil || strings.Contains(string(mounts), tr.Group) {
		t.Errorf("mounts are left: %v\n%s", err, mounts)
	}
	// The kernel takes its time over a namespace that nobody removed.
	err = until(t.Context(), patience, func(context.Context) error {
		link, err := netlink.LinkByIndex(tr.Link)
		if err == nil {
			return fmt.Errorf("interface %s is left", link.Attrs().Name)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// startPeers runs a pod with netpeer on each node, peer-<i> on node i.
func startPeers(t *testing.T, c *Cluster) {
	t.Helper()
	for i := range c.nodes {
		name := fmt.Sprintf("peer-%d", i)
		create(t, c, podsPath, Object{
			"metadata": Object{"name": name, "labels": Object{"app": name}},
			"spec": Object{
				"nodeName": c.NodeName(i),
				"containers": []Object{{
					"name": "netpeer", "image": NetpeerImage, "imagePullPolicy": "Never", "args": []string{"serve"},
				}},
			},
		})
	}
	if err := c.WaitPodsReady(t.Context(), "default", len(c.nodes)); err != nil {
		t.Fatal(err)
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
	var pod struct{ Status struct{ PodIP string } }
	if err := c.Admin().Do(t.Context(), http.MethodGet, podsPath+"/"+name, nil, &pod); err != nil {
		t.Fatal(err)
	}
	return pod.Status.PodIP
}

func clusterIP(t *testing.T, c *Cluster, name string) string {
	t.Helper()
	var service struct{ Spec struct{ ClusterIP string } }
	if err := c.Admin().Do(t.Context(), http.MethodGet, "/api/v1/namespaces/default/services/"+name, nil, &service); err != nil {
		t.Fatal(err)
	}
	return service.Spec.ClusterIP
}

// machineState is what a cluster shares with the machine and leaves as it found it.
func machineState(t *testing.T) map[string][]string {
	t.Helper()
	state := map[string][]string{}
	for name := range sysctls {
		value, err := os.ReadFile("/proc/sys/" + strings.ReplaceAll(name, ".", "/"))
		if err != nil {
			t.Fatal(err)
		}
		state[name] = []string{strings.TrimSpace(string(value))}
	}
	forward, err := os.ReadFile("/proc/sys/net/ipv4/ip_forward")
	if err != nil {
		t.Fatal(err)
	}
	state["net.ipv4.ip_forward"] = []string{string(forward)}
	for _, pattern := range []string{
		"/var/log/containers/*", "/var/log/pods/*", "/var/lib/cni/*", "/var/lib/kubelet/*",
		"/run/containerd/*", "/run/netns/cni-*",
	} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		state[pattern] = names
	}
	return state
}

// processesIn names the processes in a control group and below.
func processesIn(t *testing.T, group string) (names []string) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil || !strings.Contains(string(text), "0::/"+group+"/") {
			continue
		}
		// What has ended and waits for init to take note has no command line.
		if command, _ := os.ReadFile(filepath.Join(filepath.Dir(name), "cmdline")); len(command) > 0 {
			names = append(names, strings.ReplaceAll(string(command), "\x00", " "))
		}
	}
	return names
}
