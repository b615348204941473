//go:build linux

package probe

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/netns"
)

// Connection tracking may be built in, a module, not there, or too old.
func TestMissingConnectionTracking(t *testing.T) {
	dir := t.TempDir()
	status := filepath.Join(dir, "status")
	holds := func(capabilities string) {
		require.NoError(t, os.WriteFile(status, []byte("CapEff:\t"+capabilities+"\n"), 0o600))
	}
	holds("000000c000001000")
	spec := func(types ...btf.Type) func() (*btf.Spec, error) {
		return func() (*btf.Spec, error) {
			b, err := btf.NewBuilder(types, nil)
			if err != nil {
				return nil, err
			}
			raw, err := b.Marshal(nil, nil)
			if err != nil {
				return nil, err
			}
			return btf.LoadSpecFromReader(strings.NewReader(string(raw)))
		}
	}
	lookup := &btf.Func{Name: conntrackLookup, Linkage: btf.StaticFunc, Type: &btf.FuncProto{Return: &btf.Void{}}}
	require.ErrorIs(t, missingInModule(filepath.Join(dir, "none"), status, nil), ErrUnneeded)
	require.ErrorContains(t, missingInModule(dir, status, spec()), "Linux 5.18")
	require.ErrorContains(t, missingInModule(dir, status, func() (*btf.Spec, error) { return nil, os.ErrNotExist }), "Linux 5.18")
	require.ErrorContains(t, missingInModule(dir, status, spec(lookup)), "CAP_SYS_ADMIN only: grant it")
	holds("000001ffffffffff")
	require.NoError(t, missingInModule(dir, status, spec(lookup)))
}

// translated is a namespace in which nft sends two service addresses elsewhere.
func translated(tb testing.TB) *netns.NS {
	tb.Helper()
	if err := missingForNAT(); err != nil {
		tb.Skip(err)
	}
	ns := netns.New(tb)
	ns.AddAddress(tb, "192.0.2.1/32")
	ns.AddAddress(tb, "2001:db8::1/128")
	nft := ns.Command("nft", "-f", "-")
	nft.Stdin = strings.NewReader(`
table inet test {
	chain output {
		type nat hook output priority -100;
		ip daddr 10.96.0.1 meta l4proto { tcp, udp } th dport 80 dnat ip to 192.0.2.1:8080
		ip6 daddr fd00:96::1 meta l4proto { tcp, udp } th dport 80 dnat ip6 to [2001:db8::1]:8080
	}
}
`)
	out, err := nft.CombinedOutput()
	require.NoError(tb, err, string(out))
	for _, route := range []string{"10.96.0.0/16", "fd00:96::/64"} {
		out, err := ns.Command("ip", "route", "add", route, "dev", "lo").CombinedOutput()
		require.NoError(tb, err, string(out))
	}
	return ns
}

// dial makes n connections that stay open until the test ends.
func dial(tb testing.TB, ns *netns.NS, network, address string, n int) []Tuple {
	tb.Helper()
	transport := flow.TransportTCP
	if network == "udp" {
		transport = flow.TransportUDP
	}
	var tuples []Tuple
	ns.Do(tb, func() error {
		for range n {
			c, err := net.Dial(network, address)
			if err != nil {
				return err
			}
			tb.Cleanup(func() { _ = c.Close() })
			if _, err := c.Write([]byte("x")); err != nil {
				return err
			}
			tuples = append(tuples, Tuple{transport, localOf(c), netip.MustParseAddrPort(address)})
		}
		return nil
	})
	return tuples
}

func localOf(c net.Conn) netip.AddrPort {
	local := netip.MustParseAddrPort(c.LocalAddr().String())
	return netip.AddrPortFrom(local.Addr().Unmap(), local.Port())
}

// listen accepts and answers nothing.
func listen(tb testing.TB, ns *netns.NS, address string) {
	tb.Helper()
	ns.Do(tb, func() error {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}
		tb.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() { _, _ = io.Copy(io.Discard, c); _ = c.Close() }()
			}
		}()
		p, err := net.ListenPacket("udp", address)
		if err == nil {
			tb.Cleanup(func() { _ = p.Close() })
		}
		return err
	})
}

func TestTranslate(t *testing.T) {
	ns := translated(t)
	backends := map[bool]string{true: "192.0.2.1:8080", false: "[2001:db8::1]:8080"}
	listen(t, ns, backends[true])
	listen(t, ns, backends[false])
	translator, err := openNAT(Options{NAT: NATOptions{Namespace: ns.Path()}})
	require.NoError(t, err)
	require.Equal(t, ns.Inode(), translator.NetNS())

	var tuples []Tuple
	for _, network := range []string{"tcp", "udp"} {
		tuples = append(tuples, dial(t, ns, network, "10.96.0.1:80", 400)...)
		tuples = append(tuples, dial(t, ns, network, "[fd00:96::1]:80", 400)...)
	}
	services := len(tuples)
	tuples = append(tuples, dial(t, ns, "tcp", backends[true], 3)...)
	unknown := len(tuples)
	tuples = append(tuples, Tuple{flow.TransportTCP, netip.MustParseAddrPort("192.0.2.9:1"), netip.MustParseAddrPort("10.96.0.1:80")})
	translations := make([]Translation, len(tuples))
	require.NoError(t, translator.Translate(tuples, translations))
	for i, tuple := range tuples {
		want := Translation{tuple.Local, netip.MustParseAddrPort(backends[tuple.Local.Addr().Is4()])}
		switch {
		case i >= unknown:
			want = Translation{}
		case translations[i].Local.Addr() == tuple.Local.Addr():
			// A port that another connection to the backend has is translated as well.
			want.Local = translations[i].Local
		}
		require.Equal(t, want, translations[i], "%d: %v", i, tuple)
	}

	// What the backend sends looks back.
	for i, tuple := range tuples[:services] {
		tuples[i].Local, tuples[i].Remote = translations[i].Remote, tuple.Local
	}
	asked := dial(t, ns, "tcp", "10.96.0.1:80", 1)[0]
	require.NoError(t, translator.Translate(tuples[:services], translations))
	for i, tuple := range tuples[:services] {
		want := netip.MustParseAddrPort("[fd00:96::1]:80")
		if tuple.Local.Addr().Is4() {
			want = asked.Remote
		}
		require.Equal(t, Translation{want, tuple.Remote}, translations[i])
	}

	require.NoError(t, translator.Translate(nil, nil))
	require.NoError(t, translator.Close())
	require.NoError(t, translator.Close(), "twice")
	require.Error(t, translator.Translate(tuples[:1], translations), "closed")
}

// A namespace that is not there is named.
func TestTranslateInNoNamespace(t *testing.T) {
	if err := missingForNAT(); err != nil {
		t.Skip(err)
	}
	_, err := openNAT(Options{NAT: NATOptions{Namespace: "/proc/none"}})
	require.True(t, errors.Is(err, os.ErrNotExist), "%v", err)
	_, err = openNAT(Options{NAT: NATOptions{Namespace: "/proc/self/status"}})
	require.ErrorContains(t, err, "enter network namespace /proc/self/status")
}

// crowd has so many flows tracked as a busy node has, and returns them in no order: a
// look-up finds nothing of them in a cache.
func crowd(tb testing.TB, ns *netns.NS) []Tuple {
	tb.Helper()
	const sockets, each = 4, 50_000
	out, err := ns.Command("ip", "route", "add", "10.97.0.0/16", "dev", "lo").CombinedOutput()
	require.NoError(tb, err, string(out))
	var tuples []Tuple
	ns.Do(tb, func() error {
		for range sockets {
			c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.1:0")))
			if err != nil {
				return err
			}
			defer c.Close()
			local := netip.MustParseAddrPort(c.LocalAddr().String())
			for i := range each {
				to := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 97, byte(i >> 8), byte(i)}), 53)
				if _, err := c.WriteToUDPAddrPort([]byte("x"), to); err != nil {
					return err
				}
				tuples = append(tuples, Tuple{flow.TransportUDP, local, to})
			}
		}
		return nil
	})
	rand.Shuffle(len(tuples), func(i, j int) { tuples[i], tuples[j] = tuples[j], tuples[i] })
	return tuples
}

// BenchmarkTranslate looks up tuples in batches of several sizes, from a thread
// that is in the namespace, as all threads of an agent are.
func BenchmarkTranslate(b *testing.B) {
	ns := translated(b)
	listen(b, ns, "192.0.2.1:8080")
	translator, err := openNAT(Options{})
	require.NoError(b, err)
	defer translator.Close()
	found := dial(b, ns, "tcp", "10.96.0.1:80", 5000)
	missing := make([]Tuple, len(found))
	for i, tuple := range found {
		missing[i] = Tuple{tuple.Transport, tuple.Local, netip.MustParseAddrPort("203.0.113.1:80")}
	}
	crowded := crowd(b, ns)
	for _, test := range []struct {
		name   string
		tuples []Tuple
		batch  int
	}{
		{"found/1", found, 1},
		{"found/64", found, 64},
		{"found/512", found, 512},
		{"not found/512", missing, 512},
		{"in a crowd/64", crowded, 64},
		{"in a crowd/512", crowded, 512},
	} {
		b.Run(test.name, func(b *testing.B) {
			translations := make([]Translation, test.batch)
			ns.Do(b, func() error {
				for at := 0; b.Loop(); at += test.batch {
					if at+test.batch > len(test.tuples) {
						at = 0
					}
					if err := translator.Translate(test.tuples[at:at+test.batch], translations); err != nil {
						return err
					}
				}
				return nil
			})
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*test.batch), "ns/tuple")
		})
	}
}
