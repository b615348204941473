//go:build linux

package capture

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe/probetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a wall clock that steps and a monotonic one that does not.
type clock struct {
	mu   sync.Mutex
	wall time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wall
}

func (c *clock) step(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall = c.wall.Add(by)
}

// uptime is what the monotonic clock of the tests stands at.
const uptime = int64(time.Hour)

// recording is a capture from engines of the tests, and what it handed on.
type recording struct {
	*Capture
	t     *testing.T
	clock *clock
	mu    sync.Mutex
	got   flow.Batch
}

func newRecording(t *testing.T, change func(*Options), engines ...probe.Engine) *recording {
	t.Helper()
	r := &recording{t: t, clock: &clock{wall: time.Unix(1_800_000_000, 0)}}
	opts := Options{
		Engines:          engines,
		Enabled:          map[string]bool{"tcp": true, "drops": true, "other": true},
		Interval:         10 * time.Millisecond,
		MergeSourcePorts: true,
		MaxFlows:         1000,
		Node:             7,
		Logger:           zap.NewNop(),
		Now:              r.clock.now,
		Monotonic:        func() int64 { return uptime },
		Consume: func(_ context.Context, logs plog.Logs) error {
			batch, rejected := flow.Decode(logs)
			r.mu.Lock()
			defer r.mu.Unlock()
			r.got.Flows = append(r.got.Flows, batch.Flows...)
			r.got.Losses = append(r.got.Losses, batch.Losses...)
			r.got.Agents = append(r.got.Agents, batch.Agents...)
			return rejected.Err()
		},
	}
	if change != nil {
		change(&opts)
	}
	r.Capture = New(opts)
	return r
}

func (r *recording) start() *recording {
	r.t.Helper()
	require.NoError(r.t, r.Start())
	r.t.Cleanup(func() { require.NoError(r.t, r.Shutdown(context.Background())) })
	return r
}

// stop ends the capture and returns all that it handed on.
func (r *recording) stop() flow.Batch {
	r.t.Helper()
	require.NoError(r.t, r.Shutdown(context.Background()))
	return r.received()
}

func (r *recording) received() flow.Batch {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.got
}

// await waits for records that satisfy done.
func (r *recording) await(done func(flow.Batch) bool) {
	r.t.Helper()
	require.Eventually(r.t, func() bool { return done(r.received()) }, 10*time.Second, time.Millisecond)
}

var (
	clientAddress = netip.MustParseAddr("192.0.2.1")
	serverAddress = netip.MustParseAddrPort("203.0.113.1:443")
)

// closed is the end of a connection from a port of this machine to elsewhere.
func closed(port uint16) probe.Event {
	return probe.Event{
		Time: uptime, Since: uptime - int64(time.Second), Kind: probe.Closed, Reporter: flow.ReporterSource, Transport: flow.TransportTCP, Started: true,
		Local: netip.AddrPortFrom(clientAddress, port), Remote: serverAddress, SentPayload: 10, ReceivedPayload: 20,
	}
}

func TestConnectionsThatDifferInTheirSourcePortAreOneRecord(t *testing.T) {
	source := new(probetest.Source)
	r := newRecording(t, func(o *Options) { o.Interval = time.Hour }, source.Engine("tcp")).start()
	source.Add(closed(1000), closed(1001), closed(1002))
	got := r.stop()
	require.Len(t, got.Flows, 1)
	f := got.Flows[0]
	require.Equal(t, flow.Connections{Seen: 3, Started: 3, Completed: 3}, f.Connections)
	require.Zero(t, f.Source.Port)
	require.Equal(t, uint64(30), f.Source.PayloadBytes)
	require.Equal(t, uint64(60), f.Destination.PayloadBytes)
	require.Equal(t, r.clock.now().UnixNano(), f.End)
	require.Equal(t, r.clock.now().Add(-time.Second).UnixNano(), f.Start)
	require.Equal(t, flow.ID{Node: 7, Epoch: 1_800_000_000, Counter: 2}, f.ID, "after the first sign of life")
}

func TestMoreFlowsThanMayBeOpenGoEarly(t *testing.T) {
	source := new(probetest.Source)
	var intervals []Interval
	r := newRecording(t, func(o *Options) {
		o.Interval, o.MergeSourcePorts, o.MaxFlows = time.Hour, false, 10
		o.Observe.Interval = func(i Interval) { intervals = append(intervals, i) }
	}, source.Engine("tcp")).start()
	for port := range uint16(25) {
		source.Add(closed(1000 + port))
	}
	r.await(func(got flow.Batch) bool { return len(got.Flows) == 20 })
	got := r.stop()
	require.Len(t, got.Flows, 25)
	ids := make(map[flow.ID]bool)
	for _, f := range got.Flows {
		ids[f.ID] = true
	}
	require.Len(t, ids, 25, "every record has an ID of its own")
	require.Len(t, intervals, 1)
	require.Equal(t, 25, intervals[0].Records)
	require.Equal(t, 25, intervals[0].Events)
}

// held delays what a Source does until a test lets it go on.
type held struct {
	*probetest.Source
	swept chan struct{} // receives when the first sweep has cut
	sweep chan struct{} // the first sweep returns when it is closed
	once  sync.Once
	read  chan struct{} // after the first cut, reads wait until it is closed
	cut   bool
}

func (h *held) engine() probe.Engine { return behind("tcp", h.Source, h) }

// behind is the engine of a source that is read and swept by way of another.
func behind(name string, s *probetest.Source, front probe.Source) probe.Engine {
	e := s.Engine(name)
	open := e.Open
	e.Open = func(o probe.Options) (probe.Source, error) {
		_, err := open(o)
		return front, err
	}
	return e
}

func (h *held) Sweep(generation uint32) (probe.SweepResult, error) {
	result, err := h.Source.Sweep(generation)
	h.once.Do(func() {
		close(h.swept)
		<-h.sweep
	})
	return result, err
}

func (h *held) Read(events []probe.Event) (int, error) {
	if h.cut {
		<-h.read
	}
	n, err := h.Source.Read(events)
	h.cut = h.cut || errors.Is(err, probe.ErrCut)
	return n, err
}

// unread is a source whose events are not read before the returned function is called,
// though sweeps have long returned.
func unread() (*held, func()) {
	h := &held{Source: new(probetest.Source), swept: make(chan struct{}), sweep: make(chan struct{}), read: make(chan struct{}), cut: true}
	close(h.sweep)
	return h, func() { close(h.read) }
}

func TestAFailedSweepIsNoReasonToEndTheIntervalBeforeItsCut(t *testing.T) {
	h, read := unread()
	r := newRecording(t, func(o *Options) { o.Interval = time.Hour }, h.engine()).start()
	h.Add(closed(1000))
	h.FailSweep(errors.New("one pass of many"))
	stopped := make(chan flow.Batch)
	go func() { stopped <- r.stop() }()
	<-h.swept
	time.Sleep(20 * time.Millisecond) // gives the fault, if there is one, time to show itself
	read()
	require.Len(t, (<-stopped).Flows, 1)
}

// mortal dies when it has cut.
type mortal struct{ *probetest.Source }

func (m mortal) Read(events []probe.Event) (int, error) {
	n, err := m.Source.Read(events)
	if errors.Is(err, probe.ErrCut) {
		m.Fail(errors.New("the ring is gone"))
	}
	return n, err
}

func TestAnEngineThatDiesBehindItsCutDoesNotStandForAnothersCut(t *testing.T) {
	dies := new(probetest.Source)
	h, read := unread()
	r := newRecording(t, func(o *Options) { o.Interval = time.Hour }, behind("other", dies, mortal{dies}), h.engine()).start()
	h.Add(closed(1000))
	stopped := make(chan flow.Batch)
	go func() { stopped <- r.stop() }()
	<-h.swept
	time.Sleep(20 * time.Millisecond) // gives the fault, if there is one, time to show itself
	read()
	require.Len(t, (<-stopped).Flows, 1)
}

func TestWhatComesAfterACutThatRunsAtTheStopIsNotLost(t *testing.T) {
	h := &held{Source: new(probetest.Source), swept: make(chan struct{}), sweep: make(chan struct{}), read: make(chan struct{})}
	r := newRecording(t, nil, h.engine()).start()
	<-h.swept
	stopped := make(chan flow.Batch)
	go func() { stopped <- r.stop() }()
	// Pauses only give the fault, if there is one, time to show itself.
	time.Sleep(20 * time.Millisecond)
	h.Add(closed(1000))
	close(h.sweep)
	time.Sleep(20 * time.Millisecond)
	close(h.read)
	require.Len(t, (<-stopped).Flows, 1)
}

func TestAClockThatStepsBackHarmsOneIntervalAtMost(t *testing.T) {
	source := new(probetest.Source)
	r := newRecording(t, nil, source.Engine("tcp")).start()
	r.await(func(got flow.Batch) bool { return len(got.Agents) > 0 })
	r.clock.step(-24 * time.Hour)
	seen := len(r.received().Agents)
	r.await(func(got flow.Batch) bool { return len(got.Agents) > seen+1 })
	source.Add(closed(1000))
	got := r.stop()
	require.Len(t, got.Flows, 1)
	require.Equal(t, r.clock.now().UnixNano(), got.Flows[0].End)
	require.Less(t, got.Flows[0].Start, got.Flows[0].End)
	require.Equal(t, uint32(1_800_000_000), got.Flows[0].ID.Epoch, "records keep to one epoch")
}

func TestOneEngineThatCannotRunLeavesTheOthers(t *testing.T) {
	source := new(probetest.Source)
	fails := func(name string, missing, open error) probe.Engine {
		return probe.Engine{
			Name: name, Missing: func() error { return missing },
			Open: func(probe.Options) (probe.Source, error) { return nil, open },
		}
	}
	r := newRecording(t, func(o *Options) { o.Enabled["broken"] = true },
		fails("other", errors.New("the kernel is too old"), nil),
		fails("broken", nil, errors.New("no such hook")),
		fails("unwanted", nil, nil),
		source.Engine("tcp")).start()
	source.Add(closed(1000))
	got := r.stop()
	require.Len(t, got.Flows, 1)
	require.Equal(t, []flow.Engine{
		{Name: "other", Detail: "the kernel is too old"},
		{Name: "broken", Detail: "no such hook"},
		{Name: "unwanted", Detail: "turned off in the configuration"},
		{Name: "tcp", On: true},
	}, got.Agents[0].Engines)

	none := newRecording(t, nil, fails("other", errors.New("the kernel is too old"), nil), fails("tcp", nil, errors.New("no such hook")))
	require.EqualError(t, none.Start(), "start capture: no engine can run: other: the kernel is too old; tcp: no such hook")
	require.NoError(t, none.Shutdown(t.Context()))
}

func TestSignsOfLife(t *testing.T) {
	long := newRecording(t, func(o *Options) { o.Interval = time.Hour }, new(probetest.Source).Engine("tcp")).start()
	long.await(func(got flow.Batch) bool { return len(got.Agents) == 1 })
	began := long.clock.now().UnixNano()
	long.clock.step(time.Minute)
	got := long.stop().Agents
	require.Len(t, got, 2, "at the start and the end")
	require.Equal(t, []int64{began, began}, []int64{got[0].Time, got[0].Started})
	require.Equal(t, []int64{began + int64(time.Minute), began}, []int64{got[1].Time, got[1].Started})
	require.Equal(t, []bool{false, true}, []bool{got[0].Ended, got[1].Ended})

	short := newRecording(t, nil, new(probetest.Source).Engine("tcp")).start()
	short.await(func(got flow.Batch) bool { return len(got.Agents) > 3 })
	for i, sign := range short.stop().Agents {
		require.Equal(t, i == len(short.received().Agents)-1, sign.Ended, i)
	}
}

func TestAnEngineThatDiesIsReportedAndTheOthersGoOn(t *testing.T) {
	dies, lives := new(probetest.Source), new(probetest.Source)
	r := newRecording(t, nil, dies.Engine("other"), lives.Engine("tcp")).start()
	dies.Fail(errors.New("the ring is gone"))
	r.await(func(got flow.Batch) bool { return len(got.Agents) > 0 && !got.Agents[len(got.Agents)-1].Engines[0].On })
	lives.Add(closed(1000))
	got := r.stop()
	require.Len(t, got.Flows, 1)
	require.Equal(t, []flow.Engine{{Name: "other", Detail: "the ring is gone"}, {Name: "tcp", On: true}}, got.Agents[len(got.Agents)-1].Engines)
}

func TestLossesOfTheKernelBecomeRecords(t *testing.T) {
	source := new(probetest.Source)
	r := newRecording(t, nil, source.Engine("tcp")).start()
	source.Lose(probe.Losses{Ring: 3})
	r.await(func(got flow.Batch) bool { return len(got.Losses) > 0 })
	source.Lose(probe.Losses{Ring: 5})
	got := r.stop()
	var sum uint64
	for _, l := range got.Losses {
		require.Equal(t, flow.StageRingBuffer, l.Stage)
		require.Equal(t, flow.UnitConnections, l.Unit)
		require.NotZero(t, l.ID)
		sum += l.Count
	}
	require.Equal(t, uint64(5), sum)
	require.Equal(t, uint64(5), got.Agents[len(got.Agents)-1].Lost)
}

func TestStartAndShutdownTwice(t *testing.T) {
	r := newRecording(t, nil, new(probetest.Source).Engine("tcp"))
	require.NoError(t, r.Shutdown(t.Context()), "without Start")
	r.start()
	require.ErrorContains(t, r.Start(), "already started")
	r.stop()
	r.stop()
}
