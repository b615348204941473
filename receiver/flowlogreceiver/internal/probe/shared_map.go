//go:build linux

package probe

import (
	"errors"
	"fmt"
	"sync"

	"github.com/cilium/ebpf"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/bpf"
)

// sharedMap is the map rejects for as long as an engine uses it.
type sharedMap struct {
	mu    sync.Mutex
	m     *ebpf.Map
	users int
}

// with returns open with the map.
func (s *sharedMap) with(open func(Options) (Source, error)) func(Options) (Source, error) {
	return func(opts Options) (Source, error) {
		var err error
		if opts.rejects, err = s.acquire(); err != nil {
			return nil, err
		}
		source, err := open(opts)
		if err != nil {
			return nil, errors.Join(err, s.release())
		}
		return &sharingSource{Source: source, release: sync.OnceValue(s.release)}, nil
	}
}

func (s *sharedMap) acquire() (*ebpf.Map, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users == 0 {
		spec, err := bpf.LoadDrops()
		if err != nil {
			return nil, err
		}
		if s.m, err = ebpf.NewMap(spec.Maps[bpf.DropsMapRejects]); err != nil {
			return nil, fmt.Errorf("make map %s: %w", bpf.DropsMapRejects, err)
		}
	}
	s.users++
	return s.m, nil
}

func (s *sharedMap) release() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users--; s.users > 0 {
		return nil
	}
	return s.m.Close()
}

// sharingSource lets go of the map when it is closed.
type sharingSource struct {
	Source
	release func() error
}

func (s *sharingSource) Close() error { return errors.Join(s.Source.Close(), s.release()) }
