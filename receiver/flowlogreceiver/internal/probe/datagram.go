//go:build linux

package probe

import (
	"errors"
	"fmt"
	"io"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/bpf"
)

// datagram is the Source of the datagram engine.
type datagram struct {
	*flowSource
	programs bpf.DatagramObjects
	adopt    bpf.DatagramAdoptObjects
	links    []io.Closer
}

func openDatagram(opts Options) (_ Source, err error) {
	d := &datagram{flowSource: newFlowSource(&opts.Datagram)}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	if err := d.load(opts); err != nil {
		return nil, err
	}
	if err := d.attach(opts.Scope.Dir()); err != nil {
		return nil, err
	}
	return d, d.open(flowObjects{
		flows: d.programs.Flows, events: d.programs.FlowEvents, counters: d.programs.FlowCounters,
		mark: d.programs.DatagramMark, idle: d.programs.Idle,
	})
}

func (d *datagram) load(opts Options) error {
	objects := []object{{bpf.LoadDatagram, &d.programs}, {bpf.LoadDatagramAdopt, &d.adopt}}
	if err := load(objects, opts, opts.Datagram.prepare); err != nil {
		return fmt.Errorf("load datagram programs: %w", err)
	}
	return opts.Filter.store(d.programs.FilterAddresses, d.programs.FilterPorts)
}

// attach names the sockets first, those to come and those that are there, so that
// the first packet finds its process.
func (d *datagram) attach(group string) error {
	for i, hook := range []struct {
		program *ebpf.Program
		at      ebpf.AttachType
	}{
		{d.programs.DatagramCreate, ebpf.AttachCGroupInetSockCreate},
		{d.programs.DatagramOut, ebpf.AttachCGroupInetEgress},
		{d.programs.DatagramIn, ebpf.AttachCGroupInetIngress},
	} {
		attached, err := link.AttachCgroup(link.CgroupOptions{Path: group, Attach: hook.at, Program: hook.program})
		if err != nil {
			return fmt.Errorf("attach to cgroup %s: %w", group, err)
		}
		d.links = append(d.links, attached)
		if i == 0 {
			if err := d.adoptAll(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *datagram) adoptAll() error {
	files, err := link.AttachIter(link.IterOptions{Program: d.adopt.DatagramAdopt})
	if err != nil {
		return fmt.Errorf("attach to iterator task_file: %w", err)
	}
	defer files.Close()
	if err := run(files); err != nil {
		return fmt.Errorf("adopt sockets: %w", err)
	}
	return nil
}

func (d *datagram) Close() error {
	return d.close(append(d.links, &d.adopt, &d.programs)...)
}
