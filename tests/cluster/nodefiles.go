package cluster

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// The files of a node, below its directory.
const (
	scriptFile        = "node.sh"
	rulesFile         = "rules.nft"
	containerdConfig  = "containerd.toml"
	networkConfig     = "cni/10-pods.conflist"
	kubeletConfig     = "kubelet.json"
	proxyConfig       = "kube-proxy.json"
	kubeletKubeconfig = "kubelet.kubeconfig"
	proxyKubeconfig   = "kube-proxy.kubeconfig"
	manifests         = "manifests" // a folder
)

// sysctls are what the kubelet sets for the whole machine; a node shows it these
// instead, so that it finds nothing to set. See setupKernelTunables in
// k8s.io/kubernetes/pkg/kubelet/cm.
var sysctls = map[string]int{
	"kernel.keys.root_maxbytes": 25_000_000,
	"kernel.keys.root_maxkeys":  1_000_000,
	"kernel.panic":              10,
	"kernel.panic_on_oops":      1,
	"vm.overcommit_memory":      1,
	"vm.panic_on_oom":           0,
}

// nodeRules let pods reach the API server: the machine knows the nodes' addresses,
// not those of pods.
const nodeRules = `table FAMILY node {
	chain postrouting {
		type nat hook postrouting priority srcnat
		FAMILY saddr PODS FAMILY daddr != PODS masquerade
	}
}
`

func (c *Cluster) writeNodeFiles(n *node) error {
	for _, dir := range []string{"run/containerd", "var/lib", "var/log/pods", "var/log/containers", "sysctl", "cni", manifests} {
		if err := os.MkdirAll(n.file(dir), 0o755); err != nil {
			return err
		}
	}
	files := map[string]string{
		scriptFile:       nodeScript,
		rulesFile:        c.nodeRules(),
		containerdConfig: c.containerdTOML(n),
	}
	for name, value := range sysctls {
		files[filepath.Join("sysctl", name)] = strconv.Itoa(value) + "\n"
	}
	kubelet, err := c.kubeletConfiguration(n)
	if err != nil {
		return err
	}
	for name, object := range map[string]Object{
		networkConfig: c.podNetwork(n),
		kubeletConfig: kubelet,
		proxyConfig:   c.proxyConfiguration(n),
	} {
		text, err := json.MarshalIndent(object, "", "  ")
		if err != nil {
			return fmt.Errorf("encode %s: %w", name, err)
		}
		files[name] = string(text)
	}
	for name, text := range files {
		if err := os.WriteFile(n.file(name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return c.writeNodeKubeconfigs(n)
}

func (c *Cluster) nodeRules() string {
	var rules strings.Builder
	for _, f := range c.options.families() {
		rules.WriteString(strings.NewReplacer("FAMILY", f.table, "PODS", f.pods.String()).Replace(nodeRules))
	}
	return rules.String()
}

func (c *Cluster) writeNodeKubeconfigs(n *node) error {
	kubelet, err := c.ca.client("system:node:"+n.name, "system:nodes")
	if err != nil {
		return err
	}
	if err := writeKubeconfig(n.file(kubeletKubeconfig), c.url(), c.ca.pem, kubelet); err != nil {
		return err
	}
	proxy, err := c.ca.client("system:kube-proxy")
	if err != nil {
		return err
	}
	return writeKubeconfig(n.file(proxyKubeconfig), c.url(), c.ca.pem, proxy)
}

func (c *Cluster) containerdTOML(n *node) string {
	return strings.NewReplacer(
		"BIN", strconv.Quote(c.binaries[containerdBinaries.name]),
		"RUNC", strconv.Quote(c.program(runcBinaries, "runc")),
		"CNI", strconv.Quote(filepath.Dir(n.file(networkConfig))),
		"PAUSE", strconv.Quote(pauseImage),
	).Replace(`version = 3
disabled_plugins = [
  "io.containerd.nri.v1.nri",
  "io.containerd.snapshotter.v1.blockfile",
  "io.containerd.snapshotter.v1.erofs",
]

[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = PAUSE

[plugins."io.containerd.cri.v1.runtime"]
  # Lowering a score takes CAP_SYS_RESOURCE, which not every root has.
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = [BIN]
    conf_dir = CNI
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
      BinaryName = RUNC
`)
}

// podNetwork gives the pods of a node a bridge. Between pods packets keep their
// addresses, on one node or two; beyond, they have the node's.
func (c *Cluster) podNetwork(n *node) Object {
	var ranges [][]Object
	var routes []Object
	for _, f := range c.options.families() {
		ranges = append(ranges, []Object{{"subnet": f.podsOf(n.index).String()}})
		routes = append(routes, Object{"dst": f.everything().String()})
	}
	return Object{
		"cniVersion": "1.0.0",
		"name":       "pods",
		"plugins": []Object{
			{
				"type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true,
				"ipam": Object{"type": "host-local", "ranges": ranges, "routes": routes},
			},
			{"type": "portmap", "capabilities": Object{"portMappings": true}},
		},
	}
}

func (c *Cluster) kubeletConfiguration(n *node) (Object, error) {
	cert, key, err := c.serving(n)
	if err != nil {
		return nil, err
	}
	nameServers := []string{}
	if c.options.DNS {
		nameServers = append(nameServers, dnsAddress)
	}
	return Object{
		"apiVersion":               "kubelet.config.k8s.io/v1beta1",
		"kind":                     "KubeletConfiguration",
		"failCgroupV1":             false, // where v1 is in use, the controllers are there and not in v2
		"cgroupDriver":             "cgroupfs",
		"cgroupRoot":               "/" + n.cgroup,
		"enforceNodeAllocatable":   []string{"pods"},
		"oomScoreAdj":              0, // lowering it takes CAP_SYS_RESOURCE
		"failSwapOn":               false,
		"containerRuntimeEndpoint": "unix://" + criSocket,
		"authentication": Object{
			"anonymous": Object{"enabled": false},
			"webhook":   Object{"enabled": true},
			"x509":      Object{"clientCAFile": c.ca.file()},
		},
		"authorization":     Object{"mode": "Webhook"},
		"tlsCertFile":       cert,
		"tlsPrivateKeyFile": key,
		"resolvConf":        "", // there are no name servers to reach
		"clusterDomain":     clusterDomain,
		"clusterDNS":        nameServers,
		"staticPodPath":     n.file(manifests),
		// The disk is the machine's: how full it is, is no matter of the cluster.
		"evictionHard":                Object{"nodefs.available": "0%", "imagefs.available": "0%", "nodefs.inodesFree": "0%"},
		"imageGCHighThresholdPercent": 100,
	}, nil
}

func (c *Cluster) proxyConfiguration(n *node) Object {
	return Object{
		"apiVersion":       "kubeproxy.config.k8s.io/v1alpha1",
		"kind":             "KubeProxyConfiguration",
		"mode":             "nftables",
		"hostnameOverride": n.name,
		"clusterCIDR":      strings.Join(c.options.prefixes(func(f family) netip.Prefix { return f.pods }), ","),
		"clientConnection": Object{"kubeconfig": n.file(proxyKubeconfig)},
		"conntrack":        Object{"maxPerCore": 0, "min": 0}, // the machine's limit is the machine's
	}
}
