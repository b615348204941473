//go:build linux

package probe

import (
	"fmt"
	"io"
	"maps"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/bpf"
)

// object is one compiled file of programs and the struct they go into.
type object struct {
	spec func() (*ebpf.CollectionSpec, error)
	into any
}

// load loads the objects of an engine. They share the maps of the first, and those
// that engines share; each is prepared by what every engine is configured with, and
// by prepare.
func load(objects []object, opts Options, prepare func(*ebpf.CollectionSpec) error) error {
	var own uint32
	if opts.ExcludeSelf {
		var err error
		if own, err = noteSelf(); err != nil {
			return err
		}
	}
	constants := map[string]any{
		"filter_parts": opts.Filter.parts(), "own_process": own,
		"scope_group": opts.Scope.group, "scope_level": opts.Scope.level,
	}
	shared := make(map[string]*ebpf.Map)
	if opts.rejects != nil {
		shared[bpf.DropsMapRejects] = opts.rejects
	}
	for i, o := range objects {
		spec, err := o.spec()
		if err != nil {
			return err
		}
		for name, value := range constants {
			if constant, ok := spec.Variables[name]; ok {
				if err := constant.Set(value); err != nil {
					return fmt.Errorf("set %s: %w", name, err)
				}
			}
		}
		if err := prepare(spec); err != nil {
			return err
		}
		collection, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{
			MapReplacements: sharedBy(spec, shared),
			Programs:        ebpf.ProgramOptions{ExtraRelocationTargets: conntrackTypes()},
		})
		if err != nil {
			return err
		}
		if i == 0 {
			shared = maps.Clone(collection.Maps)
		}
		err = collection.Assign(o.into)
		collection.Close() // what was not assigned
		if err != nil {
			return err
		}
	}
	return nil
}

// asIs is how an object is prepared that needs no more than load does.
func asIs(*ebpf.CollectionSpec) error { return nil }

// sharedBy returns those of the maps that spec has too. Global variables are each
// object's own.
func sharedBy(spec *ebpf.CollectionSpec, shared map[string]*ebpf.Map) map[string]*ebpf.Map {
	replace := make(map[string]*ebpf.Map)
	for name, m := range shared {
		if _, ok := spec.Maps[name]; ok && !strings.HasPrefix(name, ".") {
			replace[name] = m
		}
	}
	return replace
}

// noteSelf returns this process's id as the kernel numbers it.
func noteSelf() (uint32, error) {
	var self bpf.SelfObjects
	if err := bpf.LoadSelfObjects(&self, nil); err != nil {
		return 0, fmt.Errorf("note own process: %w", err)
	}
	defer self.Close()
	if _, err := self.NoteSelf.Run(&ebpf.RunOptions{}); err != nil {
		return 0, fmt.Errorf("note own process: %w", err)
	}
	var tgid uint32
	if err := self.SelfTgid.Get(&tgid); err != nil {
		return 0, fmt.Errorf("note own process: %w", err)
	}
	return tgid, nil
}

// run goes through an iterator once.
func run(iter *link.Iter) error {
	r, err := iter.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(io.Discard, r)
	return err
}
