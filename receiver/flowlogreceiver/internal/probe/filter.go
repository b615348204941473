//go:build linux

package probe

import (
	"fmt"
	"net/netip"

	"github.com/cilium/ebpf"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/bpf"
)

const (
	includeAddress = bpf.TCPFilterPartFILTER_INCLUDE_ADDRESS
	excludeAddress = bpf.TCPFilterPartFILTER_EXCLUDE_ADDRESS
	includePort    = bpf.TCPFilterPartFILTER_INCLUDE_PORT
	excludePort    = bpf.TCPFilterPartFILTER_EXCLUDE_PORT
)

// MaxFilterAddresses is the number of prefixes that a Filter may hold.
const MaxFilterAddresses = 4096

// parts tells the programs which look-ups they need.
func (f *Filter) parts() uint8 {
	var parts bpf.TCPFilterPart
	if len(f.IncludeAddresses) > 0 {
		parts |= includeAddress
	}
	if len(f.ExcludeAddresses) > 0 {
		parts |= excludeAddress
	}
	if len(f.IncludePorts) > 0 {
		parts |= includePort
	}
	if len(f.ExcludePorts) > 0 {
		parts |= excludePort
	}
	return uint8(parts)
}

// prefixes returns every prefix with the parts that hold below it: its own and
// those of all wider prefixes, for a look-up finds the longest only.
func (f *Filter) prefixes() map[netip.Prefix]bpf.TCPFilterPart {
	own := make(map[netip.Prefix]bpf.TCPFilterPart)
	for _, p := range f.IncludeAddresses {
		own[p.Masked()] |= includeAddress
	}
	for _, p := range f.ExcludeAddresses {
		own[p.Masked()] |= excludeAddress
	}
	all := make(map[netip.Prefix]bpf.TCPFilterPart, len(own))
	for p := range own {
		for wider, parts := range own {
			if wider.Bits() <= p.Bits() && wider.Contains(p.Addr()) {
				all[p] |= parts
			}
		}
	}
	return all
}

// store writes the filter into the maps of the programs.
func (f *Filter) store(addresses, ports *ebpf.Map) error {
	for p, parts := range f.prefixes() {
		key := bpf.TCPFilterPrefix{Bits: uint32(p.Bits()), Address: p.Addr().As16()}
		if p.Addr().Is4() {
			key.Bits += 96
		}
		if err := addresses.Put(key, parts); err != nil {
			return fmt.Errorf("store filter address %s: %w", p, err)
		}
	}
	byPort := make(map[uint16]uint8)
	for _, p := range f.IncludePorts {
		byPort[p] |= uint8(includePort)
	}
	for _, p := range f.ExcludePorts {
		byPort[p] |= uint8(excludePort)
	}
	for p, parts := range byPort {
		if err := ports.Put(p, parts); err != nil {
			return fmt.Errorf("store filter port %d: %w", p, err)
		}
	}
	return nil
}
