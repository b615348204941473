//go:build linux

package probe

import (
	"net"
	"net/netip"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/netns"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/bpf"
)

func openTestDNS(t *testing.T, opts Options) DNSSource {
	t.Helper()
	if err := missingForDatagram(); err != nil {
		t.Skip(err)
	}
	d, err := openDNS(opts)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, d.Close())
		require.NoError(t, d.Close(), "twice")
	})
	return d
}

// message is a DNS message of n bytes with that id; of an answer the first bit of
// the flags is set.
func message(n int, id uint16, answer bool) []byte {
	m := make([]byte, n)
	m[0], m[1] = byte(id>>8), byte(id)
	if answer {
		m[2] = 0x80
	}
	return m
}

// converse sends each message from a client in ns to a server at address there,
// and back from it.
func converse(t testing.TB, ns *netns.NS, address string, messages ...[]byte) (client, server netip.AddrPort) {
	t.Helper()
	var s net.PacketConn
	var c net.Conn
	ns.Do(t, func() (err error) {
		if s, err = net.ListenPacket("udp", address); err != nil {
			return err
		}
		c, err = net.Dial("udp", s.LocalAddr().String())
		return err
	})
	defer s.Close()
	defer c.Close()
	buffer := make([]byte, 65536)
	for _, m := range messages {
		_, err := c.Write(m)
		require.NoError(t, err)
		n, from, err := s.ReadFrom(buffer)
		require.NoError(t, err)
		_, err = s.WriteTo(buffer[:n], from)
		require.NoError(t, err)
		_, err = c.Read(buffer)
		require.NoError(t, err)
	}
	return netip.MustParseAddrPort(c.LocalAddr().String()), netip.MustParseAddrPort(s.LocalAddr().String())
}

// seen is what Read tells of ns.
func seen(t *testing.T, d DNSSource, ns *netns.NS) []DNSMessage {
	t.Helper()
	var all []DNSMessage
	require.NoError(t, d.Read(func(m *DNSMessage) {
		if m.NetNS == ns.Inode() {
			kept := *m
			kept.Answer = append([]byte(nil), m.Answer...)
			all = append(all, kept)
		}
	}))
	return all
}

// Of what goes back and forth only queries of the client and answers to it are
// seen, both at its end, and before the program that sent them goes on.
func TestDNSMessagesAreSeenAtTheClientsEnd(t *testing.T) {
	for name, address := range map[string]string{"ipv4": "127.0.0.1:5353", "ipv6": "[::1]:53"} {
		t.Run(name, func(t *testing.T) {
			ns := netns.New(t)
			d := openTestDNS(t, Options{DNS: DNSOptions{Ports: []uint16{53, 5353}}})
			before := Monotonic()
			notify := message(40, 5, false)
			notify[2] |= 4 << 3
			client, server := converse(t, ns, address, message(30, 1, false), message(600, 2, true), message(11, 3, true), notify)
			converse(t, ns, "127.0.0.1:5300", message(30, 4, false))
			got := seen(t, d, ns)
			require.Len(t, got, 2, "the query, and the answer; their echoes go the wrong way")
			for i, m := range got {
				require.Equal(t, client, m.Local)
				require.Equal(t, server, m.Remote)
				require.Equal(t, uint16(i+1), m.ID)
				require.Equal(t, got[0].Socket, m.Socket)
				require.NotZero(t, m.Socket)
				require.True(t, m.Connected)
				require.GreaterOrEqual(t, m.Time, before)
				require.LessOrEqual(t, m.Time, Monotonic())
			}
			require.Empty(t, got[0].Answer)
			require.Equal(t, message(600, 2, true), got[1].Answer)
			require.Empty(t, seen(t, d, ns), "once")
		})
	}
}

func TestALongDNSAnswerIsCutAndCounted(t *testing.T) {
	ns := netns.New(t)
	d := openTestDNS(t, Options{DNS: DNSOptions{Ports: []uint16{53}}})
	for _, n := range []int{12, 512, 513, 4096, 5000} {
		converse(t, ns, "127.0.0.1:53", message(n, 1, true))
		got := seen(t, d, ns)
		require.Len(t, got, 1)
		require.Len(t, got[0].Answer, min(n, 4096))
	}
	losses, err := d.Losses()
	require.NoError(t, err)
	require.GreaterOrEqual(t, losses.DNS, uint64(1))
}

// Nobody reads, and what the ring does not hold is counted.
func TestDNSMessagesThatFindNoRoomAreCounted(t *testing.T) {
	const n = 1000 // of them the ring holds 500
	ns := netns.New(t)
	d := openTestDNS(t, Options{DNS: DNSOptions{Ports: []uint16{53}}})
	messages := make([][]byte, n)
	for i := range messages {
		messages[i] = message(1200, uint16(i), true)
	}
	converse(t, ns, "127.0.0.1:53", messages...)
	losses, err := d.Losses()
	require.NoError(t, err)
	got := len(seen(t, d, ns))
	require.Greater(t, got, 100)
	require.Less(t, got, n)
	require.GreaterOrEqual(t, uint64(got)+losses.DNS, uint64(n), "losses are the machine's")
}

func TestOwnQueriesAreLeftOut(t *testing.T) {
	ns := netns.New(t)
	d := openTestDNS(t, Options{ExcludeSelf: true, DNS: DNSOptions{Ports: []uint16{53}}})
	converse(t, ns, "127.0.0.1:53", message(30, 1, false))
	require.Empty(t, seen(t, d, ns))
}

func TestDNSWithTooManyPorts(t *testing.T) {
	_, err := openDNS(Options{DNS: DNSOptions{Ports: make([]uint16, MaxDNSPorts+1)}})
	require.EqualError(t, err, "9 ports are too many: use at most 8")
}

// FuzzDecodeDNS holds that no bytes break the decoder.
func FuzzDecodeDNS(f *testing.F) {
	e := bpf.DNSDnsEvent{Time: 1, Netns: 2, LocalPort: 40_000, RemotePort: 53, Id: 7, Answer: 3}
	f.Add(append(append([]byte(nil), unsafe.Slice((*byte)(unsafe.Pointer(&e)), dnsEventSize)...), 1, 2, 3, 4))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, data []byte) {
		var m DNSMessage
		if err := decodeDNS(&m, data); err != nil {
			return
		}
		if len(m.Answer) > len(data)-dnsEventSize || m.Local.Addr().Is4In6() || m.Remote.Addr().Is4In6() {
			t.Errorf("%+v of %d bytes", m, len(data))
		}
	})
}

// BenchmarkReadDNSWithoutMessages is what a batch of other events pays.
func BenchmarkReadDNSWithoutMessages(b *testing.B) {
	if err := missingForDatagram(); err != nil {
		b.Skip(err)
	}
	d, err := openDNS(Options{})
	require.NoError(b, err)
	defer d.Close()
	for b.Loop() {
		if err := d.Read(func(*DNSMessage) {}); err != nil {
			b.Fatal(err)
		}
	}
}
