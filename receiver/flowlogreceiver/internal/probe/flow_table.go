//go:build linux

package probe

import (
	"fmt"
	"unsafe"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/bpf"
)

// The programs of every engine that counts packets share these.
type (
	flowKey     = bpf.DatagramFlowKey
	flowEvent   = bpf.DatagramFlowEvent
	countedFlow = bpf.DatagramFlow
	flowSum     = bpf.DatagramFlowSum
	flowFlag    = bpf.DatagramFlowFlag
)

const (
	flagLocalFirst = bpf.DatagramFlowFlagFLOW_FLAG_LOCAL_FIRST
	flagOld        = bpf.DatagramFlowFlagFLOW_FLAG_OLD
	flagExcluded   = bpf.DatagramFlowFlagFLOW_FLAG_EXCLUDED
	flagIdle       = bpf.DatagramFlowFlagFLOW_FLAG_IDLE
	flagFINs       = bpf.DatagramFlowFlagFLOW_FLAG_LOCAL_FIN | bpf.DatagramFlowFlagFLOW_FLAG_REMOTE_FIN
	flagReset      = bpf.DatagramFlowFlagFLOW_FLAG_RESET
	flagUnanswered = bpf.DatagramFlowFlagFLOW_FLAG_UNANSWERED
)

// What the unused byte of a key holds for what is counted without an end.
const (
	coarseLocalFirst  = 1
	coarseRemoteFirst = 2
)

// coarseShare of the limit is the room for flows without an end.
const coarseShare = 8

// isOver tells of a TCP connection whether both ends have closed it, or one reset it.
func isOver(flags flowFlag) bool {
	return flags&flagReset != 0 || flags&flagFINs == flagFINs
}

// flowTable is what user space knows of the flows: what it has told of each,
// and what is new. A flow lives from its first packet until both the kernel and
// the ring have been silent about it for the idle time of its protocol.
type flowTable struct {
	known map[flowKey]*knownFlow
	limit int // of flows that the kernel has no room for; beyond it see coarsen
	live  uint64
	// forwarded says that the flows have no socket here, so that neither end is the
	// local one.
	forwarded bool
}

type knownFlow struct {
	// told is how far the kernel's counts have been taken in.
	told     sums
	toldEnds ends
	news     sums
	ends     ends // not told yet
	inKernel bool
	marked   bool // by the kernel, in the sweep before
	reported bool

	since, last uint64
	cgroup      uint64
	pid         uint32
	flags       flowFlag
	exe         [ExeLen]byte
	translation bpf.DatagramTranslation
}

type sums struct{ sent, received flowSum }

// ends counts connections that another one followed, and those that were reset.
type ends struct{ restarts, resets uint16 }

type idleTimes bpf.DatagramIdleTimes

func (t *idleTimes) of(protocol uint8, flags flowFlag) uint64 {
	switch flow.Transport(protocol) {
	case flow.TransportTCP:
		switch {
		case isOver(flags):
			return t.TcpOver
		case flags&flagUnanswered != 0:
			return t.TcpUnanswered
		}
		return t.Tcp
	case flow.TransportUDP:
		return t.Udp
	case flow.TransportICMP, flow.TransportICMPv6:
		return t.Icmp
	default:
		return t.Other
	}
}

// underPressure returns the times for when room is short; what is shorter anyway
// stays.
func (t idleTimes) underPressure() idleTimes {
	for _, each := range []*uint64{&t.Udp, &t.Icmp, &t.Other, &t.TcpUnanswered, &t.TcpOver} {
		*each = min(*each, uint64(idleUnderPressure))
	}
	t.Tcp = min(t.Tcp, uint64(idleTCPUnderPressure))
	return t
}

func newFlowTable(limit int) *flowTable {
	return &flowTable{known: make(map[flowKey]*knownFlow), limit: limit}
}

// addKernel takes in what the kernel counts of a flow, and reports whether it was
// marked idle a sweep ago and can be taken out.
func (f *flowTable) addKernel(key flowKey, counted *countedFlow) bool {
	s, ok := f.known[key]
	switch {
	case !ok:
		s = f.add(key, counted)
	case !s.inKernel:
		s.resume(counted.Flags)
	}
	s.inKernel = true
	s.take(counted)
	marked := counted.Flags&flagIdle != 0
	ripe := marked && s.marked
	s.marked = marked
	return ripe
}

// removeKernel takes in the last that the kernel counted of a flow that addKernel knows.
func (f *flowTable) removeKernel(key flowKey, last *countedFlow) {
	s := f.known[key]
	s.take(last)
	s.inKernel, s.marked = false, false
	s.told, s.toldEnds = sums{}, ends{}
}

// addPacket takes in packets that came through the ring.
func (f *flowTable) addPacket(key flowKey, packet *countedFlow) {
	key = coarsen(f, f.known, key, packet)
	s, ok := f.known[key]
	if ok {
		s.resume(packet.Flags)
	} else {
		s = f.add(key, packet)
	}
	s.last = max(s.last, packet.Last)
	s.follow(packet.Flags)
	addSum(&s.news.sent, &packet.Sent)
	addSum(&s.news.received, &packet.Received)
	s.ends.restarts += packet.Restarts
	s.ends.resets += packet.Resets
}

// coarsen returns the key by which packets are counted among flows. Past the limit that
// is without the end that comes and goes: a client's port, a server's many clients, the
// source of what passes through. An eighth past that it is the protocol alone. The
// detail goes, no packet does; what is known of one flow only goes with it.
func coarsen[V any](f *flowTable, among map[flowKey]V, key flowKey, packet *countedFlow) flowKey {
	if _, ok := among[key]; ok || len(among) < f.limit {
		return key
	}
	packet.Flags &= flagLocalFirst | flagOld | flagExcluded
	packet.Cgroup, packet.Pid, packet.Exe = 0, 0, [ExeLen]byte{}
	packet.Translation = bpf.DatagramTranslation{}
	packet.Restarts, packet.Resets = 0, 0
	switch localFirst := packet.Flags&flagLocalFirst != 0; {
	case f.forwarded && localFirst:
		key.Local, key.LocalPort, key.Unused = [16]byte{}, 0, coarseLocalFirst
	case f.forwarded:
		key.Remote, key.RemotePort, key.Unused = [16]byte{}, 0, coarseRemoteFirst
	case localFirst:
		key.Remote, key.LocalPort, key.Unused = [16]byte{}, 0, coarseLocalFirst
	default:
		key.Remote, key.RemotePort, key.Unused = [16]byte{}, 0, coarseRemoteFirst
	}
	if _, ok := among[key]; ok || len(among) < f.limit+f.limit/coarseShare {
		return key
	}
	return flowKey{Netns: key.Netns, Protocol: key.Protocol, Unused: key.Unused}
}

// add begins a flow as it was seen.
func (f *flowTable) add(key flowKey, seen *countedFlow) *knownFlow {
	s := &knownFlow{
		since: seen.First, last: seen.Last, cgroup: seen.Cgroup, pid: seen.Pid, flags: seen.Flags, exe: seen.Exe,
		translation: seen.Translation,
	}
	f.known[key] = s
	return s
}

// resume notes a connection that begins where another one was over.
func (s *knownFlow) resume(flags flowFlag) {
	if isOver(s.flags) && flags&flagOld == 0 {
		s.flags &^= flagFINs | flagReset
		s.ends.restarts++
	}
}

// follow brings the state of a connection up to date.
func (s *knownFlow) follow(flags flowFlag) {
	s.flags |= flags & (flagFINs | flagReset)
	if flags&flagUnanswered == 0 {
		s.flags &^= flagUnanswered
	}
}

// take moves what the kernel has counted since the last time to the news.
func (s *knownFlow) take(counted *countedFlow) {
	s.last = max(s.last, counted.Last)
	takeSum(&s.news.sent, &s.told.sent, &counted.Sent)
	takeSum(&s.news.received, &s.told.received, &counted.Received)
	if restarts := counted.Restarts - s.toldEnds.restarts; restarts > 0 {
		s.flags &^= flagFINs | flagReset
		s.ends.restarts += restarts
	}
	s.ends.resets += counted.Resets - s.toldEnds.resets
	s.toldEnds = ends{restarts: counted.Restarts, resets: counted.Resets}
	s.follow(counted.Flags)
}

func takeSum(news, told, counted *flowSum) {
	addSum(news, &flowSum{
		Packets: counted.Packets - told.Packets, Bytes: counted.Bytes - told.Bytes, Payload: counted.Payload - told.Payload,
	})
	*told = *counted
}

func addSum(to, more *flowSum) {
	to.Packets += more.Packets
	to.Bytes += more.Bytes
	to.Payload += more.Payload
}

// mergePackets adds what came through the ring later to what came before.
func mergePackets(before, later *countedFlow) {
	if isOver(before.Flags) {
		if later.Flags&flagOld == 0 {
			before.Flags &^= flagFINs | flagReset
			before.Restarts++
		} else {
			later.Resets = 0
		}
	}
	before.Flags |= later.Flags & (flagFINs | flagReset)
	if later.Flags&flagUnanswered == 0 {
		before.Flags &^= flagUnanswered
	}
	before.Resets += later.Resets
	before.Last = max(before.Last, later.Last)
	addSum(&before.Sent, &later.Sent)
	addSum(&before.Received, &later.Received)
}

// report returns an event for each flow with news, and for each that has been
// idle, which ends with that. Nothing is told of flows that are left out, nor of a
// connection that waits for an answer.
func (f *flowTable) report(now uint64, idle *idleTimes) []Event {
	var events []Event
	f.live = 0
	for key, s := range f.known {
		ended := !s.inKernel && now-min(now, s.last) > idle.of(key.Protocol, s.flags)
		if ended {
			delete(f.known, key)
		}
		if s.flags&flagExcluded != 0 {
			continue
		}
		if !ended {
			f.live++
		}
		for ; s.ends.restarts > 0; s.ends.restarts-- {
			events = append(events, f.event(&key, s, now, true))
			s.reported, s.flags = false, s.flags&^flagOld
		}
		waits := s.flags&flagUnanswered != 0
		if ended || !waits && (s.news != (sums{}) || !s.reported) {
			events = append(events, f.event(&key, s, now, ended))
		}
	}
	return events
}

// event tells the news of s, which are then told.
func (f *flowTable) event(key *flowKey, s *knownFlow, now uint64, ended bool) Event {
	e := Event{
		Time: int64(now), Since: int64(s.since), Cgroup: s.cgroup,
		Local: knownAddrPort(key.Local, key.LocalPort), Remote: knownAddrPort(key.Remote, key.RemotePort),
		NetNS: key.Netns, PID: s.pid, Exe: s.exe,
		Transport: flow.Transport(key.Protocol),
		Kind:      Live, Reporter: flow.ReporterDestination,
		Started: !s.reported && s.flags&flagOld == 0,
	}
	sent, received := &s.news.sent, &s.news.received
	switch localFirst := s.flags&flagLocalFirst != 0; {
	case f.forwarded:
		e.Reporter = flow.ReporterForward
		if !localFirst {
			e.Local, e.Remote = e.Remote, e.Local
			sent, received = received, sent
		}
		e.untranslated(&s.translation)
	case localFirst:
		e.Reporter = flow.ReporterSource
	}
	e.SentPayload, e.SentBytes, e.SentPackets = sent.Payload, sent.Bytes, uint32(sent.Packets)
	e.ReceivedPayload, e.ReceivedBytes, e.ReceivedPackets = received.Payload, received.Bytes, uint32(received.Packets)
	if ended {
		e.Kind = Closed
		e.End = s.end()
	}
	if e.Transport == flow.TransportICMP || e.Transport == flow.TransportICMPv6 {
		e.ICMP = flow.ICMP{Type: key.IcmpType, Code: key.IcmpCode}
	}
	s.news, s.reported, s.since = sums{}, true, now
	return e
}

// untranslated notes what each end has instead of the other, where that differs.
func (e *Event) untranslated(t *bpf.DatagramTranslation) {
	if t.Called == ([16]byte{}) {
		return
	}
	if called := addrPort(t.Called, t.CalledPort); called != e.Remote {
		e.Original = called
	}
	if seen := addrPort(t.Seen, t.SeenPort); seen != e.Local {
		e.Alias = seen
	}
}

// end tells how the flow ended, of which only TCP says more than silence.
func (s *knownFlow) end() End {
	switch {
	case s.ends.resets > 0:
		s.ends.resets--
		return Reset
	case s.flags&flagUnanswered != 0:
		return TimedOut
	}
	return InOrder
}

const flowEventSize = int(unsafe.Sizeof(flowEvent{}))

// decodeFlow reads one record of the ring buffer.
func decodeFlow(sample []byte) (*flowEvent, error) {
	if len(sample) < flowEventSize {
		return nil, fmt.Errorf("decode flow event: %d bytes, want %d", len(sample), flowEventSize)
	}
	// One machine, one byte order and one layout, as for the TCP engine.
	e := new(flowEvent)
	copy(unsafe.Slice((*byte)(unsafe.Pointer(e)), flowEventSize), sample)
	return e, nil
}
