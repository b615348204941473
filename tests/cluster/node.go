package cluster

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

//go:embed node.sh
var nodeScript string

const (
	// maxNodes is bounded by what a small machine holds: each takes 0.4 GiB.
	maxNodes = 8
	// criSocket is where the kubelet finds containerd, in the node's mount namespace.
	criSocket = "/run/containerd/containerd.sock"
)

// node is a machine of the cluster: containerd, kubelet and kube-proxy with network,
// mounts and host name of their own, and pods in control groups below its own.
type node struct {
	name       string
	index      int
	dir        string // its data
	cgroup     string // below which its pods are
	ns         netns.NsHandle
	addresses  []netip.Addr // one of each family
	containerd *process
	kubelet    *process
	proxy      *process
	enforcer   *process // nil unless asked for
}

// startNodes starts the nodes and waits until they are ready.
func (c *Cluster) startNodes(ctx context.Context) (err error) {
	if err := c.buildImages(ctx); err != nil {
		return err
	}
	group := filepath.Base(c.dir)
	if err := makeCgroups(filepath.Join(group, daemonsCgroup)); err != nil {
		return err
	}
	if c.unguard, err = guard(group); err != nil {
		return err
	}
	for i := range c.options.Nodes {
		n, err := c.newNode(i)
		if err != nil {
			return fmt.Errorf("make node %d: %w", i, err)
		}
		c.nodes = append(c.nodes, n)
	}
	for _, n := range c.nodes {
		if err := c.startNode(ctx, n); err != nil {
			return fmt.Errorf("start %s: %w", n.name, err)
		}
	}
	for _, n := range c.nodes {
		err := n.kubelet.Ready(ctx, patience, "its node is not ready", func(ctx context.Context) error {
			return c.allReady(ctx, "/api/v1/nodes?fieldSelector=metadata.name%3D"+n.name, 1)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// newNode makes what a node needs before a process can run on it.
func (c *Cluster) newNode(i int) (n *node, err error) {
	ns, err := newNamespace()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ns.Close())
		}
	}()
	name := fmt.Sprintf("node-%d", i)
	n = &node{
		name: name, index: i, ns: ns,
		dir:    filepath.Join(c.dir, name),
		cgroup: filepath.Join(filepath.Base(c.dir), name),
	}
	for _, f := range c.options.families() {
		n.addresses = append(n.addresses, c.fabric.address(f, firstNodeHost+i))
	}
	if err := c.fabric.join(ns, name, "eth0", firstNodeHost+i); err != nil {
		return nil, err
	}
	if err := c.route(n); err != nil {
		return nil, err
	}
	if err := makeCgroups(n.cgroup); err != nil {
		return nil, err
	}
	return n, c.writeNodeFiles(n)
}

// route sends packets to the pods of other nodes by these, and all else by the
// machine.
func (c *Cluster) route(n *node) error {
	inside, err := netlink.NewHandleAt(n.ns)
	if err != nil {
		return err
	}
	defer inside.Close()
	var routes []*netlink.Route
	for _, f := range c.options.families() {
		routes = append(routes, &netlink.Route{Gw: c.fabric.address(f, machineHost).AsSlice()})
		for i := range c.options.Nodes {
			if i != n.index {
				routes = append(routes, &netlink.Route{Dst: ipNet(f.podsOf(i)), Gw: c.fabric.address(f, firstNodeHost+i).AsSlice()})
			}
		}
	}
	for _, r := range routes {
		if err := inside.RouteAdd(r); err != nil {
			return fmt.Errorf("add route %s: %w", r, err)
		}
	}
	return nil
}

// podSubnets hold the addresses of the node's pods.
func (c *Cluster) podSubnets(n *node) []string {
	return c.options.prefixes(func(f family) netip.Prefix { return f.podsOf(n.index) })
}

// startNode starts a node's daemons. The node is there before its kubelet, which
// takes it over: only so is the subnet of its pods known to the API.
func (c *Cluster) startNode(ctx context.Context, n *node) error {
	subnets := c.podSubnets(n)
	err := c.admin.Do(ctx, http.MethodPost, "/api/v1/nodes", Object{
		"metadata": Object{"name": n.name, "labels": Object{"kubernetes.io/hostname": n.name}},
		"spec":     Object{"podCIDR": subnets[0], "podCIDRs": subnets},
	}, nil)
	if err != nil {
		return err
	}
	if err := c.startContainerd(ctx, n); err != nil {
		return err
	}
	for _, archive := range c.archives {
		if err := c.importImage(ctx, n, archive); err != nil {
			return err
		}
	}
	kubelet := c.NodeCommand(n.index, c.program(kubernetesBinaries, "kubelet"),
		"--config="+n.file(kubeletConfig), "--kubeconfig="+n.file(kubeletKubeconfig),
		"--hostname-override="+n.name, "--node-ip="+n.addressList())
	if n.kubelet, err = c.startOn(n, "kubelet", kubelet); err != nil {
		return err
	}
	proxy := c.NodeCommand(n.index, c.program(kubernetesBinaries, "kube-proxy"), "--config="+n.file(proxyConfig))
	n.proxy, err = c.startOn(n, "kube-proxy", proxy)
	return err
}

// startContainerd starts the first process of the node, which makes the mount
// namespace that the others enter.
func (c *Cluster) startContainerd(ctx context.Context, n *node) error {
	bin := c.binaries[containerdBinaries.name]
	cmd := exec.Command("nsenter", "--net="+n.netns(), "--",
		"unshare", "--mount", "--propagation=private", "--uts", "--",
		"bash", n.file(scriptFile), n.dir, filepath.Join(bin, "containerd"), "--config="+n.file(containerdConfig), "--log-level=warn")
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH")) // it looks for the shim there
	p, err := c.startOn(n, "containerd", cmd)
	if err != nil {
		return err
	}
	n.containerd = p
	return p.Ready(ctx, patience, "does not answer", func(ctx context.Context) error {
		out, err := c.ctr(ctx, n, "version").CombinedOutput()
		if err != nil {
			return fmt.Errorf("ctr version: %w: %s", err, out)
		}
		return nil
	})
}

// startOn starts a daemon of the node in the node's control group.
func (c *Cluster) startOn(n *node, name string, cmd *exec.Cmd) (*process, error) {
	group, err := openCgroup(filepath.Join(filepath.Base(c.dir), daemonsCgroup))
	if err != nil {
		return nil, err
	}
	defer group.Close()
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(group.Fd())}
	return c.start(n.name+"-"+name, cmd)
}

// ctr prepares a command of containerd's client.
func (c *Cluster) ctr(ctx context.Context, n *node, args ...string) *exec.Cmd {
	args = append([]string{"--namespace=k8s.io", "--address=" + n.root() + criSocket}, args...)
	return exec.CommandContext(ctx, c.program(containerdBinaries, "ctr"), args...)
}

// NodeName is the name of the i-th node, from 0.
func (c *Cluster) NodeName(i int) string { return c.nodes[i].name }

// NodeAddress is the i-th node's address, which this machine reaches.
func (c *Cluster) NodeAddress(i int) netip.Addr { return c.nodes[i].addresses[0] }

// NodeAddresses are all of the i-th node: that of NodeAddress, and one of IPv6 with
// DualStack.
func (c *Cluster) NodeAddresses(i int) []netip.Addr { return slices.Clone(c.nodes[i].addresses) }

// MachineAddress is this machine's, as nodes and pods reach it; the API server listens
// there.
func (c *Cluster) MachineAddress() netip.Addr { return c.fabric.gateway() }

// NodePID is the process ID of the i-th node's first process, in whose namespaces
// the node is.
func (c *Cluster) NodePID(i int) int { return c.nodes[i].containerd.Cmd.Process.Pid }

// NodeNetns is the path of the i-th node's network namespace, as long as the
// cluster runs.
func (c *Cluster) NodeNetns(i int) string { return c.nodes[i].netns() }

// NodePods holds the addresses of the pods of the i-th node.
func (c *Cluster) NodePods(i int) netip.Prefix { return ipv4.podsOf(i) }

// NodeCgroup is the control group below which the pods of the i-th node are, as a path
// below the mount of cgroup v2; its last part is the node's name. Daemons and what
// NodeCommand runs are not in it.
func (c *Cluster) NodeCgroup(i int) string { return "/" + c.nodes[i].cgroup }

// NodeCommand prepares a command that runs on the i-th node, in its network, mount
// and host name namespaces.
func (c *Cluster) NodeCommand(i int, name string, args ...string) *exec.Cmd {
	return exec.Command("nsenter", append([]string{
		"--target=" + strconv.Itoa(c.NodePID(i)), "--net", "--mount", "--uts", "--", name,
	}, args...)...)
}

// PauseKubelet holds the kubelet of the i-th node: containers go on, and one that ends
// stays so until ResumeKubelet. A node whose kubelet is silent for 50 s is not ready.
func (c *Cluster) PauseKubelet(i int) error { return c.nodes[i].kubelet.pause() }

// ResumeKubelet ends the pause.
func (c *Cluster) ResumeKubelet(i int) error { return c.nodes[i].kubelet.resume() }

// file is the path of one of the node's files.
func (n *node) file(name string) string { return filepath.Join(n.dir, name) }

// addressList is as the kubelet wants it.
func (n *node) addressList() string {
	var texts []string
	for _, a := range n.addresses {
		texts = append(texts, a.String())
	}
	return strings.Join(texts, ",")
}

func (n *node) netns() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), int(n.ns)) }

// root is the node's root directory as this machine sees it.
func (n *node) root() string { return fmt.Sprintf("/proc/%d/root", n.containerd.Cmd.Process.Pid) }

// serving makes the certificate of the node's kubelet.
func (c *Cluster) serving(n *node) (cert, key string, err error) {
	var ips []net.IP
	for _, a := range n.addresses {
		ips = append(ips, a.AsSlice())
	}
	return c.ca.server(n.name, ips, n.name)
}
