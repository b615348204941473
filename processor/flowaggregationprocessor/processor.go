package flowaggregationprocessor

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowaggregationprocessor/internal/aggregate"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowaggregationprocessor/internal/metadata"
)

const (
	// lookEvery is how often windows are looked at.
	lookEvery = 200 * time.Millisecond
	// maxWindows is how many windows are open at once: the present one, those that wait for
	// what is late, and those that the pipeline has not taken.
	maxWindows = 8
	// maxIDs bounds the runs of ids that are remembered, 16 bytes each.
	maxIDs = 100_000
)

// merger is the collector's side of the processor.
type merger struct {
	id        component.ID
	config    *Config
	next      consumer.Logs
	telemetry *metadata.Telemetry
	logger    *zap.Logger
	now       func() time.Time

	windows *aggregate.Aggregator
	rules   *rules
	sender  *sender
	pace    pace
	ledger  ledger

	background background
	// calls is what calls of the pipeline run in.
	calls  context.Context
	cancel context.CancelFunc
}

func newMerger(settings processor.Settings, config *Config, next consumer.Logs, change ...Option) (*merger, error) {
	telemetry, err := metadata.NewTelemetry(settings.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	m := &merger{
		id: settings.ID, config: config, next: next, telemetry: telemetry, logger: settings.Logger, now: time.Now,
		ledger: ledger{logger: settings.Logger}, background: background{ending: make(chan struct{})},
	}
	m.calls, m.cancel = context.WithCancel(context.Background())
	for _, option := range change {
		option(m)
	}
	ids, now := newIDs(m.now()), func() time.Time { return m.now() }
	failed := &failures{telemetry: telemetry, logger: settings.Logger}
	if m.windows, m.rules, err = newWindows(config, settings.TelemetrySettings, ids.Node, now, failed.tell); err != nil {
		return nil, err
	}
	m.sender = &sender{
		next: next, telemetry: telemetry, logger: settings.Logger, ids: ids,
		writer: aggregate.Writer{Values: config.MaxValues, Now: now},
	}
	m.pace = pace{steps: 2}
	return m, nil
}

// newWindows returns what merges records as config says.
func newWindows(config *Config, settings component.TelemetrySettings, node uint32, now func() time.Time, failed func(error)) (*aggregate.Aggregator, *rules, error) {
	windows := aggregate.New(aggregate.Keys{Observer: config.PerObserver, Reporter: !config.AcrossReporters})
	rules, err := newRules(config, windows, settings, failed)
	if err != nil {
		return nil, nil, err
	}
	options := aggregate.Options{
		Classes: rules.classes, Interval: config.Interval, Delay: config.Delay, Jitter: jitter(config.Jitter, node),
		Memory: config.MemoryLimitMiB << 20, MaxWindows: maxWindows, MaxGroups: config.MaxGroups, Now: now,
	}
	if config.Deduplicate {
		options.MaxIDs = maxIDs
	}
	windows.Configure(options)
	return windows, rules, nil
}

// newIDs returns the id before the first of this instance. Its node is by chance: several
// instances may run on a machine, and start in one second.
func newIDs(now time.Time) flow.ID {
	var node [4]byte
	_, _ = rand.Read(node[:]) // never fails
	return flow.ID{Node: binary.NativeEndian.Uint32(node[:]), Epoch: uint32(now.Unix())}
}

// jitter is this instance's own part of most.
func jitter(most time.Duration, node uint32) time.Duration {
	return time.Duration(float64(most) * float64(node) / (1 << 32))
}

// Capabilities implements consumer.Logs. Records are read, not kept.
func (m *merger) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

// Start implements component.Component.
func (m *merger) Start(ctx context.Context, host component.Host) error {
	if err := m.ledger.open(ctx, host, m.config.Storage, m.id); err != nil {
		return err
	}
	if crash := m.ledger.untold; crash.Records > 0 {
		m.logger.Error("the collector had ended without passing on what it held", zap.Uint64("records", crash.Records))
		m.telemetry.Lost.Add(ctx, int64(crash.Records))
		m.sender.losses = append(m.sender.losses, crash.loss(m.sender.id()))
	}
	flush := func() { m.background.every(lookEvery, m.flush) }
	note := func() { m.background.every(noteEvery, func() { m.note(m.calls) }) }
	if err := m.background.start(m.telemetry, m.state, flush, note); err != nil {
		return errors.Join(err, m.ledger.close(ctx))
	}
	return nil
}

// Shutdown implements component.Component. What is merged goes on; once the pipeline takes
// nothing for lastWait, what is left is lost, and counted.
func (m *merger) Shutdown(ctx context.Context) error {
	defer m.cancel()
	defer context.AfterFunc(ctx, m.cancel)()
	defer m.sender.hurry(m.cancel)()
	errs := []error{m.background.stop()}
	if sent := m.pass(m.windows.Take(true)); sent.lost > 0 {
		errs = append(errs, fmt.Errorf("%d records are lost: the pipeline did not take them before the end", sent.lost))
	}
	m.note(ctx)
	return errors.Join(append(errs, m.ledger.close(ctx))...)
}

// ConsumeLogs implements consumer.Logs. What is no flow record goes on at once, and first:
// when the pipeline refuses it the caller comes again with all of it, and nothing may
// have been merged by then.
func (m *merger) ConsumeLogs(ctx context.Context, logs plog.Logs) error {
	if others := without(logs, flow.EventFlow); others.LogRecordCount() > 0 {
		if err := m.next.ConsumeLogs(ctx, others); err != nil {
			return err
		}
	}
	for _, rl := range logs.ResourceLogs().All() {
		m.ledger.observe(rl.Resource().Attributes())
	}
	added := m.windows.Add(logs, m.rules.class, m.sender.aside)
	m.telemetry.Merged.Add(ctx, int64(added.Records))
	tell(ctx, m.telemetry, added)
	return nil
}

// tell counts records with which more is the matter than that they were merged.
func tell(ctx context.Context, telemetry *metadata.Telemetry, added aggregate.Added) {
	for _, c := range []struct {
		counter metric.Int64Counter
		n       int
	}{
		{telemetry.Duplicates, added.Duplicates}, {telemetry.Sampled, added.Sampled},
		{telemetry.Late, added.Late}, {telemetry.Unreadable, added.Unread},
	} {
		if c.n > 0 {
			c.counter.Add(ctx, int64(c.n))
		}
	}
}

// without returns a copy of logs without the records of an event.
func without(logs plog.Logs, event string) plog.Logs {
	others := plog.NewLogs()
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				if lr.EventName() != event {
					appendRecord(others, rl, sl, lr)
				}
			}
		}
	}
	return others
}

// appendRecord copies a record to logs, with its resource and scope.
func appendRecord(logs plog.Logs, rl plog.ResourceLogs, sl plog.ScopeLogs, lr plog.LogRecord) {
	to := logs.ResourceLogs().AppendEmpty()
	rl.Resource().CopyTo(to.Resource())
	to.SetSchemaUrl(rl.SchemaUrl())
	scope := to.ScopeLogs().AppendEmpty()
	sl.Scope().CopyTo(scope.Scope())
	scope.SetSchemaUrl(sl.SchemaUrl())
	lr.CopyTo(scope.LogRecords().AppendEmpty())
}

// flush passes on what is due. It returns when the pipeline has taken it: until then what
// would be due gathers in its windows.
func (m *merger) flush() {
	due := m.windows.Take(false)
	if len(due) == 0 && m.sender.idle() {
		return
	}
	began := m.now()
	sent := m.pass(due)
	if m.config.Dynamic && len(due) > 0 {
		m.windows.SetPressure(m.pace.after(m.now().Sub(began), m.config.Interval, sent.refused > 0))
	}
}

// pass sends windows, and what there is to tell of losses.
func (m *merger) pass(windows []*aggregate.Window) sent {
	result := m.sender.send(m.calls, m.windows, windows)
	if m.calls.Err() == nil {
		m.ledger.told()
	}
	return result
}

// note has the ledger say what is in memory.
func (m *merger) note(ctx context.Context) {
	s := m.windows.State()
	m.ledger.write(ctx, s.Records, s.From, m.now())
}

func (m *merger) state() metadata.State { return stateOf(m.windows) }

func stateOf(windows *aggregate.Aggregator) metadata.State {
	s := windows.State()
	return metadata.State{
		Windows: int64(s.Windows), Groups: int64(s.Groups), Memory: int64(s.Memory), Pressure: int64(s.Pressure),
		Folds: int64(s.Folds), Joined: int64(s.Joined), Unknown: int64(s.Unknown),
	}
}
