//go:build linux

package capture

import (
	"net/netip"
	"syscall"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
)

// build fills f with what ev tells of one connection. offset turns kernel time
// into Unix time.
func (c *Capture) build(f *flow.Flow, ev *probe.Event, process flow.Name, offset int64) {
	group := c.cgroups.of(ev.Cgroup)
	*f = flow.Flow{
		Start:            ev.Since + offset,
		End:              ev.Time + offset,
		Observer:         c.opts.Observer,
		Reporter:         ev.Reporter,
		Action:           flow.Allow,
		Transport:        ev.Transport,
		NetworkNamespace: ev.NetNS,
		Process: flow.Process{
			Executable: process, PID: ev.PID, Cgroup: group.path, Container: group.container, CommandLine: c.commands.of(ev),
		},
		Connections: flow.Connections{Seen: 1},
		ICMP:        ev.ICMP,
	}
	local := flow.Endpoint{
		Address: ev.Local.Addr(), Port: ev.Local.Port(), Process: process,
		Bytes: ev.SentBytes, Packets: uint64(ev.SentPackets), PayloadBytes: ev.SentPayload,
	}
	remote := flow.Endpoint{
		Address: ev.Remote.Addr(), Port: ev.Remote.Port(),
		Bytes: ev.ReceivedBytes, Packets: uint64(ev.ReceivedPackets), PayloadBytes: ev.ReceivedPayload,
	}
	if ev.Reporter == flow.ReporterDestination {
		f.Source, f.Destination = remote, local
	} else {
		f.Source, f.Destination = local, remote
	}
	f.Destination.OriginalAddress, f.Destination.OriginalPort = ev.Original.Addr(), ev.Original.Port()
	// A source of which only the port is another, for the same was in use, is no
	// other client.
	if ev.Reporter == flow.ReporterDestination && ev.Alias.Addr() != ev.Remote.Addr() {
		f.Source.OriginalAddress, f.Source.OriginalPort = ev.Alias.Addr(), ev.Alias.Port()
	}
	if ev.Started {
		f.Connections.Started = 1
	}
	switch ev.Kind {
	case probe.Live:
		f.Connections.Open = 1
	case probe.Closed, probe.Failed:
		f.Connections.Completed = 1
	}
	switch ev.End {
	case probe.Reset, probe.ResetByLocal, probe.ResetByRemote:
		f.Connections.Reset = 1
		buildReset(&f.Connections, ev)
	case probe.TimedOut:
		f.Connections.TimedOut = 1
	case probe.Abandoned:
		f.Connections.Abandoned = 1
	}
	if ev.Errno != 0 {
		f.Action = flow.Deny
		f.Denial = denialOf(ev.Errno)
	}
	if ev.Transport == flow.TransportTCP {
		buildHealth(&f.TCP, ev)
	}
}

// buildDenial fills f with what was dropped of a flow. It is the source's report
// where the sender is known, and else that of the end at which it was dropped.
func (c *Capture) buildDenial(f *flow.Flow, d *denial, offset int64) {
	ev := &d.event
	*f = flow.Flow{
		Start:            ev.Since + offset,
		End:              ev.Time + offset,
		Observer:         c.opts.Observer,
		Reporter:         ev.Reporter,
		Action:           flow.Deny,
		Denial:           c.denialOf(d),
		Transport:        ev.Transport,
		NetworkNamespace: ev.NetNS,
		ICMP:             ev.ICMP,
		Source: flow.Endpoint{
			Address: ev.Local.Addr(), Port: ev.Local.Port(),
			Bytes: ev.SentBytes, Packets: uint64(ev.SentPackets), PayloadBytes: ev.SentPayload,
		},
		Destination: flow.Endpoint{
			Address: ev.Remote.Addr(), Port: ev.Remote.Port(),
			Bytes: ev.ReceivedBytes, Packets: uint64(ev.ReceivedPackets), PayloadBytes: ev.ReceivedPayload,
			OriginalAddress: ev.Original.Addr(), OriginalPort: ev.Original.Port(),
		},
	}
	if d.first {
		f.Connections = flow.Connections{Seen: 1, Started: 1, Completed: 1}
	}
	if from := d.from; from != nil {
		f.Reporter, f.NetworkNamespace, f.Source.Process = flow.ReporterSource, from.netns, from.process
		group := c.cgroups.of(from.cgroup)
		f.Process = flow.Process{
			Executable: from.process, PID: from.pid, Cgroup: group.path, Container: group.container,
			CommandLine: c.commands.of(&probe.Event{PID: from.pid, Exe: from.exe, Time: ev.Time}),
		}
		return
	}
	if f.Reporter == flow.ReporterForward && c.places.local(f.Destination.Address) {
		f.Reporter = flow.ReporterDestination
	}
	group := c.cgroups.of(ev.Cgroup)
	f.Process.Cgroup, f.Process.Container = group.path, group.container
	if ev.PID != 0 {
		f.Process.CommandLine = c.commands.of(ev)
		f.Process.PID, f.Process.Executable = ev.PID, c.processes.of(ev)
		f.Source.Process = f.Process.Executable
	}
}

// denialOf tells why a flow was denied. That a firewall rejects, the kernel does not
// always tell, but the sender's socket knows.
func (c *Capture) denialOf(d *denial) flow.Denial {
	drop := d.event.Drop
	denial := flow.Denial{Reason: flow.Intern(drop.Reason), Class: drop.Class}
	if drop.Errno != 0 {
		denial = denialOf(drop.Errno)
	}
	denial.Namespace = d.event.NetNS
	if drop.Interface != "" {
		denial.Interface = flow.Intern(drop.Interface)
	}
	if denial.Class == flow.PolicyDrop && d.from != nil && d.from.errno != 0 && d.from.errno != syscall.ETIMEDOUT {
		denial.Class = flow.Reject
	}
	return denial
}

// annotate completes the records of an interval with what is known of this
// machine by its end. All of it follows from a record's key.
func (c *Capture) annotate(flows []flow.Flow) {
	for i := range flows {
		f := &flows[i]
		c.counter++
		f.ID = flow.ID{Node: c.opts.Node, Epoch: c.epoch, Counter: c.counter}
		f.Source.Scope = flow.ScopeOf(f.Source.Address)
		f.Destination.Scope = flow.ScopeOf(f.Destination.Address)
		f.Source.Type = c.places.typeOf(f.Source.Address)
		f.Destination.Type = c.places.typeOf(f.Destination.Address)
		if f.Reporter != flow.ReporterSource || f.Action == flow.Deny {
			continue
		}
		if l, ok := c.places.listenerAt(f.Transport, addrPortOf(&f.Destination), f.NetworkNamespace); ok {
			f.Destination.Process = l.process
			f.PeerObserved = !l.excluded
		}
	}
}

func addrPortOf(e *flow.Endpoint) netip.AddrPort { return netip.AddrPortFrom(e.Address, e.Port) }
