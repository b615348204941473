//go:build linux

package flowlogreceiver

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/netns"
)

// relay is a wire between two namespaces that takes its time, and loses what it
// is told to. Not every kernel has the queueing discipline that does this (netem),
// so packets come to the test by two tun devices and go on from here.
type relay struct {
	// lose decides about each packet; nil loses none.
	lose atomic.Pointer[func(packet []byte) bool]
}

// connectSlowly joins two namespaces by a relay that delays each packet.
func connectSlowly(tb testing.TB, a *netns.NS, aPrefix string, b *netns.NS, bPrefix string, delay time.Duration) *relay {
	tb.Helper()
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		tb.Skipf("a slow wire needs tun devices: %v", err)
	}
	r := &relay{}
	ends := [2]*os.File{openTun(tb, a, aPrefix), openTun(tb, b, bPrefix)}
	var carriers sync.WaitGroup
	for i := range ends {
		carriers.Add(1)
		go func() {
			defer carriers.Done()
			r.carry(ends[i], ends[1-i], delay)
		}()
	}
	tb.Cleanup(func() {
		for _, end := range ends {
			end.Close()
		}
		carriers.Wait()
	})
	return r
}

// carry ends when from is closed.
func (r *relay) carry(from, to *os.File, delay time.Duration) {
	type packet struct {
		due  time.Time
		data []byte
	}
	wire := make(chan packet, 10_000)
	go func() {
		defer close(wire)
		buffer := make([]byte, 1<<16)
		for {
			n, err := from.Read(buffer)
			if err != nil {
				return
			}
			if lose := r.lose.Load(); lose != nil && (*lose)(buffer[:n]) {
				continue
			}
			wire <- packet{time.Now().Add(delay), append([]byte(nil), buffer[:n]...)}
		}
	}()
	for p := range wire {
		time.Sleep(time.Until(p.due))
		_, _ = to.Write(p.data)
	}
}

func (r *relay) loseAll()  { r.loseIf(func([]byte) bool { return true }) }
func (r *relay) loseNone() { r.lose.Store(nil) }

// loseSegments loses the segments with payload that have these numbers, from 1.
func (r *relay) loseSegments(numbers ...uint32) {
	var n atomic.Uint32
	r.loseIf(func(packet []byte) bool {
		return tcpPayload(packet) > 0 && slices.Contains(numbers, n.Add(1))
	})
}

// loseIf takes a function that two goroutines call.
func (r *relay) loseIf(lose func(packet []byte) bool) { r.lose.Store(&lose) }

// openTun makes a tun device in ns, which goes with the file.
func openTun(tb testing.TB, ns *netns.NS, prefix string) *os.File {
	tb.Helper()
	const name = "tun0"
	var file *os.File
	ns.Do(tb, func() error {
		fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open /dev/net/tun: %w", err)
		}
		request, err := unix.NewIfreq(name)
		if err != nil {
			return err
		}
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
			return errors.Join(fmt.Errorf("make a tun device: %w", err), unix.Close(fd))
		}
		// Not earlier: only now is there something to poll.
		file = os.NewFile(uintptr(fd), "tun")
		link, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		address, err := netlink.ParseAddr(netip.MustParsePrefix(prefix).String())
		if err != nil {
			return err
		}
		if err := netlink.AddrAdd(link, address); err != nil {
			return err
		}
		return netlink.LinkSetUp(link)
	})
	return file
}

// tcpPayload is the number of payload bytes of an IPv4 packet of TCP.
func tcpPayload(packet []byte) int {
	if len(packet) < 40 || packet[0]>>4 != 4 || packet[9] != unix.IPPROTO_TCP {
		return 0
	}
	ip := int(packet[0]&15) * 4
	return len(packet) - ip - int(packet[ip+12]>>4)*4
}
