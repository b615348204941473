package flowaggregationprocessor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"go.uber.org/zap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowaggregationprocessor/internal/metadata"
)

// trial is the processor on a dry run: all records go on as they came, and beside that it
// is counted what plans and filters would have left of them.
type trial struct {
	config    *Config
	next      consumer.Logs
	logger    *zap.Logger
	telemetry *metadata.Telemetry
	failed    *failures

	plans   []*plan // the configuration's first
	filters []*filter

	background background
}

// filter is a filter on trial.
type filter struct {
	conditions conditions

	mu      sync.Mutex
	outcome outcome
	// others is how many records that are no flows it would have removed.
	others int
}

func newTrial(settings processor.Settings, config *Config, next consumer.Logs) (*trial, error) {
	telemetry, err := metadata.NewTelemetry(settings.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	t := &trial{config: config, next: next, logger: settings.Logger, telemetry: telemetry, background: background{ending: make(chan struct{})}}
	t.failed = &failures{telemetry: telemetry, logger: settings.Logger}
	errs := []error{t.try("configured", config, settings.TelemetrySettings)}
	for level := range 4 {
		errs = append(errs, t.try(fmt.Sprintf("level %d", level), config.atLevel(level), settings.TelemetrySettings))
	}
	for i, f := range config.DryRun.Filters {
		conditions, err := parseConditions(f.Conditions, settings.TelemetrySettings)
		if err != nil {
			errs = append(errs, fmt.Errorf("dry_run::filters::%d: %w", i, err))
		}
		t.filters = append(t.filters, &filter{conditions: conditions})
	}
	return t, errors.Join(errs...)
}

func (t *trial) try(name string, config *Config, settings component.TelemetrySettings) error {
	p, err := newPlan(name, config, settings, t.failed.tell)
	t.plans = append(t.plans, p)
	return err
}

// atLevel is c with one level for all records.
func (c *Config) atLevel(level int) *Config {
	at := *c
	at.Rules = nil
	at.Allowed, at.Denied = DetailConfig{Level: level}, DetailConfig{Level: level}
	return &at
}

// Capabilities implements consumer.Logs.
func (t *trial) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

// Start implements component.Component.
func (t *trial) Start(context.Context, component.Host) error {
	t.logger.Info("dry run: all records go on as they come; what would be left of them is logged", zap.Duration("interval", t.config.DryRun.Interval))
	return t.background.start(t.telemetry, t.state, t.run)
}

// Shutdown implements component.Component. It reports on what is in open windows.
func (t *trial) Shutdown(context.Context) error {
	err := t.background.stop()
	t.settle(true)
	t.report()
	return err
}

// ConsumeLogs implements consumer.Logs. What the pipeline refuses is not counted: the
// caller comes again with it.
func (t *trial) ConsumeLogs(ctx context.Context, logs plog.Logs) error {
	kept := plog.NewLogs() // who comes next may change logs
	logs.CopyTo(kept)
	if err := t.next.ConsumeLogs(ctx, logs); err != nil {
		return err
	}
	for i, p := range t.plans {
		if added := p.add(kept); i == 0 {
			tell(ctx, t.telemetry, added)
		}
	}
	for _, f := range t.filters {
		f.add(kept, t.failed.tell)
	}
	return nil
}

func (f *filter) add(logs plog.Logs, failed func(error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				f.outcome.came.add(lr)
				switch removed := f.conditions.anyMet(rl, sl, lr, failed); {
				case !removed:
					f.outcome.left.add(lr)
				case lr.EventName() != flow.EventFlow:
					f.others++
				}
			}
		}
	}
}

func (t *trial) run() {
	settle, report := time.NewTicker(lookEvery), time.NewTicker(t.config.DryRun.Interval)
	defer settle.Stop()
	defer report.Stop()
	for {
		select {
		case <-t.background.ending:
			return
		case <-settle.C:
			t.settle(false)
		case <-report.C:
			t.report()
		}
	}
}

func (t *trial) settle(all bool) {
	for _, p := range t.plans {
		p.settle(all)
	}
}

// state is that of all plans together.
func (t *trial) state() (sum metadata.State) {
	for _, p := range t.plans {
		sum.Add(stateOf(p.windows))
	}
	return sum
}
