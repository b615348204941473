//go:build linux

package probe

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/netns"
)

// A sweep does not hold the sockets that it reads, and the kernel counts a FIN
// as a byte before it says so. Sweeps without a pause meet that moment.
func TestSweepsTakeNoFinForPayload(t *testing.T) {
	if err := missingForTCP(); err != nil {
		t.Skip(err)
	}
	const connections, workers, size = 10_000, 8, 100
	ns := netns.New(t)
	ns.Sysctl(t, "net/ipv4/ip_local_port_range", "1024 65535")
	source, err := openTCP(Options{RingBufferSize: 8 << 20})
	require.NoError(t, err)

	got := make(map[flow.Reporter]*Event)
	ended := make(map[flow.Reporter]int)
	var mu sync.Mutex
	read := make(chan struct{})
	go func() {
		defer close(read)
		for events := make([]Event, 512); ; {
			n, err := source.Read(events)
			mu.Lock()
			for _, ev := range events[:n] {
				if ev.NetNS != ns.Inode() || ev.Kind != Live && ev.Kind != Closed {
					continue
				}
				if got[ev.Reporter] == nil {
					got[ev.Reporter] = new(Event)
				}
				got[ev.Reporter].SentPayload += ev.SentPayload
				got[ev.Reporter].ReceivedPayload += ev.ReceivedPayload
				if ev.Kind == Closed {
					ended[ev.Reporter]++
				}
			}
			mu.Unlock()
			if err != nil && !errors.Is(err, ErrCut) {
				return
			}
		}
	}()
	stop, swept := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(swept)
		for generation := uint32(1); ; generation++ {
			select {
			case <-stop:
				return
			default:
				if _, err := source.Sweep(generation); err != nil {
					t.Error(err)
					return
				}
			}
		}
	}()

	var l net.Listener
	ns.Do(t, func() (err error) { l, err = net.Listen("tcp", "127.0.0.1:0"); return err })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(io.Discard, c) // the client's FIN comes first
				_ = c.Close()
			}()
		}
	}()
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			err := ns.Try(func() error {
				for range connections / workers {
					c, err := net.Dial("tcp", l.Addr().String())
					if err != nil {
						return err
					}
					_, err = c.Write(make([]byte, size))
					if err := errors.Join(err, c.Close()); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	require.NoError(t, l.Close())
	all := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return ended[flow.ReporterSource] == connections && ended[flow.ReporterDestination] == connections
	}
	if !assert.Eventually(t, all, 30*time.Second, 10*time.Millisecond) {
		losses, err := source.Losses()
		mu.Lock()
		defer mu.Unlock()
		t.Fatalf("ended: %v of %d each, lost: %+v (%v)", ended, connections, losses, err)
	}
	close(stop)
	<-swept
	require.NoError(t, source.Close())
	<-read
	require.Equal(t, uint64(connections*size), got[flow.ReporterSource].SentPayload)
	require.Equal(t, uint64(connections*size), got[flow.ReporterDestination].ReceivedPayload)
	require.Zero(t, got[flow.ReporterSource].ReceivedPayload)
	require.Zero(t, got[flow.ReporterDestination].SentPayload)
}
