package flowk8sprocessor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube/identity"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/networks"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowk8sprocessor/internal/agents"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowk8sprocessor/internal/metadata"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowk8sprocessor/internal/resolve"
)

const (
	// lookEvery is how often the cluster's state is looked at, and what waits.
	lookEvery = 250 * time.Millisecond
	// retryAfter is when a batch that had waited is tried again, if the pipeline did not
	// take it.
	retryAfter = time.Second
)

// identifier is the collector's side of the processor.
type identifier struct {
	config    *Config
	next      consumer.Logs
	logger    *zap.Logger
	telemetry *metadata.Telemetry
	now       func() time.Time
	// interfaces are the addresses of the network that the collector is in.
	interfaces func() ([]net.Addr, error)

	resolver *resolve.Resolver
	networks *networks.Table
	agents   agents.Table
	waiting  waiting
	view     atomic.Pointer[view]

	// The rest is there from Start to Shutdown.
	host      component.Host
	cluster   *kube.Cluster // nil where there is none
	release   func()
	patience  time.Time // until when records wait for the cluster to be seen
	observing metric.Registration
	stop      context.CancelFunc
	wg        sync.WaitGroup
	// reported is the error that the component's status tells, sets the version of the
	// network sets that are in the table.
	reported string
	sets     uint64
	// interfacesDue is when interfaces are looked at again.
	interfacesDue time.Time
}

func newIdentifier(settings processor.Settings, config *Config, next consumer.Logs) (*identifier, error) {
	telemetry, err := metadata.NewTelemetry(settings.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	scopes, err := config.scopes()
	if err != nil {
		return nil, err
	}
	named, err := config.named()
	if err != nil {
		return nil, err
	}
	p := &identifier{
		config: config, next: next, logger: settings.Logger, telemetry: telemetry, now: time.Now, interfaces: net.InterfaceAddrs,
		networks: new(networks.Table), waiting: waiting{most: config.Wait.MaxRecords},
	}
	p.networks.Replace(networks.FromConfig, named)
	p.resolver = resolve.New(identity.NewIndex(config.GracePeriod, time.Now), p.networks, scopes, config.Scope == ScopeNode, config.MaxRemembered)
	p.view.Store(&view{settled: true})
	return p, nil
}

// Capabilities implements consumer.Logs.
func (p *identifier) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: true}
}

// Start implements component.Component.
func (p *identifier) Start(ctx context.Context, host component.Host) (err error) {
	p.host = host
	background, stop := context.WithCancel(context.Background())
	p.stop = stop
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Shutdown(context.WithoutCancel(ctx)))
		}
	}()
	if err := p.startFile(background); err != nil {
		return err
	}
	if p.config.Auth.Type != AuthNone {
		if p.cluster, p.release, err = kube.Acquire(p.config.cluster(), p.config.kinds(), p.logger); err != nil {
			return fmt.Errorf("auth: %w", err)
		}
		p.resolver.Index = p.cluster.Index
	}
	p.patience = p.now().Add(p.config.Wait.Sync)
	if p.observing, err = p.telemetry.Observe(p.observed); err != nil {
		return err
	}
	p.look()
	p.awaitCluster(ctx)
	p.wg.Go(func() { p.run(background) })
	return nil
}

// startFile reads the file of networks, which has to be right at the start, and goes on
// to read it when it changes.
func (p *identifier) startFile(background context.Context) error {
	c := &p.config.NetworksFile
	if c.Path == "" {
		return nil
	}
	var broken error
	file := &networks.File{
		Path: c.Path, Every: c.CheckInterval,
		Changed: func(list []networks.Network) {
			p.networks.Replace(networks.FromFile, list)
			p.logger.Info("networks read", zap.String("file", c.Path), zap.Int("networks", len(list)))
		},
		Failed: func(err error) { broken = err },
	}
	file.Load()
	if broken != nil {
		return fmt.Errorf("networks_file: %w", broken)
	}
	file.Failed = func(err error) {
		p.logger.Warn("the file of networks cannot be read: those before stay", zap.Error(err))
	}
	p.wg.Go(func() { file.Run(background) })
	return nil
}

// awaitCluster holds up the start of the collector for as long as Wait.Start says.
func (p *identifier) awaitCluster(ctx context.Context) {
	until := p.now().Add(p.config.Wait.Start)
	for p.cluster != nil && !p.view.Load().settled && p.now().Before(until) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(lookEvery):
		}
		p.look()
	}
}

// Shutdown implements component.Component. What waits goes on, marked.
func (p *identifier) Shutdown(ctx context.Context) error {
	if p.stop != nil {
		p.stop()
	}
	p.wg.Wait()
	var errs []error
	if p.observing != nil {
		errs = append(errs, p.observing.Unregister())
		p.observing = nil
	}
	for _, b := range p.waiting.ready(endOfTime, true) {
		p.waiting.done(b)
		if err := p.send(ctx, b); err != nil {
			p.telemetry.Lost.Add(ctx, int64(b.records))
			errs = append(errs, fmt.Errorf("%d records that waited are lost: %w", b.records, err))
		}
	}
	if p.release != nil {
		p.release()
	}
	return errors.Join(errs...)
}

// endOfTime is after whatever is due.
var endOfTime = time.Unix(1<<40, 0)

// ConsumeLogs implements consumer.Logs.
func (p *identifier) ConsumeLogs(ctx context.Context, logs plog.Logs) error {
	p.learnAgents(logs)
	if !p.view.Load().settled && p.now().Before(p.patience) {
		if p.wait(ctx, batch{logs: logs, records: logs.LogRecordCount(), due: p.patience, forSync: true}) {
			return nil
		}
	}
	young := p.identify(ctx, logs, false)
	if n := young.LogRecordCount(); n > 0 && !p.wait(ctx, batch{logs: young, records: n, due: p.now().Add(p.config.Wait.Lag)}) {
		p.identify(ctx, young, true)
		young.ResourceLogs().MoveAndAppendTo(logs.ResourceLogs())
	}
	if logs.ResourceLogs().Len() == 0 {
		return nil
	}
	return p.next.ConsumeLogs(ctx, logs)
}

func (p *identifier) wait(ctx context.Context, b batch) bool {
	if p.waiting.take(b) {
		p.telemetry.Waited.Add(ctx, int64(b.records))
		return true
	}
	p.telemetry.Refused.Add(ctx, int64(b.records))
	return false
}

func (p *identifier) run(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			p.look()
			p.passOn(ctx)
		}
	}
}

// passOn sends what has waited long enough.
func (p *identifier) passOn(ctx context.Context) {
	for _, b := range p.waiting.ready(p.now(), p.view.Load().settled) {
		err := p.send(ctx, b)
		switch {
		case err == nil:
			p.waiting.done(b)
		case consumererror.IsPermanent(err):
			p.waiting.done(b)
			p.telemetry.Lost.Add(ctx, int64(b.records))
			p.logger.Warn("records that had waited are refused for good", zap.Int("records", b.records), zap.Error(err))
		default:
			p.waiting.again(b, p.now().Add(retryAfter))
		}
	}
}

func (p *identifier) send(ctx context.Context, b batch) error {
	if !b.identified {
		p.identify(ctx, b.logs, true)
	}
	return p.next.ConsumeLogs(ctx, b.logs)
}
