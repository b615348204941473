//go:build linux

package probe

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/netns"
)

const second = uint64(time.Second)

var testIdle = &idleTimes{
	Udp: 30 * second, Icmp: 10 * second, Other: 60 * second, Tcp: 300 * second, TcpUnanswered: 70 * second, TcpOver: 2 * second,
}

func datagramKey(remotePort uint16) flowKey {
	return flowKey{
		Local: netip.MustParseAddr("::ffff:192.0.2.1").As16(), Remote: netip.MustParseAddr("::ffff:203.0.113.7").As16(),
		Netns: 1, LocalPort: 40_000, RemotePort: remotePort, Protocol: uint8(flow.TransportUDP),
	}
}

// counted is a flow of n packets of 100 bytes each way, the last at time last.
func counted(n, last uint64, flags ...flowFlag) *countedFlow {
	f := &countedFlow{
		First: second, Last: last, Flags: flagLocalFirst,
		Sent: flowSum{Packets: n, Bytes: 128 * n, Payload: 100 * n},
	}
	f.Received = f.Sent
	for _, flag := range flags {
		f.Flags |= flag
	}
	return f
}

func TestAFlowTellsWhatIsNewUntilItEnds(t *testing.T) {
	f, key := newFlowTable(10), datagramKey(53)
	require.False(t, f.addKernel(key, counted(3, 2*second)))
	events := f.report(5*second, testIdle)
	require.Equal(t, []Event{{
		Time: int64(5 * second), Since: int64(second), Kind: Live, Reporter: flow.ReporterSource, Transport: flow.TransportUDP, Started: true, NetNS: 1,
		Local: netip.MustParseAddrPort("192.0.2.1:40000"), Remote: netip.MustParseAddrPort("203.0.113.7:53"),
		SentPayload: 300, ReceivedPayload: 300, SentBytes: 384, ReceivedBytes: 384, SentPackets: 3, ReceivedPackets: 3,
	}}, events)

	// Silent, and no news.
	require.False(t, f.addKernel(key, counted(3, 2*second)))
	require.Empty(t, f.report(10*second, testIdle))
	require.Equal(t, uint64(1), f.live)

	// Marked idle, but the packet that found it before came after all; then taken out.
	require.False(t, f.addKernel(key, counted(3, 2*second, flagIdle)))
	require.Empty(t, f.report(40*second, testIdle))
	require.True(t, f.addKernel(key, counted(3, 2*second, flagIdle)))
	f.removeKernel(key, counted(4, 2*second, flagIdle))
	events = f.report(45*second, testIdle)
	require.Len(t, events, 1)
	require.Equal(t, Closed, events[0].Kind)
	require.False(t, events[0].Started)
	require.Equal(t, uint32(1), events[0].SentPackets)
	require.Equal(t, int64(5*second), events[0].Since)
	require.Empty(t, f.known)
	require.Zero(t, f.live)
}

// Packets that find the mark come through the ring, and the flow goes on: it is
// not another flow, and the kernel counts it anew.
func TestAFlowThatWakesUpWhileItIsTakenOutGoesOn(t *testing.T) {
	f, key := newFlowTable(10), datagramKey(53)
	f.addKernel(key, counted(3, 2*second))
	f.report(5*second, testIdle)
	f.addKernel(key, counted(3, 2*second, flagIdle))
	f.addPacket(key, counted(1, 40*second))
	events := f.report(41*second, testIdle)
	require.Len(t, events, 1)
	require.Equal(t, Live, events[0].Kind)
	require.Equal(t, uint32(1), events[0].SentPackets)

	require.True(t, f.addKernel(key, counted(3, 2*second, flagIdle)))
	f.removeKernel(key, counted(3, 2*second, flagIdle))
	require.Empty(t, f.report(46*second, testIdle), "alive")
	require.Len(t, f.known, 1)

	require.False(t, f.addKernel(key, counted(2, 50*second)))
	events = f.report(51*second, testIdle)
	require.Len(t, events, 1)
	require.False(t, events[0].Started)
	require.Equal(t, uint32(2), events[0].SentPackets)
}

// Past the limit flows are counted without the end that comes and goes, then by their
// protocol; no packet is missing, and each direction keeps its roles.
func TestFlowsWithoutRoomAreCountedCoarsely(t *testing.T) {
	for name, test := range map[string]struct {
		flags     flowFlag
		forwarded bool
		want      string // the ends of what first found no room
	}{
		"a client":       {flagLocalFirst, false, "10.0.0.1:0 > invalid IP:53"},
		"a server":       {0, false, "10.0.0.1:40000 > invalid IP:0"},
		"passes through": {flagLocalFirst, true, "invalid IP:0 > 10.0.0.2:53"},
		"comes back":     {0, true, "invalid IP:0 > 10.0.0.1:40000"},
	} {
		t.Run(name, func(t *testing.T) {
			const limit, packets = 80, 1000
			f := newFlowTable(limit)
			f.forwarded = test.forwarded
			key := flowKey{
				Local: netip.MustParseAddr("10.0.0.1").As16(), Remote: netip.MustParseAddr("10.0.0.2").As16(),
				LocalPort: 40000, RemotePort: 53, Netns: 7, Protocol: uint8(flow.TransportUDP),
			}
			for i := range packets {
				// Every packet is of another flow, at every end.
				key := key
				if i >= limit {
					key.Local[15], key.Remote[15] = key.Local[15]+byte(i-limit), key.Remote[15]+byte(i-limit)
					key.LocalPort, key.RemotePort = key.LocalPort+uint16(i-limit), key.RemotePort+uint16(i-limit)
				} else {
					key.Netns = 100 + uint32(i)
				}
				packet := counted(1, second)
				packet.Flags, packet.Received = test.flags, flowSum{}
				f.addPacket(key, packet)
			}
			flows := len(f.known)
			require.LessOrEqual(t, flows, limit+limit/coarseShare+1)
			var sum uint32
			ends := make(map[string]bool)
			for _, e := range f.report(2*second, testIdle) {
				sum += e.SentPackets + e.ReceivedPackets
				ends[fmt.Sprintf("%s:%d > %s:%d", e.Local.Addr(), e.Local.Port(), e.Remote.Addr(), e.Remote.Port())] = true
			}
			require.EqualValues(t, packets, sum)
			require.Contains(t, ends, test.want)
			require.Contains(t, ends, "invalid IP:0 > invalid IP:0")
			require.Len(t, f.report(100*second, testIdle), flows, "they end like others")
			require.Empty(t, f.known)
		})
	}
}

func TestWhatIsLeftOutIsNotTold(t *testing.T) {
	f, key := newFlowTable(10), datagramKey(53)
	f.addKernel(key, counted(0, second, flagExcluded))
	require.Empty(t, f.report(2*second, testIdle))
	require.Zero(t, f.live)
	f.addKernel(key, counted(0, second, flagExcluded, flagIdle))
	require.True(t, f.addKernel(key, counted(0, second, flagExcluded, flagIdle)))
	f.removeKernel(key, counted(0, second, flagExcluded, flagIdle))
	require.Empty(t, f.report(90*second, testIdle))
	require.Empty(t, f.known)
}

func TestAFlowOfAnOldSocketWasNotStarted(t *testing.T) {
	f := newFlowTable(10)
	f.addKernel(datagramKey(53), counted(1, second, flagOld))
	require.False(t, f.report(2*second, testIdle)[0].Started)
}

func TestEachProtocolHasItsIdleTime(t *testing.T) {
	for protocol, want := range map[uint8]uint64{17: 30, 1: 10, 58: 10, 132: 60, 6: 300} {
		require.Equal(t, want*second, testIdle.of(protocol, 0))
	}
}

func TestASweepThatCannotReadTheRingStillCuts(t *testing.T) {
	if err := missingForDatagram(); err != nil {
		t.Skip(err)
	}
	source, err := openDatagram(Options{Datagram: FlowOptions{MaxFlows: 64, IdleUDP: time.Minute, IdleICMP: time.Minute, IdleOther: time.Minute}})
	require.NoError(t, err)
	d := source.(*datagram)
	defer func() { require.NoError(t, d.Close()) }()
	require.NoError(t, d.reader.Close())
	for range 2 {
		_, err = d.Sweep(1)
		require.ErrorContains(t, err, "flush ring buffer")
		for err = nil; err == nil; {
			_, err = d.Read(make([]Event, 64))
		}
		require.ErrorIs(t, err, ErrCut)
	}
}

// With no input all drains to empty, in the kernel and here.
func TestDatagramFlowsDrain(t *testing.T) {
	if err := missingForDatagram(); err != nil {
		t.Skip(err)
	}
	ns := netns.New(t)
	source, err := openDatagram(Options{Datagram: FlowOptions{
		MaxFlows: 4096, IdleUDP: 50 * time.Millisecond, IdleICMP: 50 * time.Millisecond, IdleOther: 50 * time.Millisecond,
	}})
	require.NoError(t, err)
	d := source.(*datagram)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for events := make([]Event, 64); ; {
			if _, err := d.Read(events); err != nil && !errors.Is(err, ErrCut) {
				return
			}
		}
	}()
	defer func() {
		require.NoError(t, d.Close())
		require.NoError(t, d.Close(), "twice")
		<-done
		_, err := d.Sweep(1)
		require.ErrorIs(t, err, os.ErrClosed)
	}()
	require.NoError(t, ns.Try(func() error {
		for port := range 200 {
			c, err := net.Dial("udp", netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port+1)).String())
			if err != nil {
				return err
			}
			if _, err := c.Write([]byte("nobody listens")); err != nil {
				return err
			}
			if err := c.Close(); err != nil {
				return err
			}
		}
		return nil
	}))
	mine := func() (kernel, here int) {
		var key flowKey
		var value countedFlow
		for i := d.objects.flows.Iterate(); i.Next(&key, &value); {
			if key.Netns == ns.Inode() {
				kernel++
			}
		}
		for key := range d.flows.known {
			if key.Netns == ns.Inode() {
				here++
			}
		}
		return kernel, here
	}
	_, err = d.Sweep(1)
	require.NoError(t, err)
	kernel, here := mine()
	require.GreaterOrEqual(t, kernel, 200)
	require.GreaterOrEqual(t, here, 200)
	for generation := uint32(2); kernel+here > 0; generation++ {
		require.Less(t, generation, uint32(100), "%d in the kernel and %d here do not drain", kernel, here)
		time.Sleep(60 * time.Millisecond)
		_, err = d.Sweep(generation)
		require.NoError(t, err)
		kernel, here = mine()
	}
	losses, err := d.Losses()
	require.NoError(t, err)
	require.Equal(t, Losses{}, losses)
}

// FuzzDecodeFlow holds that no bytes break the decoder.
func FuzzDecodeFlow(f *testing.F) {
	e := flowEvent{Key: datagramKey(53), Flow: *counted(1, second)}
	f.Add(append([]byte(nil), unsafe.Slice((*byte)(unsafe.Pointer(&e)), flowEventSize)...))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := decodeFlow(data)
		if (err == nil) != (len(data) >= flowEventSize) {
			t.Fatalf("%d bytes: %v", len(data), err)
		}
		if err != nil {
			return
		}
		flows := newFlowTable(1)
		flows.addPacket(e.Key, &e.Flow)
		for _, ev := range flows.report(second, testIdle) {
			if ev.Local.Addr().Is4In6() || ev.Remote.Addr().Is4In6() {
				t.Errorf("a mapped address: %s %s", ev.Local, ev.Remote)
			}
		}
	})
}
