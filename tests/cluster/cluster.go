package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// logsDir holds the logs of the processes, below the cluster's directory.
const logsDir = "logs"

// Options says what runs beside etcd and the API server.
type Options struct {
	// ControllerManager runs the controllers: workloads make pods, services get
	// endpoints, namespaces get a service account and can be deleted. Without it
	// pods need no service account.
	ControllerManager bool
	// Scheduler gives pods without a node one.
	Scheduler bool
	// Kwok plays nodes and pods that do not exist; see AddFakeNodes.
	Kwok bool
	// Nodes is how many real nodes there are, at most 8: containerd, the kubelet and
	// kube-proxy each, on a network and mounts of their own. They need root, and bring
	// the controller manager and the scheduler with them.
	Nodes int
	// DualStack gives real nodes, their pods and services that ask for them IPv6
	// addresses beside those of IPv4.
	DualStack bool
	// DNS runs CoreDNS as the service kube-dns, by which pods find services by name.
	// It needs real nodes.
	DNS bool
	// NetworkPolicy has every node drop packets that no NetworkPolicy allows; without
	// it policies are objects and no more. It needs real nodes.
	NetworkPolicy bool
}

// Cluster is a running cluster. Its clients may be used from any goroutine; its
// own methods by one at a time, except User.
type Cluster struct {
	options    Options
	dir        string
	binaries   map[string]string // directory by binaries.name
	processes  []*process        // in the order they were started
	ca         *authority
	release    func()  // of dir, for others to remove
	fabric     *fabric // nil without real nodes
	nodes      []*node
	archives   []string     // of the images that every node has
	unguard    func() error // ends what guards the nodes; nil without
	apiAddress netip.AddrPort
	apiServer  *process
	kwok       *process // nil unless asked for
	admin      *Client
	users      atomic.Int64
	stopped    bool
}

// New starts a cluster that ends with the test. Of a failed test it shows the end
// of every log, and keeps the logs. A test of real nodes is skipped without root.
func New(tb testing.TB, o Options) *Cluster {
	tb.Helper()
	if o.Nodes > 0 && os.Geteuid() != 0 {
		tb.Skip("real nodes need root")
	}
	c, err := Start(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if tb.Failed() && !c.stopped {
			for _, p := range c.processes {
				tb.Log(p.Tail())
			}
			where, err := c.keepLogs(tb.Name())
			tb.Logf("the whole logs are in %s (%v)", where, err)
		}
		if err := c.Stop(); err != nil {
			tb.Error(err)
		}
	})
	return c
}

// Start starts a cluster on free ports of this machine, with its data in a fresh
// temporary directory, and returns when it is ready. It first builds the programs it
// needs, which takes minutes when they are new; every wait is bounded. The caller
// stops it.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	if o.Nodes < 0 || o.Nodes > maxNodes {
		return nil, fmt.Errorf("start cluster: %d nodes: want 0 to %d", o.Nodes, maxNodes)
	}
	if o.Nodes == 0 && (o.DualStack || o.DNS || o.NetworkPolicy) {
		return nil, errors.New("start cluster: Options.DualStack, DNS and NetworkPolicy need Options.Nodes")
	}
	if o.Nodes > 0 {
		o.ControllerManager, o.Scheduler = true, true
		if os.Geteuid() != 0 {
			return nil, errors.New("start cluster: real nodes need root")
		}
	}
	c := &Cluster{options: o, binaries: map[string]string{}}
	if err := c.startAll(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start cluster: %w", err), c.Stop())
	}
	return c, nil
}

func (c *Cluster) startAll(ctx context.Context) error {
	for _, b := range c.options.needs() {
		dir, err := b.build(ctx)
		if err != nil {
			return err
		}
		c.binaries[b.name] = dir
	}
	if err := c.claim(ctx); err != nil {
		return err
	}
	if err := c.startControlPlane(ctx); err != nil {
		return err
	}
	for _, step := range []struct {
		wanted bool
		start  func(context.Context) error
	}{
		{c.options.ControllerManager, c.startControllerManager},
		{c.options.Scheduler, c.startScheduler},
		{c.options.Kwok, c.startKwok},
		{c.options.Nodes > 0, c.startNodes},
		{c.options.NetworkPolicy, c.startEnforcers},
		{c.options.DNS, c.startDNS},
	} {
		if !step.wanted {
			continue
		}
		if err := step.start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// needs lists what has to be built.
func (o Options) needs() []binaries {
	needs := []binaries{etcdBinaries, kubernetesBinaries}
	if o.Kwok {
		needs = append(needs, kwokBinaries)
	}
	if o.Nodes > 0 {
		needs = append(needs, containerdBinaries, runcBinaries)
	}
	if o.DNS {
		needs = append(needs, corednsBinaries)
	}
	return needs
}

// Stop ends every process and removes the data. It may be called again.
func (c *Cluster) Stop() error {
	if c.stopped {
		return nil
	}
	var errs []error
	for _, p := range slices.Backward(c.processes) {
		errs = append(errs, p.kill())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("stop cluster, whose data is left in %s: %w", c.dir, err)
	}
	c.stopped = true
	if c.admin != nil {
		c.admin.close()
	}
	return c.disclaim()
}

// Kubeconfig is the path of the administrator's kubeconfig.
func (c *Cluster) Kubeconfig() string { return c.admin.Kubeconfig() }

// Admin is the client of the administrator, whom nothing is denied.
func (c *Cluster) Admin() *Client { return c.admin }

// User returns a client of another user, with a certificate and a kubeconfig of its
// own, who may do nothing unless a role binding says so. Any goroutine may call it.
func (c *Cluster) User(name string, groups ...string) (*Client, error) {
	return c.ca.newClient(fmt.Sprintf("user-%d", c.users.Add(1)), c.url(), name, groups...)
}

// Kubectl is the path of kubectl, in the version of the cluster.
func (c *Cluster) Kubectl() string { return c.program(kubernetesBinaries, "kubectl") }

// program is the path of a program that was built.
func (c *Cluster) program(b binaries, name string) string {
	return filepath.Join(c.binaries[b.name], name)
}

// keepLogs copies the logs to where they outlive the cluster.
func (c *Cluster) keepLogs(name string) (string, error) {
	root, err := repository()
	if err != nil {
		return "", err
	}
	to := filepath.Join(root, ".cache/cluster/logs", strings.ReplaceAll(name, "/", "_"))
	if err := os.RemoveAll(to); err != nil {
		return "", err
	}
	return to, os.CopyFS(to, os.DirFS(filepath.Join(c.dir, logsDir)))
}
