//go:build linux

package flowlogreceiver

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/netns"
)

const (
	requestBytes  = 137
	responseBytes = 1021
)

// serve answers each connection to ports listeners in ns: it reads the request
// to its end, answers and closes. It returns the addresses.
func serve(tb testing.TB, ns *netns.NS, ip string, ports int) []netip.AddrPort {
	tb.Helper()
	var addresses []netip.AddrPort
	for range ports {
		var l net.Listener
		ns.Do(tb, func() (err error) {
			l, err = net.Listen("tcp", net.JoinHostPort(ip, "0"))
			return err
		})
		tb.Cleanup(func() { l.Close() })
		addresses = append(addresses, netip.MustParseAddrPort(l.Addr().String()))
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go answer(c)
			}
		}()
	}
	return addresses
}

func answer(c net.Conn) {
	defer c.Close()
	buffer := make([]byte, requestBytes)
	if _, err := io.ReadFull(c, buffer); err != nil {
		return
	}
	_, _ = c.Write(make([]byte, responseBytes))
}

// ask makes one connection and returns its own address.
func ask(to netip.AddrPort) (netip.AddrPort, error) {
	c, err := net.Dial("tcp", to.String())
	if err != nil {
		return netip.AddrPort{}, err
	}
	defer c.Close()
	if _, err := c.Write(make([]byte, requestBytes)); err != nil {
		return netip.AddrPort{}, err
	}
	n, err := io.Copy(io.Discard, c)
	if err == nil && n != responseBytes {
		err = fmt.Errorf("answer of %d bytes, want %d", n, responseBytes)
	}
	return netip.MustParseAddrPort(c.LocalAddr().String()), err
}

// pair is a connection by its ends.
type pair struct{ source, destination netip.AddrPort }

// askMany makes n connections as fast as it can and counts them by their ends.
func askMany(tb testing.TB, ns *netns.NS, to []netip.AddrPort, n, workers int) map[pair]uint64 {
	tb.Helper()
	var mu sync.Mutex
	made := make(map[pair]uint64)
	var group sync.WaitGroup
	errs := make(chan error, workers)
	for w := range workers {
		group.Add(1)
		go func() {
			defer group.Done()
			errs <- ns.Try(func() error {
				for i := w; i < n; i += workers {
					from, err := ask(to[i%len(to)])
					if err != nil {
						return err
					}
					mu.Lock()
					made[pair{from, to[i%len(to)]}]++
					mu.Unlock()
				}
				return nil
			})
		}()
	}
	group.Wait()
	for range workers {
		require.NoError(tb, <-errs)
	}
	return made
}

// The highest rate that this machine reaches: every end once, to the byte.
func TestShortConnectionsAtFullRate(t *testing.T) {
	const connections = 50_000
	ns := netns.New(t)
	ns.Sysctl(t, "net/ipv4/ip_local_port_range", "1024 65535")
	to := serve(t, ns, "127.0.0.1", 8)
	r := start(t, func(c *Config) { c.MergeSourcePorts = false })

	begun := time.Now()
	made := askMany(t, ns, to, connections, 16)
	t.Logf("%d connections in %s", connections, time.Since(begun))
	r.await("all ends", ends(2*connections), ns)
	flows := r.finish(ns)
	require.Empty(t, r.received().Losses)

	got := map[flow.Reporter]map[pair]uint64{flow.ReporterSource: {}, flow.ReporterDestination: {}}
	for i := range flows {
		f := &flows[i]
		between := pair{netip.AddrPortFrom(f.Source.Address, f.Source.Port), netip.AddrPortFrom(f.Destination.Address, f.Destination.Port)}
		if n := f.Connections.Completed; n > 0 {
			got[f.Reporter][between] += n
		}
	}
	require.Equal(t, made, got[flow.ReporterSource])
	require.Equal(t, made, got[flow.ReporterDestination])

	for _, reporter := range []flow.Reporter{flow.ReporterSource, flow.ReporterDestination} {
		var sum flow.Flow
		for i := range flows {
			if flows[i].Reporter == reporter {
				sum.Merge(&flows[i])
				require.Equal(t, flow.Allow, flows[i].Action)
				require.True(t, flows[i].PeerObserved)
			}
		}
		require.Equal(t, uint64(connections), sum.Connections.Started, reporter)
		require.Equal(t, uint64(connections), sum.Connections.Completed, reporter)
		require.Zero(t, sum.Connections.Reset+sum.Connections.TimedOut+sum.Connections.Abandoned, reporter)
		require.Equal(t, uint64(connections*requestBytes), sum.Source.PayloadBytes, reporter)
		require.Equal(t, uint64(connections*responseBytes), sum.Destination.PayloadBytes, reporter)
	}
}
