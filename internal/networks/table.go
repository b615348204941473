package networks

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gaissmai/bart"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// Network is a named set of prefixes.
type Network struct {
	Name flow.Name
	// Namespace is that of a namespaced network set, unknown for every other network.
	Namespace flow.Name
	Prefixes  []netip.Prefix
}

// Source is where networks come from; of two that name the same prefix the first
// source counts, and within one the first network by namespace and name.
type Source int

// The sources, the nearest to the user first.
const (
	FromConfig Source = iota
	FromFile
	FromCluster
	sources
)

// Table finds the network that an address lies in. Questions may be asked while sources
// are replaced; they take no lock. The zero Table is empty.
type Table struct {
	current atomic.Pointer[bart.Table[*Network]]

	mu   sync.Mutex
	from [sources][]Network
}

// Lookup returns the network with the longest prefix that addr lies in, or nil.
func (t *Table) Lookup(addr netip.Addr) *Network {
	table := t.current.Load()
	if table == nil {
		return nil
	}
	n, _ := table.Lookup(addr.Unmap())
	return n
}

// Replace makes the networks of a source those in list, which the table keeps.
func (t *Table) Replace(source Source, list []Network) {
	slices.SortFunc(list, func(a, b Network) int {
		return cmp.Or(cmp.Compare(a.Namespace.String(), b.Namespace.String()), cmp.Compare(a.Name.String(), b.Name.String()))
	})
	t.mu.Lock()
	defer t.mu.Unlock()
	t.from[source] = list
	table := new(bart.Table[*Network])
	for _, list := range slices.Backward(t.from[:]) {
		for i := range slices.Backward(list) {
			for _, prefix := range list[i].Prefixes {
				table.Insert(prefix, &list[i])
			}
		}
	}
	t.current.Store(table)
}

// ParsePrefix reads a prefix or an address, which is a prefix of its full length. An IPv4
// prefix that is mapped into IPv6 is IPv4.
func ParsePrefix(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is neither an address nor a prefix such as 10.0.0.0/8", s)
	}
	return flow.UnmapPrefix(prefix), nil
}

// Scopes classifies addresses as flow.ScopeOf does, with exceptions. A nil Scopes has
// none; nothing changes one that is in use.
type Scopes struct{ exceptions bart.Table[flow.Scope] }

// Add makes an exception; of several prefixes that an address lies in the longest
// counts.
func (s *Scopes) Add(prefix netip.Prefix, scope flow.Scope) { s.exceptions.Insert(prefix, scope) }

// Of returns the scope of addr.
func (s *Scopes) Of(addr netip.Addr) flow.Scope {
	if s != nil {
		if scope, ok := s.exceptions.Lookup(addr.Unmap()); ok {
			return scope
		}
	}
	return flow.ScopeOf(addr)
}
