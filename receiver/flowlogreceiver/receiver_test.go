//go:build linux

package flowlogreceiver

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pipeline"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/metadata"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
)

func TestLifecycle(t *testing.T) {
	needEngine(t)
	ctx := context.Background()
	recv, err := NewFactory().CreateLogs(ctx, receivertest.NewNopSettings(metadata.Type), createDefaultConfig(), consumertest.NewNop())
	require.NoError(t, err)
	require.NoError(t, recv.Shutdown(ctx), "without Start")

	recv, err = NewFactory().CreateLogs(ctx, receivertest.NewNopSettings(metadata.Type), createDefaultConfig(), consumertest.NewNop())
	require.NoError(t, err)
	require.NoError(t, recv.Start(ctx, componenttest.NewNopHost()))
	require.NoError(t, recv.Shutdown(ctx))
	require.NoError(t, recv.Shutdown(ctx), "twice")
}

// A machine that cannot run any engine says why.
func TestNoEngine(t *testing.T) {
	engines := []probe.Engine{{Name: "tcp", Missing: func() error { return errors.New("the kernel is too old") }}}
	recv, err := newFlowlog(receivertest.NewNopSettings(metadata.Type), createDefaultConfig().(*Config), consumertest.NewNop(), engines)
	require.NoError(t, err)
	require.EqualError(t, recv.Start(context.Background(), componenttest.NewNopHost()),
		"start capture: no engine can run: tcp: the kernel is too old")
	require.NoError(t, recv.Shutdown(context.Background()))
}

// One engine that fails leaves the others working, and is reported off.
func TestEngineFails(t *testing.T) {
	source := newFakeSource()
	engines := []probe.Engine{
		{Name: "udp", Missing: func() error { return nil }, Open: func(probe.Options) (probe.Source, error) { return nil, errors.New("no such hook") }},
		{Name: "tcp", Missing: func() error { return nil }, Open: func(probe.Options) (probe.Source, error) { return source, nil }},
	}
	config := createDefaultConfig().(*Config)
	config.Interval = 100 * time.Millisecond
	sink := new(consumertest.LogsSink)
	recv, err := newFlowlog(receivertest.NewNopSettings(metadata.Type), config, sink, engines)
	require.NoError(t, err)
	require.NoError(t, recv.Start(context.Background(), componenttest.NewNopHost()))
	source.add(1)
	require.NoError(t, recv.Shutdown(context.Background()))
	var flows int
	for _, logs := range sink.AllLogs() {
		batch, rejected := flow.Decode(logs)
		require.NoError(t, rejected.Err())
		flows += len(batch.Flows)
		for _, agent := range batch.Agents {
			require.Equal(t, []flow.Engine{
				{Name: "udp", Detail: "turned off in the configuration"}, {Name: "tcp", On: true},
			}, agent.Engines)
		}
	}
	require.Equal(t, 1, flows)
}

// fakeSource stands in for the kernel.
type fakeSource struct {
	mu     sync.Mutex
	events []probe.Event
	cuts   int
	closed bool
}

func newFakeSource() *fakeSource { return &fakeSource{} }

// add makes a connection from a port that identifies it.
func (f *fakeSource) add(id int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(f.events, probe.Event{
		Time: 2, Since: 1, Kind: probe.Closed, Reporter: flow.ReporterSource, Transport: flow.TransportTCP, Started: true,
		Local:  netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), uint16(id)),
		Remote: netip.MustParseAddrPort("203.0.113.1:443"),
	})
}

func (f *fakeSource) Read(events []probe.Event) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return 0, os.ErrClosed
	}
	n := copy(events, f.events)
	f.events = f.events[n:]
	if n == 0 && f.cuts > 0 {
		f.cuts--
		return 0, probe.ErrCut
	}
	if n == 0 {
		f.mu.Unlock()
		time.Sleep(time.Millisecond)
		f.mu.Lock()
	}
	return n, nil
}

func (f *fakeSource) Sweep(uint32) (probe.SweepResult, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cuts++
	return probe.SweepResult{}, nil
}

func (f *fakeSource) Losses() (probe.Losses, error) { return probe.Losses{}, nil }

func (f *fakeSource) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	return nil
}

// contractFactory makes receivers on a fake source, and records that carry the
// id by which the contract recognises them.
func contractFactory(source *fakeSource) receiver.Factory {
	create := func(_ context.Context, settings receiver.Settings, config component.Config, next consumer.Logs) (receiver.Logs, error) {
		engines := []probe.Engine{{
			Name: "tcp", Missing: func() error { return nil },
			Open: func(probe.Options) (probe.Source, error) { return source, nil },
		}}
		return newFlowlog(settings, config.(*Config), &identify{next}, engines)
	}
	return receiver.NewFactory(metadata.Type, createDefaultConfig, receiver.WithLogs(create, metadata.LogsStability))
}

// identify passes flow records on with their id, and nothing else.
type identify struct{ consumer.Logs }

func (i *identify) ConsumeLogs(ctx context.Context, logs plog.Logs) error {
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			sl.LogRecords().RemoveIf(func(lr plog.LogRecord) bool {
				port, ok := lr.Attributes().Get("source.port")
				if ok {
					lr.Attributes().PutStr(receivertest.UniqueIDAttrName, strconv.FormatInt(port.Int(), 10))
				}
				return !ok
			})
		}
	}
	if logs.LogRecordCount() == 0 {
		return nil
	}
	return i.Logs.ConsumeLogs(ctx, logs)
}

type generator struct {
	source *fakeSource
	tb     testing.TB
	last   int
}

func (g *generator) Start() { *g.source = fakeSource{} }
func (g *generator) Stop()  {}

func (g *generator) Generate() []receivertest.UniqueIDAttrVal {
	g.last++
	g.source.add(g.last)
	return []receivertest.UniqueIDAttrVal{receivertest.UniqueIDAttrVal(strconv.Itoa(g.last))}
}

// What the pipeline refuses for now comes again, what it refuses for good does not.
func TestConsumeContract(t *testing.T) {
	config := createDefaultConfig().(*Config)
	config.Interval = 100 * time.Millisecond
	config.MergeSourcePorts = false
	source := newFakeSource()
	receivertest.CheckConsumeContract(receivertest.CheckConsumeContractParams{
		T:             t,
		Factory:       contractFactory(source),
		Signal:        pipeline.SignalLogs,
		Config:        config,
		Generator:     &generator{source: source, tb: t},
		GenerateCount: 200,
	})
}
