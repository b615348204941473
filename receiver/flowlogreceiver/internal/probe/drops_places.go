//go:build linux

package probe

import (
	"errors"
	"fmt"
	"io"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/bpf"
)

// dropPlaces tells the network namespaces in scope, for packets that are dropped where
// they have no socket: those of the tasks in scope, and the collector's own. A
// namespace without a task is nobody's. A nil one is that of the scope of everything.
type dropPlaces struct {
	objects bpf.DropsPlacesObjects
	tasks   *link.Iter
	others  *ebpf.Map // that the programs leave out
	netns   uint32    // the collector's

	// now tells of each namespace that has a task whether it is in scope; before is
	// what now was, for what has ended since.
	now, before map[uint32]bool
	skipped     map[uint32]struct{} // what others holds
}

const dropPlaceSize = int(unsafe.Sizeof(bpf.DropsPlacesDropPlace{}))

// openDropPlaces loads the program that looks at tasks; others is the map of what it
// finds to be somebody else's.
func openDropPlaces(opts Options, others *ebpf.Map) (_ *dropPlaces, err error) {
	p := &dropPlaces{others: others, skipped: make(map[uint32]struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	own, err := inode(ownNamespace)
	if err != nil {
		return nil, fmt.Errorf("look at network namespace: %w", err)
	}
	p.netns = uint32(own)
	if err := load([]object{{bpf.LoadDropsPlaces, &p.objects}}, opts, asIs); err != nil {
		return nil, fmt.Errorf("load the program that looks at tasks: %w", err)
	}
	if p.tasks, err = link.AttachIter(link.IterOptions{Program: p.objects.DropPlaces}); err != nil {
		return nil, fmt.Errorf("attach to iterator task: %w", err)
	}
	return p, p.look()
}

// look looks at every task.
func (p *dropPlaces) look() error {
	if p == nil {
		return nil
	}
	records, err := p.tasks.Open()
	if err != nil {
		return fmt.Errorf("look at tasks: %w", err)
	}
	defer records.Close()
	data, err := io.ReadAll(records)
	if err != nil {
		return fmt.Errorf("look at tasks: %w", err)
	}
	p.now, p.before = make(map[uint32]bool), p.now
	for ; len(data) >= dropPlaceSize; data = data[dropPlaceSize:] {
		var place bpf.DropsPlacesDropPlace
		copy(unsafe.Slice((*byte)(unsafe.Pointer(&place)), dropPlaceSize), data)
		p.now[place.Netns] = p.now[place.Netns] || place.Own != 0
	}
	p.now[p.netns] = true
	return p.skip()
}

// skip has the programs leave out what is others'. What finds no room in the map
// comes here and is left out then.
func (p *dropPlaces) skip() error {
	for netns := range p.skipped {
		if own, known := p.now[netns]; known && !own {
			continue
		}
		delete(p.skipped, netns)
		if err := p.others.Delete(netns); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return fmt.Errorf("forget a network namespace of others: %w", err)
		}
	}
	for netns, own := range p.now {
		if _, skipped := p.skipped[netns]; own || skipped || len(p.skipped) >= int(p.others.MaxEntries()) {
			continue
		}
		if err := p.others.Put(netns, uint8(1)); err != nil {
			return fmt.Errorf("note a network namespace of others: %w", err)
		}
		p.skipped[netns] = struct{}{}
	}
	return nil
}

// own reports whether a drop is in scope.
func (p *dropPlaces) own(key *bpf.DropsDropKey, dropped *bpf.DropsDropFlow) bool {
	if p == nil || dropped.Flags&ofOwnSocket != 0 {
		return true
	}
	if own, known := p.now[key.Netns]; known {
		return own
	}
	return p.before[key.Netns]
}

// Close works twice, and on nil.
func (p *dropPlaces) Close() error {
	if p == nil {
		return nil
	}
	var err error
	if p.tasks != nil {
		err = p.tasks.Close()
	}
	return errors.Join(err, p.objects.Close())
}
