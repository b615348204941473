package flowk8sprocessor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/configfile"
)

func TestConfig(t *testing.T) {
	require.NoError(t, componenttest.CheckConfigStruct(createDefaultConfig()))
	all := createDefaultConfig().(*Config)
	all.Auth = AuthConfig{Type: AuthKubeconfig, Kubeconfig: "/etc/kubeconfig", Context: "east"}
	all.Scope, all.Node = ScopeNode, "node-1"
	all.PodLabels = LabelsConfig{Enabled: true, Names: []string{"app", "tier"}}
	all.NamespaceLabels = LabelsConfig{Enabled: true}
	all.Services, all.HeadlessServices, all.NetworkSets = WatchAlways, WatchNever, WatchNever
	all.ObservedNodes, all.ObservedHosts = NodesAll, true
	all.GracePeriod = 5 * time.Minute
	all.Wait = WaitConfig{Start: time.Second, Sync: 30 * time.Second, Lag: 5 * time.Second, MaxRecords: 100}
	all.Networks = []NetworkConfig{{Name: "office", CIDRs: []string{"192.0.2.0/24", "2001:db8::1"}}}
	all.NetworksFile = NetworksFileConfig{Path: "/etc/networks.yaml", CheckInterval: time.Minute}
	all.Ranges = map[string][]string{"private": {"198.51.100.0/24"}}
	all.MaxRemembered = 100
	for name, test := range map[string]struct {
		want *Config
		err  string
	}{
		"defaults":         {want: createDefaultConfig().(*Config)},
		"all":              {want: all},
		"no_node":          {err: "node: is empty, and scope is node"},
		"scope":            {err: `scope: "galaxy" is not known: use one of ["cluster" "node"]`},
		"services":         {err: `services: "sometimes" is not known`},
		"observed_nodes":   {err: `observed_nodes: "some" is not known: use one of ["seen" "all" "none"]`},
		"grace_period":     {err: "grace_period: 10ms is too short"},
		"auth_type":        {err: `auth: type: "magic" is not known`},
		"no_kubeconfig":    {err: "auth: kubeconfig: is empty"},
		"stray_kubeconfig": {err: "auth: kubeconfig, context: have no effect with type service_account"},
		"lag":              {err: "wait: lag: -1s is negative"},
		"max_records":      {err: "wait: max_records: -1 is negative"},
		"network_name":     {err: "networks::0: name: is empty"},
		"network_cidr":     {err: `networks::0: cidrs of office: "10/8" is neither`},
		"check_interval":   {err: "networks_file: check_interval: 10ms is too short"},
		"range_scope":      {err: `ranges: "intimate" is no scope`},
		"range_cidr":       {err: `ranges: public: "ten" is neither`},
		"max_remembered":   {err: "max_remembered: 1 is too few"},
	} {
		t.Run(name, func(t *testing.T) {
			config := createDefaultConfig()
			err := configfile.Load(t, "flow_k8s/"+name, config)
			if test.err != "" {
				require.ErrorContains(t, err, test.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.want, config)
		})
	}
}

func TestWhatIsWatchedFollowsFromTheScope(t *testing.T) {
	c := createDefaultConfig().(*Config)
	assert.Equal(t, []kube.Kind{kube.Pods, kube.Nodes, kube.Services, kube.EndpointSlices, kube.NetworkSets, kube.GlobalNetworkSets}, c.kinds())
	assert.Equal(t, kube.Config{Grace: 2 * time.Minute}, c.cluster())
	c.Scope, c.Node = ScopeNode, "node-1"
	assert.Equal(t, []kube.Kind{kube.Pods, kube.Nodes}, c.kinds())
	assert.Equal(t, kube.Config{Node: "node-1", Grace: 2 * time.Minute}, c.cluster())
	c.Services, c.NamespaceLabels.Enabled = WatchAlways, true
	assert.Equal(t, []kube.Kind{kube.Pods, kube.Nodes, kube.Namespaces, kube.Services}, c.kinds())
	c.Scope, c.Services = ScopeCluster, WatchNever
	assert.NotContains(t, c.kinds(), kube.Services)
	assert.Empty(t, c.cluster().Node, "an instance on a node may watch the whole cluster")
}
