package flowk8sprocessor

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.opentelemetry.io/collector/component"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/networks"
)

// Config is the configuration of the flow_k8s processor.
type Config struct {
	// Auth is how the cluster is reached.
	Auth AuthConfig `mapstructure:"auth"`

	// Scope is how much of the cluster is watched: cluster for all of it, node for
	// the pods of one node, which leaves the other ends to an instance with scope cluster
	// downstream. Default cluster.
	Scope Scope `mapstructure:"scope"`

	// Node is the name of the node that the collector runs on. It is needed for scope
	// node. Records that do not name their node get it, and the addresses of the
	// collector's interfaces are known as the node's, if it is in the node's network.
	// Default empty.
	Node string `mapstructure:"node"`

	// PodLabels chooses the labels of pods that records get. Default all.
	PodLabels LabelsConfig `mapstructure:"pod_labels"`

	// NamespaceLabels chooses the labels of namespaces that records get. Default none,
	// and namespaces are not watched.
	NamespaceLabels LabelsConfig `mapstructure:"namespace_labels"`

	// Services, HeadlessServices and NetworkSets say whether these are watched: always,
	// never, or auto, which is for scope cluster. Default auto.
	Services         Watch `mapstructure:"services"`
	HeadlessServices Watch `mapstructure:"headless_services"`
	NetworkSets      Watch `mapstructure:"network_sets"`

	// ObservedNodes says on which other nodes an agent reports its end of a flow, so that
	// views count the flow once: seen for those whose agent was heard of, all for every node of the
	// cluster, none for none. Default seen.
	ObservedNodes ObservedNodes `mapstructure:"observed_nodes"`

	// ObservedHosts takes what comes from a node's address for that node's own, which its
	// agent reports. It loses flows where nodes forward what others send by their own address, as they
	// do for services with node ports and externalTrafficPolicy Cluster. Default false.
	ObservedHosts bool `mapstructure:"observed_hosts"`

	// GracePeriod is how long what was deleted is still known, for flows arrive later than
	// they happen. Default 2m, at least 1s.
	GracePeriod time.Duration `mapstructure:"grace_period"`

	// Wait is for how long records wait for what the cluster has not told yet.
	Wait WaitConfig `mapstructure:"wait"`

	// Networks gives names to addresses that nothing else names; the longest prefix
	// counts.
	Networks []NetworkConfig `mapstructure:"networks"`

	// NetworksFile is a file with more of them.
	NetworksFile NetworksFileConfig `mapstructure:"networks_file"`

	// Ranges says of prefixes that their scope is another than by the RFCs: from the
	// scope (private, public, cgnat, unique_local, link_local, loopback, multicast) to
	// prefixes. The longest prefix counts. Default empty.
	Ranges map[string][]string `mapstructure:"ranges"`

	// MaxRemembered bounds how many cgroups and how many network namespaces are
	// remembered, some 300 bytes each. Default 16384, at least 2.
	MaxRemembered int `mapstructure:"max_remembered"`
}

// AuthConfig is how the cluster is reached.
type AuthConfig struct {
	// Type is service_account for the account of the pod that the collector runs in,
	// kubeconfig for a file, none for no cluster, where only networks are named. Default
	// service_account.
	Type AuthType `mapstructure:"type"`
	// Kubeconfig is the path of the file, for type kubeconfig.
	Kubeconfig string `mapstructure:"kubeconfig"`
	// Context is a context of the file; empty is its current one.
	Context string `mapstructure:"context"`
}

// LabelsConfig chooses labels.
type LabelsConfig struct {
	// Enabled has records carry labels.
	Enabled bool `mapstructure:"enabled"`
	// Names are the only ones that are carried; empty is all.
	Names []string `mapstructure:"names"`
}

// WaitConfig bounds how long records wait.
type WaitConfig struct {
	// Start is for how long the collector's start waits until the cluster has been seen.
	// After it the collector starts all the same. Default 0, not at all.
	Start time.Duration `mapstructure:"start"`
	// Sync is for how long after the start records wait until the cluster has been seen.
	// Then they go on, marked. Default 10s; 0 is not at all.
	Sync time.Duration `mapstructure:"sync"`
	// Lag is how late the watch may be: a record with an end that may be a pod, but is not
	// known, waits until it is as old. Default 2s; 0 is not at all.
	Lag time.Duration `mapstructure:"lag"`
	// MaxRecords is how many records wait at once; others go on, marked. Default 20000,
	// some 2 KB each; 0 lets none wait.
	MaxRecords int `mapstructure:"max_records"`
}

// NetworkConfig is a named network.
type NetworkConfig struct {
	// Name is what records call it.
	Name string `mapstructure:"name"`
	// CIDRs are its prefixes or addresses, for example 192.0.2.0/24 or 2001:db8::1.
	CIDRs []string `mapstructure:"cidrs"`
}

// NetworksFileConfig is a file of named networks.
type NetworksFileConfig struct {
	// Path is the file, YAML with a list networks as in this configuration. Default empty,
	// none.
	Path string `mapstructure:"path"`
	// CheckInterval is how often it is looked at for changes. Default 10s, at least 1s.
	CheckInterval time.Duration `mapstructure:"check_interval"`
}

// Scope is how much of a cluster is watched.
type Scope string

// AuthType is how a cluster is reached.
type AuthType string

// ObservedNodes says on which nodes there are agents.
type ObservedNodes string

// Watch says whether something is watched.
type Watch string

// The values.
const (
	ScopeCluster Scope = "cluster"
	ScopeNode    Scope = "node"

	AuthServiceAccount AuthType = "service_account"
	AuthKubeconfig     AuthType = "kubeconfig"
	AuthNone           AuthType = "none"

	NodesSeen ObservedNodes = "seen"
	NodesAll  ObservedNodes = "all"
	NodesNone ObservedNodes = "none"

	WatchAuto   Watch = "auto"
	WatchAlways Watch = "always"
	WatchNever  Watch = "never"
)

const (
	minGrace         = time.Second
	minCheckInterval = time.Second
	minRemembered    = 2
)

func createDefaultConfig() component.Config {
	return &Config{
		Auth:             AuthConfig{Type: AuthServiceAccount},
		Scope:            ScopeCluster,
		PodLabels:        LabelsConfig{Enabled: true},
		Services:         WatchAuto,
		HeadlessServices: WatchAuto,
		NetworkSets:      WatchAuto,
		ObservedNodes:    NodesSeen,
		GracePeriod:      2 * time.Minute,
		Wait:             WaitConfig{Sync: 10 * time.Second, Lag: 2 * time.Second, MaxRecords: 20000},
		NetworksFile:     NetworksFileConfig{CheckInterval: 10 * time.Second},
		MaxRemembered:    16384,
	}
}

// Validate checks what no single field shows.
func (c *Config) Validate() error {
	errs := []error{
		oneOf("scope", c.Scope, ScopeCluster, ScopeNode),
		oneOf("services", c.Services, WatchAuto, WatchAlways, WatchNever),
		oneOf("headless_services", c.HeadlessServices, WatchAuto, WatchAlways, WatchNever),
		oneOf("network_sets", c.NetworkSets, WatchAuto, WatchAlways, WatchNever),
		oneOf("observed_nodes", c.ObservedNodes, NodesSeen, NodesAll, NodesNone),
	}
	if c.Scope == ScopeNode && c.Node == "" {
		errs = append(errs, errors.New("node: is empty, and scope is node: name the node, for example ${env:K8S_NODE_NAME} with spec.nodeName by the downward API"))
	}
	if c.GracePeriod < minGrace {
		errs = append(errs, fmt.Errorf("grace_period: %s is too short: use at least %s", c.GracePeriod, minGrace))
	}
	if c.MaxRemembered < minRemembered {
		errs = append(errs, fmt.Errorf("max_remembered: %d is too few: use at least %d", c.MaxRemembered, minRemembered))
	}
	if _, err := c.scopes(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Validate checks that type and file fit.
func (c *AuthConfig) Validate() error {
	err := oneOf("type", c.Type, AuthServiceAccount, AuthKubeconfig, AuthNone)
	switch {
	case c.Type == AuthKubeconfig && c.Kubeconfig == "":
		return errors.Join(err, errors.New("kubeconfig: is empty, and type is kubeconfig: name the file"))
	case c.Type != AuthKubeconfig && (c.Kubeconfig != "" || c.Context != ""):
		return errors.Join(err, fmt.Errorf("kubeconfig, context: have no effect with type %s: use type kubeconfig", c.Type))
	}
	return err
}

// Validate checks the bounds.
func (c *WaitConfig) Validate() error {
	var errs []error
	for _, d := range []struct {
		name string
		d    time.Duration
	}{{"start", c.Start}, {"sync", c.Sync}, {"lag", c.Lag}} {
		if d.d < 0 {
			errs = append(errs, fmt.Errorf("%s: %s is negative: use 0 or more", d.name, d.d))
		}
	}
	if c.MaxRecords < 0 {
		errs = append(errs, fmt.Errorf("max_records: %d is negative: use 0 or more", c.MaxRecords))
	}
	return errors.Join(errs...)
}

// Validate checks that the network can be read.
func (c *NetworkConfig) Validate() error {
	_, err := networks.Named(c.Name, c.CIDRs)
	return err
}

// Validate checks the bounds.
func (c *NetworksFileConfig) Validate() error {
	if c.CheckInterval < minCheckInterval {
		return fmt.Errorf("check_interval: %s is too short: use at least %s", c.CheckInterval, minCheckInterval)
	}
	return nil
}

func oneOf[S ~string](name string, value S, allowed ...S) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf("%s: %q is not known: use one of %q", name, string(value), allowed)
}

// scopes reads Ranges.
func (c *Config) scopes() (*networks.Scopes, error) {
	if len(c.Ranges) == 0 {
		return nil, nil
	}
	scopes := new(networks.Scopes)
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.Ranges)) {
		scope, err := flow.ParseScope(name)
		if err != nil || scope == flow.ScopeUnknown {
			errs = append(errs, fmt.Errorf("ranges: %q is no scope: use private, public, cgnat, unique_local, link_local, loopback or multicast", name))
			continue
		}
		for _, s := range c.Ranges[name] {
			prefix, err := networks.ParsePrefix(s)
			if err != nil {
				errs = append(errs, fmt.Errorf("ranges: %s: %w", name, err))
				continue
			}
			scopes.Add(prefix, scope)
		}
	}
	return scopes, errors.Join(errs...)
}

// named reads Networks.
func (c *Config) named() ([]networks.Network, error) {
	list := make([]networks.Network, 0, len(c.Networks))
	for _, n := range c.Networks {
		network, err := networks.Named(n.Name, n.CIDRs)
		if err != nil {
			return nil, fmt.Errorf("networks: %w", err)
		}
		list = append(list, network)
	}
	return list, nil
}

// kinds are what is watched.
func (c *Config) kinds() []kube.Kind {
	kinds := []kube.Kind{kube.Pods, kube.Nodes}
	if c.NamespaceLabels.Enabled {
		kinds = append(kinds, kube.Namespaces)
	}
	for _, w := range []struct {
		watch Watch
		kinds []kube.Kind
	}{
		{c.Services, []kube.Kind{kube.Services}},
		{c.HeadlessServices, []kube.Kind{kube.EndpointSlices}},
		{c.NetworkSets, []kube.Kind{kube.NetworkSets, kube.GlobalNetworkSets}},
	} {
		if w.watch == WatchAlways || w.watch == WatchAuto && c.Scope == ScopeCluster {
			kinds = append(kinds, w.kinds...)
		}
	}
	return kinds
}

// cluster is what is watched, and how.
func (c *Config) cluster() kube.Config {
	cluster := kube.Config{Kubeconfig: c.Auth.Kubeconfig, Context: c.Auth.Context, Grace: c.GracePeriod}
	if c.Scope == ScopeNode {
		cluster.Node = c.Node
	}
	return cluster
}
