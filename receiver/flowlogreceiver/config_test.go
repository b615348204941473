package flowlogreceiver

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
)

func TestConfig(t *testing.T) {
	files, err := confmaptest.LoadConf(filepath.Join("testdata", "config.yaml"))
	require.NoError(t, err)
	changed := func(change func(*Config)) *Config {
		c := createDefaultConfig().(*Config)
		change(c)
		return c
	}
	for name, test := range map[string]struct {
		want *Config
		err  string
	}{
		"defaults": {want: changed(func(*Config) {})},
		"all": {want: changed(func(c *Config) {
			c.Interval = 30 * time.Second
			c.MergeSourcePorts = false
			c.Engines.Datagram = DatagramConfig{
				MaxFlows: 1000, IdleTimeout: IdleTimeoutConfig{UDP: 2 * time.Minute, ICMP: 5 * time.Second, Other: time.Hour},
			}
			c.Engines.Drops = DropsConfig{MaxFlows: 2000}
			c.Engines.NAT = NATConfig{MaxEntries: 1000}
			c.Engines.Forward = ForwardConfig{
				Enabled: true, Interfaces: []string{"veth*", "eth0"}, ExcludeInterfaces: []string{"veth0*"}, MaxFlows: 2000,
				IdleTimeout: ForwardIdleTimeoutConfig{TCP: time.Hour, UDP: time.Minute, ICMP: 2 * time.Second, Other: 3 * time.Second},
			}
			c.Engines.DNS = DNSConfig{Enabled: true, Ports: []uint16{53, 5353}, MaxNames: 1000, MinTTL: 5 * time.Minute}
			c.RingBufferSize = 33554432
			c.MaxFlows = 1000
			c.CgroupRoot = "/node.slice/node-1"
			c.Include = FilterConfig{Addresses: []string{"10.0.0.0/8", "2001:db8::1"}, Ports: []uint16{80, 443}}
			c.Exclude = FilterConfig{Addresses: []string{"127.0.0.0/8"}, Ports: []uint16{22}}
			c.ExcludeSelf = false
			c.Process.Arguments = ArgumentsConfig{Enabled: true, MaxLength: 200, Redact: []string{`^-p(.+)$`, "id-[0-9]+"}}
		})},
		"interval":           {err: "interval: 50ms is too short: use at least 100ms"},
		"ring_buffer_size":   {err: "ring_buffer_size: 5000000 is not a power of two"},
		"max_flows":          {err: "max_flows: 0 is too few: use at least 1"},
		"cgroup_root":        {err: `cgroup_root: "node-1/" is not the path of a control group such as /kubepods.slice`},
		"engines":            {err: "engines: all that capture are disabled: enable at least one"},
		"no_tcp":             {want: changed(func(c *Config) { c.Engines.TCP.Enabled = false })},
		"datagram_max_flows": {err: "engines::datagram: max_flows: 0 is too few: use at least 1"},
		"drops_max_flows":    {err: "engines::drops: max_flows: 0 is too few: use at least 1"},
		"nat_max_entries":    {err: "engines::nat: max_entries: 0 is too few: use at least 1"},
		"idle_timeout":       {err: "idle_timeout: udp: 0s is too short: use at least 1s\nother: 500ms is too short: use at least 1s"},
		"arguments": {err: "process::arguments: max_length: 15 is not from 16 to 16384\n" +
			`redact: "(": error parsing regexp: missing closing ): ` + "`(`"},
		"forward_alone": {want: changed(func(c *Config) {
			c.Engines.TCP.Enabled, c.Engines.Datagram.Enabled = false, false
			c.Engines.Forward.Enabled, c.Engines.Forward.Interfaces = true, []string{"*"}
		})},
		"forward_nowhere": {err: `engines::forward: interfaces: none is chosen: name some, for example [tap*, "veth*"], or ["*"] for all`},
		"forward_bounds":  {err: "max_flows: 0 is too few: use at least 1\ninterfaces: \"veth[\" is neither a name nor a pattern such as veth*\nexclude_interfaces: \"\" is"},
		"forward_idle":    {err: "idle_timeout: tcp: 10ms is too short: use at least 1s"},
		"dns":             {err: "engines::dns: ports: []: use 1 to 8 ports, each from 1 to 65535\nmax_names: 0 is too few: use at least 1\nmin_ttl: 10ms is too short: use at least 1s"},
		"dns_alone":       {err: "dns and nat only add to what the others record"},
		"addresses":       {err: `exclude: addresses: "10.0.0.0/33" is neither an address nor a prefix such as 10.0.0.0/8`},
	} {
		t.Run(name, func(t *testing.T) {
			section, err := files.Sub(name)
			require.NoError(t, err)
			config := createDefaultConfig().(*Config)
			require.NoError(t, section.Unmarshal(config))
			err = confmap.Validate(config)
			if test.err != "" {
				require.ErrorContains(t, err, test.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.want, config)
		})
	}
}

func TestTooManyAddresses(t *testing.T) {
	config := createDefaultConfig().(*Config)
	config.Include.Addresses = make([]string, maxFilterAddresses+1)
	require.ErrorContains(t, confmap.Validate(config), "2049 are too many: use at most 2048")
}

func TestConfigStruct(t *testing.T) {
	require.NoError(t, componenttest.CheckConfigStruct(createDefaultConfig()))
}
