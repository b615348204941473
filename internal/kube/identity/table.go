package identity

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"sync"
)

// shards is how many parts a table has, each with a lock of its own: a question seldom
// meets another, or a writer.
const shards = 128

// key is what tables are indexed by; spread is a hash, of which the upper bits count.
type key interface {
	comparable
	spread() uint64
}

// table is a map that is read while it is written. The zero table is empty.
type table[K key, V any] struct {
	parts [shards]part[K, V]
}

type part[K key, V any] struct {
	mu sync.RWMutex
	m  map[K]V
	_  [32]byte // a cache line each
}

func (t *table[K, V]) part(k K) *part[K, V] { return &t.parts[k.spread()>>57] }

func (t *table[K, V]) get(k K) (V, bool) {
	p := t.part(k)
	p.mu.RLock()
	v, ok := p.m[k]
	p.mu.RUnlock()
	return v, ok
}

func (t *table[K, V]) set(k K, v V) {
	p := t.part(k)
	p.mu.Lock()
	if p.m == nil {
		p.m = make(map[K]V)
	}
	p.m[k] = v
	p.mu.Unlock()
}

// change replaces what k has by what f makes of it; f holds the part's lock. What is
// not to be kept is removed.
func (t *table[K, V]) change(k K, f func(V) (v V, keep bool)) {
	p := t.part(k)
	p.mu.Lock()
	defer p.mu.Unlock()
	v, keep := f(p.m[k])
	if !keep {
		delete(p.m, k)
		return
	}
	if p.m == nil {
		p.m = make(map[K]V)
	}
	p.m[k] = v
}

func (t *table[K, V]) delete(k K) {
	t.change(k, func(V) (V, bool) { return *new(V), false })
}

func (t *table[K, V]) len() int {
	n := 0
	for i := range t.parts {
		p := &t.parts[i]
		p.mu.RLock()
		n += len(p.m)
		p.mu.RUnlock()
	}
	return n
}

// each calls f with a copy of every part in turn, without its lock.
func (t *table[K, V]) each(f func(K, V)) {
	for i := range t.parts {
		p := &t.parts[i]
		p.mu.RLock()
		keys, values := make([]K, 0, len(p.m)), make([]V, 0, len(p.m))
		for k, v := range p.m {
			keys, values = append(keys, k), append(values, v)
		}
		p.mu.RUnlock()
		for i, k := range keys {
			f(k, values[i])
		}
	}
}

// replace makes what t holds those in list, by set and remove: the rest is gone.
func replace[K key, V, T any](t *table[K, V], list []T, keyOf func(T) K, remove func(K), set func(T)) {
	present := make(map[K]struct{}, len(list))
	for _, v := range list {
		present[keyOf(v)] = struct{}{}
	}
	t.each(func(k K, _ V) {
		if _, ok := present[k]; !ok {
			remove(k)
		}
	})
	for _, v := range list {
		set(v)
	}
}

// address is an IP address of either version; IPv4 is mapped into IPv6.
type address [16]byte

func addressOf(addr netip.Addr) address { return addr.As16() }

func (a address) spread() uint64 { return mix(a[:]) }

// mix makes a hash of sixteen bytes. Addresses come in runs that differ in their last bits:
// a full product has each bit of theirs change about half of its own.
func mix(b []byte) uint64 {
	high, low := bits.Mul64(binary.BigEndian.Uint64(b)^0x9e3779b97f4a7c15, binary.BigEndian.Uint64(b[8:])^0xd1b54a32d192ed03)
	return high ^ low
}

// nodePort is a port that services take at every node.
type nodePort struct {
	port      uint16
	transport uint8
}

func (p nodePort) spread() uint64 {
	return (uint64(p.port)<<8 | uint64(p.transport)) * 0x9e3779b97f4a7c15
}

// name is the name of a node or a namespace.
type name string

func (n name) spread() uint64 {
	h := uint64(14695981039346656037)
	for i := range len(n) {
		h = (h ^ uint64(n[i])) * 1099511628211
	}
	return h ^ h<<29
}
