package cluster

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/daemon"
)

// killedEnv tells this test's own binary to start a cluster, say so, and wait to be
// killed.
const killedEnv = "FLOWLOGS_CLUSTER_TO_BE_KILLED"

func TestKilledClusterIsCleanedUp(t *testing.T) {
	if os.Getenv(killedEnv) != "" {
		c := New(t, Options{Nodes: 1, DualStack: true, DNS: true, NetworkPolicy: true})
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
	err := daemon.Until(t.Context(), patience, func(context.Context) error {
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
	err = daemon.Until(t.Context(), patience, func(context.Context) error {
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
	for _, name := range []string{"net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"} {
		forward, err := os.ReadFile("/proc/sys/" + name)
		if err != nil && !errors.Is(err, os.ErrNotExist) { // a kernel may be without IPv6
			t.Fatal(err)
		}
		state[name] = []string{string(forward)}
	}
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
