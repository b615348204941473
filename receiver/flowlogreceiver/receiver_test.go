//go:build linux

package flowlogreceiver

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
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
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe/probetest"
)

func TestLifecycle(t *testing.T) {
	needEngine(t, "tcp")
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

// What the configuration turns off is not opened, and is reported off.
func TestEngineTurnedOff(t *testing.T) {
	source := new(probetest.Source)
	engines := []probe.Engine{{Name: "other"}, source.Engine("tcp")}
	sink := new(consumertest.LogsSink)
	recv, err := newFlowlog(receivertest.NewNopSettings(metadata.Type), createDefaultConfig().(*Config), sink, engines)
	require.NoError(t, err)
	require.NoError(t, recv.Start(context.Background(), componenttest.NewNopHost()))
	source.Add(connection(1))
	require.NoError(t, recv.Shutdown(context.Background()))
	require.Len(t, sink.AllLogs(), 2)
	batch, rejected := flow.Decode(sink.AllLogs()[1])
	require.NoError(t, rejected.Err())
	require.Len(t, batch.Flows, 1)
	require.Len(t, batch.Agents, 1)
	require.Equal(t, []flow.Engine{{Name: "other", Detail: "turned off in the configuration"}, {Name: "tcp", On: true}}, batch.Agents[0].Engines)
}

// An engine that is missing or stops degrades the receiver's health, by its reason.
func TestMissingEnginesDegradeHealth(t *testing.T) {
	running := new(probetest.Source)
	missing := new(probetest.Source).Engine("datagram")
	missing.Missing = func() error { return errors.New("the kernel lacks it") }
	recv, err := newFlowlog(receivertest.NewNopSettings(metadata.Type), createDefaultConfig().(*Config), consumertest.NewNop(),
		[]probe.Engine{running.Engine("tcp"), missing})
	require.NoError(t, err)
	host := &healthHost{Host: componenttest.NewNopHost(), events: make(chan *componentstatus.Event, 10)}
	require.NoError(t, recv.Start(context.Background(), host))
	event := <-host.events
	require.Equal(t, componentstatus.StatusRecoverableError, event.Status())
	require.EqualError(t, event.Err(), "engine datagram is off: the kernel lacks it")
	running.Fail(errors.New("the ring is gone"))
	require.EqualError(t, (<-host.events).Err(), "engine tcp is off: the ring is gone")
	require.NoError(t, recv.Shutdown(context.Background()))
}

type healthHost struct {
	component.Host
	events chan *componentstatus.Event
}

func (h *healthHost) Report(event *componentstatus.Event) { h.events <- event }

// connection is one that ended, from a port that identifies it.
func connection(id int) probe.Event {
	return probe.Event{
		Time: 2, Since: 1, Kind: probe.Closed, Reporter: flow.ReporterSource, Transport: flow.TransportTCP, Started: true,
		Local:  netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), uint16(id)),
		Remote: netip.MustParseAddrPort("203.0.113.1:443"),
	}
}

// contractFactory makes receivers on a fake source, and records that carry the
// id by which the contract recognises them.
func contractFactory(source *probetest.Source) receiver.Factory {
	create := func(_ context.Context, settings receiver.Settings, config component.Config, next consumer.Logs) (receiver.Logs, error) {
		return newFlowlog(settings, config.(*Config), &identify{next}, []probe.Engine{source.Engine("tcp")})
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

// generator is called from several goroutines.
type generator struct {
	source *probetest.Source
	last   atomic.Int64
}

func (g *generator) Start() {}
func (g *generator) Stop()  {}

func (g *generator) Generate() []receivertest.UniqueIDAttrVal {
	id := int(g.last.Add(1))
	g.source.Add(connection(id))
	return []receivertest.UniqueIDAttrVal{receivertest.UniqueIDAttrVal(strconv.Itoa(id))}
}

// What the pipeline refuses for now comes again, what it refuses for good does not.
func TestConsumeContract(t *testing.T) {
	config := createDefaultConfig().(*Config)
	config.Interval = 100 * time.Millisecond
	config.MergeSourcePorts = false
	source := new(probetest.Source)
	receivertest.CheckConsumeContract(receivertest.CheckConsumeContractParams{
		T:             t,
		Factory:       contractFactory(source),
		Signal:        pipeline.SignalLogs,
		Config:        config,
		Generator:     &generator{source: source},
		GenerateCount: 200,
	})
}
