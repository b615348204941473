//go:build linux

package probe

import (
	"errors"
	"fmt"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/bpf"
)

const (
	// tcpUnanswered is the silence after which nobody will answer a connect: Linux
	// gives up 64 seconds after it has asked for the last time. Until then its socket
	// has not reported that it failed.
	tcpUnanswered = 70 * time.Second
	// tcpOver is for how long the last packets of a TCP connection may be apart.
	tcpOver = 2 * time.Second
)

// forward is the Source of the forward engine.
type forward struct {
	*flowSource
	programs   bpf.ForwardObjects
	interfaces *interfaces
}

func openForward(opts Options) (_ Source, err error) {
	f := &forward{flowSource: newFlowSource(&opts.Forward.FlowOptions)}
	f.flows.forwarded = true
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	if err := load([]object{{bpf.LoadForward, &f.programs}}, opts, opts.Forward.prepare); err != nil {
		return nil, fmt.Errorf("load forward programs: %w", err)
	}
	if err := opts.Filter.store(f.programs.FilterAddresses, f.programs.FilterPorts); err != nil {
		return nil, err
	}
	if err := f.open(flowObjects{
		flows: f.programs.Flows, events: f.programs.FlowEvents, counters: f.programs.FlowCounters,
		mark: f.programs.ForwardMark, idle: f.programs.Idle,
	}); err != nil {
		return nil, err
	}
	f.interfaces, err = followInterfaces(&opts, f.programs.ForwardOut, f.programs.ForwardInterfaces)
	return f, err
}

func (f *forward) Close() error {
	if f.interfaces != nil {
		return f.close(f.interfaces, &f.programs)
	}
	return f.close(&f.programs)
}
