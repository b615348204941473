package flow

import "net/netip"

// Key holds what two records of one interval must share to be merged without
// losing anything but the source's ports. It is comparable and holds no string. What
// is known of the ends in Kubernetes is not in it: that is told of merged records.
type Key struct {
	Observer                          Observer
	Reporter                          Reporter
	Action                            Action
	Transport                         Transport
	PeerObserved                      bool
	SourcePort, DestinationPort       uint16
	NetworkNamespace                  uint32
	SourceAddress, DestinationAddress netip.Addr
	SourceOriginal                    netip.AddrPort
	DestinationOriginal               netip.AddrPort
	ICMP                              ICMP
	Denial                            Denial
	Executable, Cgroup                Name
	SourceProcess, DestinationProcess Name
}

// KeepSourcePort says whether a Key tells flows apart by their source port.
type KeepSourcePort bool

// Key returns the key of f.
func (f *Flow) Key(keep KeepSourcePort) Key {
	k := Key{
		Observer:           f.Observer,
		Reporter:           f.Reporter,
		Action:             f.Action,
		Transport:          f.Transport,
		PeerObserved:       f.PeerObserved,
		DestinationPort:    f.Destination.Port,
		NetworkNamespace:   f.NetworkNamespace,
		SourceAddress:      f.Source.Address,
		DestinationAddress: f.Destination.Address,
		ICMP:               f.ICMP,
		Denial:             f.Denial,
		Executable:         f.Process.Executable,
		Cgroup:             f.Process.Cgroup,
		SourceProcess:      f.Source.Process,
		DestinationProcess: f.Destination.Process,
	}
	k.SourceOriginal = netip.AddrPortFrom(f.Source.OriginalAddress, 0)
	k.DestinationOriginal = netip.AddrPortFrom(f.Destination.OriginalAddress, f.Destination.OriginalPort)
	if keep {
		k.SourcePort = f.Source.Port
		k.SourceOriginal = netip.AddrPortFrom(f.Source.OriginalAddress, f.Source.OriginalPort)
	}
	return k
}

// Merge adds other, which must share f's key, to f. Counters add, the interval
// widens, round-trip times add with their number of samples; a source port,
// process id or command line that differs becomes unknown, domains are joined. f
// keeps its ID, and what is known of its ends in Kubernetes.
func (f *Flow) Merge(other *Flow) {
	f.Start = min(f.Start, other.Start)
	f.End = max(f.End, other.End)
	if f.Source.Port != other.Source.Port {
		f.Source.Port = 0
	}
	if f.Source.OriginalPort != other.Source.OriginalPort {
		f.Source.OriginalPort = 0
	}
	if f.Process.PID != other.Process.PID {
		f.Process.PID = 0
	}
	if f.Process.CommandLine != other.Process.CommandLine {
		f.Process.CommandLine = Name{}
	}
	if f.IPVersion != other.IPVersion && f.NetworkType() != other.NetworkType() {
		f.IPVersion = IPVersionUnknown
	}
	f.Folded += other.Folded
	f.Source.merge(&other.Source)
	f.Destination.merge(&other.Destination)
	f.Connections.merge(&other.Connections)
	f.TCP.merge(&other.TCP)
	f.DNS.Merge(&other.DNS)
}

func (e *Endpoint) merge(other *Endpoint) {
	e.Bytes += other.Bytes
	e.Packets += other.Packets
	e.PayloadBytes += other.PayloadBytes
	e.Domains = e.Domains.Union(other.Domains)
}

func (c *Connections) merge(other *Connections) {
	c.Seen += other.Seen
	c.Started += other.Started
	c.Completed += other.Completed
	c.Open += other.Open
	c.Reset += other.Reset
	c.TimedOut += other.TimedOut
	c.Abandoned += other.Abandoned
	c.ResetBySource += other.ResetBySource
	c.ResetByDestination += other.ResetByDestination
}
