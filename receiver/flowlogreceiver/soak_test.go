//go:build linux

package flowlogreceiver

import (
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/bpfobjects"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/meter"
)

// soakEnv is for how long the soak runs; make soak sets it to some minutes.
const soakEnv = "FLOWLOG_TEST_SOAK"

// Namespaces, interfaces, sockets and processes come and go while the receiver runs.
// It holds no more memory, files and kernel objects at the end than after the first
// rounds, and when nothing happens any more, its tables in the kernel are empty.
func TestSoak(t *testing.T) {
	length := 30 * time.Second
	if text := os.Getenv(soakEnv); text != "" {
		var err error
		length, err = time.ParseDuration(text)
		require.NoError(t, err)
	}
	r := startAll(t, func(c *Config) {
		second := time.Second
		c.Engines.Datagram.IdleTimeout = IdleTimeoutConfig{UDP: second, ICMP: second, Other: second}
	})
	var before footprint
	begun := time.Now()
	var lost []flow.Loss
	rounds := 0
	for ; time.Since(begun) < length; rounds++ {
		t.Run("round", soakRound)
		lost = append(lost, r.forget()...)
		if before == (footprint{}) && time.Since(begun) > length/3 {
			before = measureSelf(t)
		}
	}
	require.NotZero(t, before, "too short to compare")
	require.Eventually(t, func() bool { return entries(t) == 0 }, 20*time.Second, 200*time.Millisecond, "tables that do not drain")
	lost = append(lost, r.forget()...)
	after := measureSelf(t)
	t.Logf("%d rounds: %+v after a third, %+v in the end", rounds, before, after)
	require.Empty(t, lost)
	require.LessOrEqual(t, after.files, before.files)
	require.LessOrEqual(t, after.objects, before.objects)
	require.Less(t, after.heap, before.heap+before.heap/4+1<<20)
}

// soakRound is traffic of every kind between namespaces that go when it ends.
func soakRound(t *testing.T) {
	c := newCluster(t)
	block(t, c.router, "type filter hook forward priority 0; meta l4proto { tcp, udp } th dport 81 drop")
	for i := range c.to {
		to := serve(t, c.server, c.to[i].String(), 2)
		askMany(t, c.client, to, 300, 4)
		echoes := echo(t, c.server, netip.AddrPortFrom(c.to[i], 0).String())
		for range 50 {
			require.NoError(t, exchange(dialUDP(t, c.client, echoes), 2, 100))
		}
		denied := netip.AddrPortFrom(c.to[i], 81)
		require.Error(t, dial(t, c.client, denied, 100*time.Millisecond))
		sendUDP(t, c.client, denied, 50)
		ping(t, c.client, c.to[i])
	}
}

// forget drops what was received, except the losses, which it returns.
func (r *rig) forget() []flow.Loss {
	lost := r.received().Losses
	r.sink.Reset()
	r.decoded, r.all = 0, flow.Batch{}
	return lost
}

// footprint is what this process holds.
type footprint struct{ heap, files, objects int }

func measureSelf(tb testing.TB) footprint {
	tb.Helper()
	heap := meter.Heap()
	files, err := os.ReadDir("/proc/self/fd")
	require.NoError(tb, err)
	return footprint{int(heap), len(files), len(ownMaps(tb))}
}

// ownMaps are the ids of the BPF maps that this process has open.
func ownMaps(tb testing.TB) (ids []ebpf.MapID) {
	tb.Helper()
	for _, held := range bpfobjects.HeldBy(tb, os.Getpid()) {
		if held.Kind == bpfobjects.Map {
			ids = append(ids, ebpf.MapID(held.ID))
		}
	}
	return ids
}

// entries counts what the receiver's tables of flows hold.
func entries(tb testing.TB) int {
	tb.Helper()
	n := 0
	for _, id := range ownMaps(tb) {
		m, err := ebpf.NewMapFromID(id)
		require.NoError(tb, err)
		info, err := m.Info()
		require.NoError(tb, err)
		if strings.HasSuffix(info.Name, "flows") {
			key, value := make([]byte, m.KeySize()), make([]byte, m.ValueSize())
			for each := m.Iterate(); each.Next(&key, &value); {
				n++
			}
		}
		require.NoError(tb, m.Close())
	}
	return n
}
