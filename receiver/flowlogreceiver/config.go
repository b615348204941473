package flowlogreceiver

import (
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"os"
	"path"
	"slices"
	"time"

	"go.opentelemetry.io/collector/component"
)

// Config is the configuration of the flowlog receiver.
type Config struct {
	// Interval is the time between two reports of a living connection, and how
	// long records are merged. Default 5s, at least 100ms. With 100,000 living
	// connections and more, 10s or longer is kinder to the machine.
	Interval time.Duration `mapstructure:"interval"`

	// Engines turns the ways of capturing on and off.
	Engines EnginesConfig `mapstructure:"engines"`

	// MergeSourcePorts merges the connections of an interval that differ only in
	// their source port into one record, which then has none. Default true.
	MergeSourcePorts bool `mapstructure:"merge_source_ports"`

	// RingBufferSize is the size of the buffer between kernel and receiver, in
	// bytes; a power of two, and a multiple of the page size. Default 8 MiB,
	// which holds 41,000 events.
	RingBufferSize int `mapstructure:"ring_buffer_size"`

	// MaxFlows is how many records are open at once. When there are more, they
	// are sent before the interval ends. Twice as many wait for a pipeline that
	// does not take them. Default 65536, at least 1.
	MaxFlows int `mapstructure:"max_flows"`

	// CgroupRoot is the control group whose sockets count, with all below it: a path
	// below the mount of cgroup2, for example /docker/ID. It has to be there at the
	// start. For several nodes that share one kernel. Default: what the mount shows,
	// which is everything, or of a node that is a container the node.
	CgroupRoot string `mapstructure:"cgroup_root"`

	// Include keeps only flows that match; what is empty matches all.
	Include FilterConfig `mapstructure:"include"`

	// Exclude leaves out flows that match; what is empty matches none. It wins
	// over Include.
	Exclude FilterConfig `mapstructure:"exclude"`

	// ExcludeSelf leaves out the collector's own connections. Default true.
	ExcludeSelf bool `mapstructure:"exclude_self"`

	// Process chooses what records say of the reporter's process beyond its name,
	// id and cgroup.
	Process ProcessConfig `mapstructure:"process"`
}

// EnginesConfig turns the ways of capturing on and off.
type EnginesConfig struct {
	// TCP records TCP connections by their sockets.
	TCP EngineConfig `mapstructure:"tcp"`
	// Datagram records UDP, ICMP, SCTP and every other protocol of IP by the
	// packets of their sockets.
	Datagram DatagramConfig `mapstructure:"datagram"`
	// Drops records what the kernel denies, with the reason.
	Drops DropsConfig `mapstructure:"drops"`
	// NAT completes TCP connections and UDP flows by their translations: the
	// backend of a service, the client behind another address. It captures nothing
	// by itself.
	NAT NATConfig `mapstructure:"nat"`
	// Forward records what passes through this machine without a socket of it.
	Forward ForwardConfig `mapstructure:"forward"`
	// DNS names the destinations of what the others record.
	DNS DNSConfig `mapstructure:"dns"`
}

// EngineConfig is the configuration of one way of capturing.
type EngineConfig struct {
	// Enabled turns the engine on. Default true.
	Enabled bool `mapstructure:"enabled"`
}

// DatagramConfig is the configuration of the datagram engine.
type DatagramConfig struct {
	// Enabled turns the engine on. Default true.
	Enabled bool `mapstructure:"enabled"`

	// MaxFlows is how many flows the kernel counts at once, 300 bytes each. Beyond
	// it packets come to the receiver one by one, which costs more; when half of
	// it is taken, flows end after 5s of silence. Default 65536, at least 1.
	MaxFlows int `mapstructure:"max_flows"`

	// IdleTimeout is after how long a silence a flow has ended.
	IdleTimeout IdleTimeoutConfig `mapstructure:"idle_timeout"`
}

// DropsConfig is the configuration of the drops engine.
type DropsConfig struct {
	// Enabled turns the engine on. Default true.
	Enabled bool `mapstructure:"enabled"`

	// MaxFlows is how many denied flows the kernel tells apart in one interval,
	// 400 bytes each. Beyond it they are counted without their sources, and where
	// their destinations are too many as well, by reason. Default 16384, at least 1.
	MaxFlows int `mapstructure:"max_flows"`
}

// ForwardConfig is the configuration of the forward engine.
type ForwardConfig struct {
	// Enabled turns the engine on. Default false.
	Enabled bool `mapstructure:"enabled"`

	// Interfaces chooses, among those of the collector's network namespace, the
	// interfaces whose traffic counts: what enters or leaves by one of them. Names or
	// shell patterns, for example tap* or eth0. At least one is needed.
	Interfaces []string `mapstructure:"interfaces"`

	// ExcludeInterfaces takes names away from Interfaces; what is empty takes none.
	ExcludeInterfaces []string `mapstructure:"exclude_interfaces"`

	// MaxFlows is as in DatagramConfig. Default 65536, at least 1.
	MaxFlows int `mapstructure:"max_flows"`

	// IdleTimeout is after how long a silence a flow has ended.
	IdleTimeout ForwardIdleTimeoutConfig `mapstructure:"idle_timeout"`
}

// ForwardIdleTimeoutConfig says for each protocol after how long a silence a flow
// has ended.
type ForwardIdleTimeoutConfig struct {
	// TCP is for connections that neither end has closed. Default 5m, at least 1s.
	TCP time.Duration `mapstructure:"tcp"`
	// UDP is for UDP. Default 30s, at least 1s.
	UDP time.Duration `mapstructure:"udp"`
	// ICMP is for ICMP and ICMPv6. Default 10s, at least 1s.
	ICMP time.Duration `mapstructure:"icmp"`
	// Other is for every other protocol. Default 60s, at least 1s.
	Other time.Duration `mapstructure:"other"`
}

// IdleTimeoutConfig says for each protocol after how long a silence a flow has
// ended.
type IdleTimeoutConfig struct {
	// UDP is for UDP. Default 30s, at least 1s.
	UDP time.Duration `mapstructure:"udp"`
	// ICMP is for ICMP and ICMPv6. Default 10s, at least 1s.
	ICMP time.Duration `mapstructure:"icmp"`
	// Other is for every other protocol. Default 60s, at least 1s.
	Other time.Duration `mapstructure:"other"`
}

// NATConfig is the configuration of the nat engine.
type NATConfig struct {
	// Enabled turns the engine on. Default true.
	Enabled bool `mapstructure:"enabled"`

	// MaxEntries is how many open connections keep the translation that was found,
	// 150 bytes each; others are looked up for each report. Default 65536, at least 1.
	MaxEntries int `mapstructure:"max_entries"`
}

// DNSConfig is the configuration of the dns engine, which reads the answers of
// name servers to local clients over UDP.
type DNSConfig struct {
	// Enabled turns the engine on. Default false: which names programs look up says
	// more about people than addresses do.
	Enabled bool `mapstructure:"enabled"`

	// Ports are where name servers listen, 1 to 8 of them. Default 53.
	Ports []uint16 `mapstructure:"ports"`

	// MaxNames is of how many addresses the names are remembered, some 500 bytes
	// each; beyond it those go that were looked up longest ago. Default 16384, at
	// least 1.
	MaxNames int `mapstructure:"max_names"`

	// MinTTL is how long a name is remembered at least, whatever the answer says,
	// for programs that go on to use an address. Default 1m, at least 1s. A longer
	// time to live counts up to an hour.
	MinTTL time.Duration `mapstructure:"min_ttl"`
}

// FilterConfig chooses flows. The kernel decides once for each connection.
type FilterConfig struct {
	// Addresses matches flows with either end in one of these prefixes or
	// addresses, for example 10.0.0.0/8 or 2001:db8::1. At most 2048.
	Addresses []string `mapstructure:"addresses"`

	// Ports matches flows to one of these destination ports.
	Ports []uint16 `mapstructure:"ports"`
}

const (
	minInterval        = 100 * time.Millisecond
	minIdleTimeout     = time.Second
	minMinTTL          = time.Second
	maxDNSPorts        = 8
	maxFilterAddresses = 2048
)

func createDefaultConfig() component.Config {
	return &Config{
		Interval: 5 * time.Second,
		Engines: EnginesConfig{
			TCP: EngineConfig{Enabled: true},
			Datagram: DatagramConfig{
				Enabled: true, MaxFlows: 65536,
				IdleTimeout: IdleTimeoutConfig{UDP: 30 * time.Second, ICMP: 10 * time.Second, Other: time.Minute},
			},
			Drops: DropsConfig{Enabled: true, MaxFlows: 16384},
			NAT:   NATConfig{Enabled: true, MaxEntries: 65536},
			Forward: ForwardConfig{
				MaxFlows: 65536,
				IdleTimeout: ForwardIdleTimeoutConfig{
					TCP: 5 * time.Minute, UDP: 30 * time.Second, ICMP: 10 * time.Second, Other: time.Minute,
				},
			},
			DNS: DNSConfig{Ports: []uint16{53}, MaxNames: 16384, MinTTL: time.Minute},
		},
		MergeSourcePorts: true,
		RingBufferSize:   8 << 20,
		MaxFlows:         65536,
		ExcludeSelf:      true,
		Process:          ProcessConfig{Arguments: ArgumentsConfig{MaxLength: 1024}},
	}
}

// Validate checks what no single field shows.
func (c *Config) Validate() error {
	var errs []error
	if c.Interval < minInterval {
		errs = append(errs, fmt.Errorf("interval: %s is too short: use at least %s", c.Interval, minInterval))
	}
	if page := os.Getpagesize(); c.RingBufferSize < page || bits.OnesCount(uint(c.RingBufferSize)) != 1 || c.RingBufferSize > 1<<30 {
		errs = append(errs, fmt.Errorf("ring_buffer_size: %d is not a power of two from %d to %d", c.RingBufferSize, page, 1<<30))
	}
	errs = append(errs, enough("max_flows", c.MaxFlows))
	if root := c.CgroupRoot; root != "" && (!path.IsAbs(root) || path.Clean(root) != root) {
		errs = append(errs, fmt.Errorf("cgroup_root: %q is not the path of a control group such as /kubepods.slice", root))
	}
	if !c.Engines.TCP.Enabled && !c.Engines.Datagram.Enabled && !c.Engines.Drops.Enabled && !c.Engines.Forward.Enabled {
		errs = append(errs, errors.New("engines: all that capture are disabled: enable at least one; dns and nat only add to what the others record"))
	}
	return errors.Join(errs...)
}

// Validate checks the bounds.
func (c *DatagramConfig) Validate() error {
	return enough("max_flows", c.MaxFlows)
}

// Validate checks the bounds.
func (c *DropsConfig) Validate() error {
	return enough("max_flows", c.MaxFlows)
}

// Validate checks the bounds.
func (c *NATConfig) Validate() error {
	return enough("max_entries", c.MaxEntries)
}

// Validate checks the bounds.
func (c *DNSConfig) Validate() error {
	var errs []error
	if len(c.Ports) < 1 || len(c.Ports) > maxDNSPorts || slices.Contains(c.Ports, 0) {
		errs = append(errs, fmt.Errorf("ports: %d: use 1 to %d ports, each from 1 to 65535", c.Ports, maxDNSPorts))
	}
	errs = append(errs, enough("max_names", c.MaxNames))
	if c.MinTTL < minMinTTL {
		errs = append(errs, fmt.Errorf("min_ttl: %s is too short: use at least %s", c.MinTTL, minMinTTL))
	}
	return errors.Join(errs...)
}

// Validate checks the bounds, and that the patterns can be read.
func (c *ForwardConfig) Validate() error {
	errs := []error{enough("max_flows", c.MaxFlows)}
	if c.Enabled && len(c.Interfaces) == 0 {
		errs = append(errs, errors.New(`interfaces: none is chosen: name some, for example [tap*, "veth*"], or ["*"] for all`))
	}
	for _, patterns := range []struct {
		name string
		list []string
	}{{"interfaces", c.Interfaces}, {"exclude_interfaces", c.ExcludeInterfaces}} {
		for _, p := range patterns.list {
			if _, err := path.Match(p, ""); err != nil || p == "" {
				errs = append(errs, fmt.Errorf("%s: %q is neither a name nor a pattern such as veth*", patterns.name, p))
			}
		}
	}
	return errors.Join(errs...)
}

// Validate checks that no flow ends between two of its packets.
func (c *IdleTimeoutConfig) Validate() error {
	return errors.Join(longEnough("udp", c.UDP), longEnough("icmp", c.ICMP), longEnough("other", c.Other))
}

// Validate checks that no flow ends between two of its packets.
func (c *ForwardIdleTimeoutConfig) Validate() error {
	return errors.Join(longEnough("tcp", c.TCP), longEnough("udp", c.UDP), longEnough("icmp", c.ICMP), longEnough("other", c.Other))
}

func enough(name string, n int) error {
	if n < 1 {
		return fmt.Errorf("%s: %d is too few: use at least 1", name, n)
	}
	return nil
}

func longEnough(name string, timeout time.Duration) error {
	if timeout < minIdleTimeout {
		return fmt.Errorf("%s: %s is too short: use at least %s", name, timeout, minIdleTimeout)
	}
	return nil
}

// Validate checks that every address can be read.
func (f *FilterConfig) Validate() error {
	if len(f.Addresses) > maxFilterAddresses {
		return fmt.Errorf("addresses: %d are too many: use at most %d, in wider prefixes", len(f.Addresses), maxFilterAddresses)
	}
	_, err := f.prefixes()
	return err
}

// prefixes reads Addresses; a single address is a prefix of its full length.
func (f *FilterConfig) prefixes() ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	var errs []error
	for _, s := range f.Addresses {
		if addr, err := netip.ParseAddr(s); err == nil {
			addr = addr.Unmap().WithZone("")
			prefixes = append(prefixes, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(s)
		if err != nil {
			errs = append(errs, fmt.Errorf("addresses: %q is neither an address nor a prefix such as 10.0.0.0/8", s))
			continue
		}
		prefixes = append(prefixes, prefix.Masked())
	}
	return prefixes, errors.Join(errs...)
}
