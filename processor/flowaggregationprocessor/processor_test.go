package flowaggregationprocessor

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.uber.org/goleak"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowaggregationprocessor/internal/metadata"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pipeline is what comes after the processor; refuse says what it answers.
type pipeline struct {
	consumertest.LogsSink
	mu     sync.Mutex
	refuse func(plog.Logs) error
}

func (p *pipeline) ConsumeLogs(ctx context.Context, logs plog.Logs) error {
	p.mu.Lock()
	refuse := p.refuse
	p.mu.Unlock()
	if refuse != nil {
		if err := refuse(logs); err != nil {
			return err
		}
	}
	return p.LogsSink.ConsumeLogs(ctx, logs)
}

func (p *pipeline) refusing(refuse func(plog.Logs) error) {
	p.mu.Lock()
	p.refuse = refuse
	p.mu.Unlock()
}

func (p *pipeline) batch(t *testing.T) (all flow.Batch) {
	for _, logs := range p.AllLogs() {
		batch, rejected := flow.Decode(logs)
		require.NoError(t, rejected.Err())
		all.Flows = append(all.Flows, batch.Flows...)
		all.Losses = append(all.Losses, batch.Losses...)
		all.Agents = append(all.Agents, batch.Agents...)
	}
	return all
}

func start(t *testing.T, next consumer.Logs, change func(*Config)) *merger {
	config := createDefaultConfig().(*Config)
	config.Interval, config.Delay, config.Jitter = time.Second, 0, 0
	if change != nil {
		change(config)
	}
	m, err := newMerger(processortest.NewNopSettings(metadata.Type), config, next)
	require.NoError(t, err)
	require.NoError(t, m.Start(t.Context(), componenttest.NewNopHost()))
	return m
}

// record is a flow of a pod; n tells it from others.
func record(n int, action flow.Action) flow.Flow {
	end := time.Now().UnixNano()
	return flow.Flow{
		ID: flow.ID{Node: 7, Epoch: 7, Counter: uint64(n)}, Start: end - 1e9, End: end, Reporter: flow.ReporterSource, Action: action, Transport: flow.TransportTCP,
		Source: flow.Endpoint{Type: flow.EndpointPod, Port: uint16(30000 + n), Bytes: 100, Kubernetes: &flow.Kubernetes{
			Namespace: flow.Intern("shop"), Pod: flow.Intern("web-" + string(rune('a'+n%26))), WorkloadKind: flow.Intern("Deployment"), WorkloadName: flow.Intern("web"),
		}},
		Destination: flow.Endpoint{Type: flow.EndpointNetwork, Port: 443, Bytes: 1000},
		Connections: flow.Connections{Seen: 1, Started: 1, Completed: 1},
	}
}

func encode(batch flow.Batch) plog.Logs { return flow.Encode(&batch, time.Now()) }

func TestRecordsOfAWorkloadBecomeOne(t *testing.T) {
	next := new(pipeline)
	m := start(t, next, nil)
	for n := range 10 {
		require.NoError(t, m.ConsumeLogs(t.Context(), encode(flow.Batch{Flows: []flow.Flow{record(n, flow.Allow), record(100+n, flow.Deny)}})))
	}
	require.NoError(t, m.Shutdown(t.Context()))
	byAction := make(map[flow.Action][]flow.Flow)
	var bytes, connections uint64
	for _, f := range next.batch(t).Flows {
		byAction[f.Action] = append(byAction[f.Action], f)
		bytes += f.Source.Bytes + f.Destination.Bytes
		connections += f.Connections.Started
	}
	assert.LessOrEqual(t, len(byAction[flow.Allow]), 2, "one, or two where a second began meanwhile")
	assert.GreaterOrEqual(t, len(byAction[flow.Deny]), 10, "denied flows tell their pods")
	assert.EqualValues(t, 20*1100, bytes)
	assert.EqualValues(t, 20, connections)
}

func TestWhatIsNoFlowGoesOnAtOnce(t *testing.T) {
	next := new(pipeline)
	m := start(t, next, nil)
	logs := encode(flow.Batch{Flows: []flow.Flow{record(1, flow.Allow)}, Losses: []flow.Loss{{Count: 3}}, Agents: []flow.Agent{{Version: "1"}}})
	logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr("another log")
	before := logs.LogRecordCount()
	require.NoError(t, m.ConsumeLogs(t.Context(), logs))
	assert.Equal(t, before, logs.LogRecordCount(), "what came is not changed")
	assert.Equal(t, 3, next.LogRecordCount())
	require.NoError(t, m.Shutdown(t.Context()))
	assert.Equal(t, 4, next.LogRecordCount())
}

func TestNothingIsMergedWhenTheCallFails(t *testing.T) {
	next := new(pipeline)
	m := start(t, next, nil)
	logs := encode(flow.Batch{Flows: []flow.Flow{record(1, flow.Allow)}, Losses: []flow.Loss{{Count: 3}}})
	next.refusing(func(plog.Logs) error { return errors.New("away") })
	require.Error(t, m.ConsumeLogs(t.Context(), logs))
	next.refusing(nil)
	require.NoError(t, m.ConsumeLogs(t.Context(), logs))
	require.NoError(t, m.Shutdown(t.Context()))
	require.Len(t, next.batch(t).Flows, 1)
	assert.EqualValues(t, 1, next.batch(t).Flows[0].Connections.Seen)
}

func TestARecordThatComesTwiceCountsOnce(t *testing.T) {
	for _, deduplicate := range []bool{true, false} {
		next := new(pipeline)
		m := start(t, next, func(c *Config) { c.Deduplicate = deduplicate })
		logs := encode(flow.Batch{Flows: []flow.Flow{record(1, flow.Allow)}})
		require.NoError(t, m.ConsumeLogs(t.Context(), logs))
		require.NoError(t, m.ConsumeLogs(t.Context(), logs))
		require.NoError(t, m.Shutdown(t.Context()))
		want := uint64(2)
		if deduplicate {
			want = 1
		}
		assert.Equal(t, want, next.batch(t).Flows[0].Connections.Started)
	}
}

func TestUnreadableRecordsGoOnAsTheyAre(t *testing.T) {
	next := new(pipeline)
	m := start(t, next, nil)
	logs := encode(flow.Batch{Flows: []flow.Flow{record(1, flow.Allow)}})
	logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().PutStr("source.bytes", "many")
	require.NoError(t, m.ConsumeLogs(t.Context(), logs))
	require.Eventually(t, func() bool { return next.LogRecordCount() == 1 }, 10*time.Second, 10*time.Millisecond)
	v, _ := next.AllLogs()[0].ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().Get("source.bytes")
	assert.Equal(t, "many", v.Str())
	require.NoError(t, m.Shutdown(t.Context()))
}

func TestAnOutageCostsNoTotal(t *testing.T) {
	next := new(pipeline)
	m := start(t, next, nil)
	next.refusing(func(plog.Logs) error { return errors.New("away") })
	const records = 60
	for n := range records {
		require.NoError(t, m.ConsumeLogs(t.Context(), encode(flow.Batch{Flows: []flow.Flow{record(n, flow.Allow)}})))
		time.Sleep(50 * time.Millisecond) // let windows pass
	}
	next.refusing(nil)
	require.NoError(t, m.Shutdown(t.Context()))
	sum := uint64(0)
	for _, f := range next.batch(t).Flows {
		sum += f.Connections.Started
	}
	assert.EqualValues(t, records, sum)
}

func TestWhatIsRefusedForGoodIsTold(t *testing.T) {
	next := new(pipeline)
	m := start(t, next, nil)
	next.refusing(func(logs plog.Logs) error {
		if batch, _ := flow.Decode(logs); len(batch.Flows) > 0 {
			return consumererror.NewPermanent(errors.New("no"))
		}
		return nil
	})
	require.NoError(t, m.ConsumeLogs(t.Context(), encode(flow.Batch{Flows: []flow.Flow{record(1, flow.Allow), record(2, flow.Allow)}})))
	require.Error(t, m.Shutdown(t.Context()))
	batch := next.batch(t)
	require.Len(t, batch.Losses, 1)
	assert.EqualValues(t, 2, batch.Losses[0].Count)
	assert.Equal(t, flow.StagePipeline, batch.Losses[0].Stage)
}

func TestLifecycle(t *testing.T) {
	factory := NewFactory()
	processortest.VerifyShutdown(t, factory, createDefaultConfig())
	p, err := factory.CreateLogs(t.Context(), processortest.NewNopSettings(metadata.Type), createDefaultConfig(), consumertest.NewNop())
	require.NoError(t, err)
	assert.False(t, p.Capabilities().MutatesData)
	require.NoError(t, p.Shutdown(t.Context()), "without a start")
	require.NoError(t, p.Shutdown(t.Context()), "twice")
}
