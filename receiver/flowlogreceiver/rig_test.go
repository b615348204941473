//go:build linux

package flowlogreceiver

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/netns"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/metadata"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
)

// rig is a receiver on the real kernel and what it sent.
type rig struct {
	tb   testing.TB
	sink *consumertest.LogsSink
	stop func()

	decoded int // logs of sink that are in all
	all     flow.Batch
}

// needEngine skips on a machine that cannot run the engine, and says why.
func needEngine(tb testing.TB, name string) {
	tb.Helper()
	for _, e := range probe.Engines() {
		if e.Name != name {
			continue
		}
		if err := e.Missing(); err != nil {
			tb.Skipf("%s engine: %v", name, err)
		}
		return
	}
	tb.Fatalf("there is no engine %q", name)
}

// start runs a receiver on this machine. Tests make their traffic themselves,
// so their own process is not left out.
func start(tb testing.TB, configure func(*Config)) *rig {
	tb.Helper()
	return startWith(tb, probe.Engines(), configure)
}

// startWith is start with engines of the test's.
func startWith(tb testing.TB, engines []probe.Engine, configure func(*Config)) *rig {
	tb.Helper()
	config := createDefaultConfig().(*Config)
	config.ExcludeSelf = false
	config.Interval = 200 * time.Millisecond
	config.Engines.Datagram.Enabled = false // their tests turn them on
	config.Engines.Drops.Enabled = false
	if configure != nil {
		configure(config)
	}
	if config.Engines.TCP.Enabled {
		needEngine(tb, "tcp")
	}
	require.NoError(tb, config.Validate())
	r := &rig{tb: tb, sink: new(consumertest.LogsSink)}
	recv, err := newFlowlog(receivertest.NewNopSettings(metadata.Type), config, r.sink, engines)
	require.NoError(tb, err)
	require.NoError(tb, recv.Start(context.Background(), componenttest.NewNopHost()))
	r.stop = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := recv.Shutdown(ctx); err != nil {
			tb.Error(err)
		}
	})
	tb.Cleanup(r.stop)
	return r
}

// received returns all that was sent so far.
func (r *rig) received() flow.Batch {
	logs := r.sink.AllLogs()
	for _, l := range logs[r.decoded:] {
		batch, rejected := flow.Decode(l)
		require.NoError(r.tb, rejected.Err())
		r.all.Flows = append(r.all.Flows, batch.Flows...)
		r.all.Losses = append(r.all.Losses, batch.Losses...)
		r.all.Agents = append(r.all.Agents, batch.Agents...)
	}
	r.decoded = len(logs)
	return r.all
}

// finish stops the receiver and returns every record from the namespaces.
func (r *rig) finish(of ...*netns.NS) []flow.Flow {
	r.tb.Helper()
	r.stop()
	return r.flows(of...)
}

// flows returns every record from the namespaces so far.
func (r *rig) flows(of ...*netns.NS) []flow.Flow {
	r.tb.Helper()
	var mine []flow.Flow
	for _, f := range r.received().Flows {
		for _, ns := range of {
			if f.NetworkNamespace == ns.Inode() {
				mine = append(mine, f)
			}
		}
	}
	return mine
}

// await waits until the records satisfy done; the receiver reports by itself.
func (r *rig) await(what string, done func([]flow.Flow) bool, of ...*netns.NS) []flow.Flow {
	r.tb.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		flows := r.flows(of...)
		if done(flows) {
			return flows
		}
		if time.Now().After(deadline) {
			r.tb.Fatalf("no record shows: %s\n%s\nlosses: %+v", what, describe(flows), r.received().Losses)
		}
	}
}

// describe prints records for a failed test, the last ones if there are many.
func describe(flows []flow.Flow) string {
	if len(flows) > 40 {
		flows = flows[len(flows)-40:]
	}
	var b strings.Builder
	for i := range flows {
		f := &flows[i]
		fmt.Fprintf(&b, "%s %s:%d (%s) -> %s:%d (%s:%d) %s %s %s exe=%s src=%s dst=%s peer=%v bytes=%d/%d packets=%d/%d payload=%d/%d %+v\n",
			f.Reporter, f.Source.Address, f.Source.Port, f.Source.OriginalAddress,
			f.Destination.Address, f.Destination.Port, f.Destination.OriginalAddress, f.Destination.OriginalPort, f.Action, f.Denial.Reason, f.Denial.Class,
			f.Process.Executable, f.Source.Process, f.Destination.Process, f.PeerObserved,
			f.Source.Bytes, f.Destination.Bytes, f.Source.Packets, f.Destination.Packets,
			f.Source.PayloadBytes, f.Destination.PayloadBytes, f.Connections)
	}
	return b.String()
}
