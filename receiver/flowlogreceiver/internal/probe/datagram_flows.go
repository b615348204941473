//go:build linux

package probe

import (
	"fmt"
	"time"
	"unsafe"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/bpf"
)

// datagramFlows is what user space knows of the flows: what it has told of each,
// and what is new. A flow lives from its first packet until both the kernel and
// the ring have been silent about it for the idle time of its protocol.
type datagramFlows struct {
	known map[bpf.DatagramDatagramKey]*datagramFlow
	limit int // of flows that the kernel has no room for
	live  uint64
}

type datagramFlow struct {
	// told is how far the kernel's sums have been taken in.
	told     sums
	news     sums
	inKernel bool
	marked   bool // by the kernel, in the sweep before
	reported bool

	since, last uint64
	cgroup      uint64
	pid         uint32
	flags       bpf.DatagramDatagramFlag
	exe         [ExeLen]byte
}

type sums struct{ sent, received bpf.DatagramDatagramSum }

type idleTimes struct{ udp, icmp, other time.Duration }

func (t *idleTimes) of(protocol uint8) uint64 {
	switch flow.Transport(protocol) {
	case flow.TransportUDP:
		return uint64(t.udp)
	case flow.TransportICMP, flow.TransportICMPv6:
		return uint64(t.icmp)
	default:
		return uint64(t.other)
	}
}

func newDatagramFlows(limit int) *datagramFlows {
	return &datagramFlows{known: make(map[bpf.DatagramDatagramKey]*datagramFlow), limit: limit}
}

// addKernel takes in what the kernel counts of a flow, and reports whether it was
// marked idle a sweep ago and can be taken out.
func (f *datagramFlows) addKernel(key bpf.DatagramDatagramKey, counted *bpf.DatagramDatagramFlow) bool {
	s := f.get(key, counted)
	s.inKernel = true
	s.take(counted)
	marked := counted.Flags&bpf.DatagramDatagramFlagDATAGRAM_FLAG_IDLE != 0
	ripe := marked && s.marked
	s.marked = marked
	return ripe
}

// removeKernel takes in the last that the kernel counted.
func (f *datagramFlows) removeKernel(key bpf.DatagramDatagramKey, last *bpf.DatagramDatagramFlow) {
	s := f.get(key, last)
	s.take(last)
	s.inKernel, s.marked, s.told = false, false, sums{}
}

// addPacket takes in packets that came through the ring; it refuses a new flow
// when there are too many.
func (f *datagramFlows) addPacket(key bpf.DatagramDatagramKey, packet *bpf.DatagramDatagramFlow) bool {
	if _, ok := f.known[key]; !ok && len(f.known) >= f.limit {
		return false
	}
	s := f.get(key, packet)
	s.last = max(s.last, packet.Last)
	addSum(&s.news.sent, &packet.Sent)
	addSum(&s.news.received, &packet.Received)
	return true
}

// get returns the flow with that key, which begins as seen says if it is new.
func (f *datagramFlows) get(key bpf.DatagramDatagramKey, seen *bpf.DatagramDatagramFlow) *datagramFlow {
	s, ok := f.known[key]
	if !ok {
		s = &datagramFlow{since: seen.First, last: seen.Last, cgroup: seen.Cgroup, pid: seen.Pid, flags: seen.Flags, exe: seen.Exe}
		f.known[key] = s
	}
	return s
}

// take moves what the kernel has counted since the last time to the news.
func (s *datagramFlow) take(counted *bpf.DatagramDatagramFlow) {
	s.last = max(s.last, counted.Last)
	takeSum(&s.news.sent, &s.told.sent, &counted.Sent)
	takeSum(&s.news.received, &s.told.received, &counted.Received)
}

func takeSum(news, told, counted *bpf.DatagramDatagramSum) {
	addSum(news, &bpf.DatagramDatagramSum{
		Packets: counted.Packets - told.Packets, Bytes: counted.Bytes - told.Bytes, Payload: counted.Payload - told.Payload,
	})
	*told = *counted
}

func addSum(to, more *bpf.DatagramDatagramSum) {
	to.Packets += more.Packets
	to.Bytes += more.Bytes
	to.Payload += more.Payload
}

// report returns an event for each flow with news, and for each that has been
// idle, which ends with that. Nothing is told of flows that are left out.
func (f *datagramFlows) report(now uint64, idle idleTimes) []Event {
	var events []Event
	f.live = 0
	for key, s := range f.known {
		ended := !s.inKernel && now-min(now, s.last) > idle.of(key.Protocol)
		if ended {
			delete(f.known, key)
		}
		if s.flags&bpf.DatagramDatagramFlagDATAGRAM_FLAG_EXCLUDED != 0 {
			continue
		}
		if !ended {
			f.live++
		}
		if ended || s.news != (sums{}) {
			events = append(events, s.event(&key, now, ended))
		}
	}
	return events
}

// event tells the news of s, which are then told.
func (s *datagramFlow) event(key *bpf.DatagramDatagramKey, now uint64, ended bool) Event {
	e := Event{
		Time: int64(now), Since: int64(s.since), Cgroup: s.cgroup,
		Local: addrPort(key.Local, key.LocalPort), Remote: addrPort(key.Remote, key.RemotePort),
		SentPayload: s.news.sent.Payload, ReceivedPayload: s.news.received.Payload,
		SentBytes: s.news.sent.Bytes, ReceivedBytes: s.news.received.Bytes,
		SentPackets: uint32(s.news.sent.Packets), ReceivedPackets: uint32(s.news.received.Packets),
		NetNS: key.Netns, PID: s.pid, Exe: s.exe,
		Transport: flow.Transport(key.Protocol),
		Kind:      Live, Reporter: flow.ReporterDestination,
		Started: !s.reported && s.flags&bpf.DatagramDatagramFlagDATAGRAM_FLAG_OLD_SOCKET == 0,
	}
	if s.flags&bpf.DatagramDatagramFlagDATAGRAM_FLAG_LOCAL_FIRST != 0 {
		e.Reporter = flow.ReporterSource
	}
	if ended {
		e.Kind = Closed
	}
	if e.Transport == flow.TransportICMP || e.Transport == flow.TransportICMPv6 {
		e.ICMP = flow.ICMP{Type: key.IcmpType, Code: key.IcmpCode}
	}
	s.news, s.reported, s.since = sums{}, true, now
	return e
}

const datagramEventSize = int(unsafe.Sizeof(bpf.DatagramDatagramEvent{}))

// decodeDatagram reads one record of the ring buffer.
func decodeDatagram(sample []byte) (*bpf.DatagramDatagramEvent, error) {
	if len(sample) < datagramEventSize {
		return nil, fmt.Errorf("decode datagram event: %d bytes, want %d", len(sample), datagramEventSize)
	}
	// One machine, one byte order and one layout, as for the TCP engine.
	e := new(bpf.DatagramDatagramEvent)
	copy(unsafe.Slice((*byte)(unsafe.Pointer(e)), datagramEventSize), sample)
	return e, nil
}
