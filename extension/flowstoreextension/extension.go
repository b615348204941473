package flowstoreextension

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/extension"
	"go.uber.org/zap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowstoreextension/internal/duckdb"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

// retainInterval is how often old records are looked for. Between the rounds the
// store itself keeps to max_size with every write.
const retainInterval = time.Minute

// flowStore is the extension. Its work is done by duckdb.Store and by the loop
// that has it delete old records.
type flowStore struct {
	config    *Config
	logger    *zap.Logger
	telemetry *telemetry
	handle    handle
	clock     clock

	stop chan struct{}
	wg   sync.WaitGroup
}

var (
	_ flowstore.SourceProvider = (*flowStore)(nil)
	_ flowstore.WriterProvider = (*flowStore)(nil)
)

// clock is what the retention loop takes its time from.
type clock struct {
	now func() time.Time
	// tick returns a channel that receives after each interval, and how to end it.
	tick func(time.Duration) (<-chan time.Time, func())
}

var realClock = clock{
	now: time.Now,
	tick: func(interval time.Duration) (<-chan time.Time, func()) {
		ticker := time.NewTicker(interval)
		return ticker.C, ticker.Stop
	},
}

func newExtension(set extension.Settings, config *Config) (*flowStore, error) {
	telemetry, err := newTelemetry(set.MeterProvider)
	if err != nil {
		return nil, err
	}
	return &flowStore{config: config, logger: set.Logger, telemetry: telemetry, clock: realClock}, nil
}

// FlowSource implements flowstore.SourceProvider.
func (e *flowStore) FlowSource() flowstore.Source { return &e.handle }

// FlowWriter implements flowstore.WriterProvider.
func (e *flowStore) FlowWriter() flowstore.Writer { return &e.handle }

// Start opens the database.
func (e *flowStore) Start(ctx context.Context, host component.Host) error {
	store, err := duckdb.Open(ctx, duckdb.Options{
		Directory:   e.config.Directory,
		MaxBytes:    uint64(e.config.MaxSize),
		MaxAge:      e.config.MaxAge,
		MemoryLimit: uint64(e.config.MemoryLimit),
		MinFree:     uint64(e.config.MinFree),
		Observe:     e.telemetry.write,
		Deleted:     e.deleted,
	})
	if err != nil {
		return err
	}
	if err := e.telemetry.observe(store); err != nil {
		return errors.Join(err, store.Close())
	}
	e.handle.open(store, func(event *componentstatus.Event) { componentstatus.ReportStatus(host, event) })
	e.logger.Info("flow store is open", zap.String("file", store.File()))

	stop := make(chan struct{})
	e.stop = stop
	ticks, stopTicks := e.clock.tick(retainInterval)
	e.wg.Go(func() {
		defer stopTicks()
		e.retainLoop(store, ticks, stop)
	})
	return nil
}

// Shutdown closes the database; what was written is in it.
func (e *flowStore) Shutdown(context.Context) error {
	if e.stop == nil {
		return nil
	}
	close(e.stop)
	e.stop = nil
	e.wg.Wait()
	return errors.Join(e.telemetry.close(), e.handle.close())
}

// retainLoop deletes old records at once and then with every tick, until stop is
// closed; Shutdown may come before it runs.
func (e *flowStore) retainLoop(store *duckdb.Store, ticks <-chan time.Time, stop <-chan struct{}) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	e.wg.Go(func() {
		<-stop
		cancel()
	})
	for {
		if err := store.Retain(ctx, e.clock.now()); err != nil && ctx.Err() == nil {
			e.logger.Error("cannot delete old flow records", zap.Error(err))
		}
		select {
		case <-ticks:
		case <-stop:
			return
		}
	}
}

func (e *flowStore) deleted(d duckdb.Deletion) {
	e.telemetry.deletion(d)
	e.logger.Info("deleted old flow records", zap.String("reason", d.Reason), zap.Time("before", time.Unix(0, d.Before)),
		zap.Uint64("flows", d.Flows), zap.Uint64("losses", d.Losses), zap.Uint64("agents", d.Agents))
}
