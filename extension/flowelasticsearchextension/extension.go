package flowelasticsearchextension

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configauth"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensioncapabilities"
	"go.uber.org/zap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension/internal/recycle"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension/internal/setup"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/connection"
)

// flowElasticsearch is the extension. Its works, each on a goroutine, are setting the
// server up, recycling it, and Kibana's dashboards; an elector says when they are its to do.
type flowElasticsearch struct {
	config    *Config
	set       extension.Settings
	telemetry *telemetry
	// after is time.After, of which tests know when it fires.
	after func(time.Duration) <-chan time.Time
	// elector is nil if this collector is the only one.
	elector elector
	// source is for those who look at records.
	source source

	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// elector chooses one of several collectors.
type elector interface {
	// Run calls lead each time this collector has been chosen, until ctx ends. The context
	// of lead ends when another one is to be chosen. told is called when it changes who
	// leads, "" being nobody, or why nobody can be chosen.
	Run(ctx context.Context, lead func(context.Context), told func(leader string, err error))
}

var _ extensioncapabilities.Dependent = (*flowElasticsearch)(nil)

func newExtension(set extension.Settings, config *Config) (*flowElasticsearch, error) {
	telemetry, err := newTelemetry(set.MeterProvider)
	if err != nil {
		return nil, err
	}
	source, err := newSource(set, config)
	if err != nil {
		return nil, err
	}
	return &flowElasticsearch{config: config, set: set, telemetry: telemetry, after: time.After, source: source}, nil
}

// Dependencies implements extensioncapabilities.Dependent: the extensions that log in
// start first. Each is named once, though one may log in everywhere.
func (e *flowElasticsearch) Dependencies() []component.ID {
	var ids []component.ID
	logins := []configoptional.Optional[configauth.Config]{e.config.Connection.HTTP.Auth, e.config.readerConnection().HTTP.Auth, e.config.Kibana.HTTP.Auth}
	for _, auth := range logins {
		if auth.HasValue() && !slices.Contains(ids, auth.Get().AuthenticatorID) {
			ids = append(ids, auth.Get().AuthenticatorID)
		}
	}
	return ids
}

// Start begins to work on the server. It does not wait for it: the collector works
// without, and what is sent meanwhile waits in the exporter's queue.
func (e *flowElasticsearch) Start(ctx context.Context, host component.Host) error {
	client, err := e.config.Connection.NewClient(ctx, host, e.set.TelemetrySettings, e.set.BuildInfo)
	if err != nil {
		return err
	}
	health := &health{host: host}
	works, err := e.works(ctx, host, client, health)
	if err == nil && e.elector == nil && e.config.LeaderElection.HasValue() {
		e.elector, err = e.config.LeaderElection.Get().elector()
	}
	if err == nil {
		err = e.source.open(ctx, host, e.set)
	}
	if err == nil {
		err = e.telemetry.observe()
	}
	if err != nil {
		return errors.Join(err, e.source.close(ctx), client.Close(ctx))
	}
	ctx, e.cancel = context.WithCancel(context.Background())
	e.wg.Go(func() {
		e.run(ctx, works, health)
		_ = client.Close(context.Background()) // it ends what is in the background, and waits for nothing
	})
	return nil
}

// Shutdown ends what is under way; another start goes on from there.
func (e *flowElasticsearch) Shutdown(ctx context.Context) error {
	if e.cancel == nil {
		return nil
	}
	e.cancel()
	e.cancel = nil
	e.wg.Wait()
	return errors.Join(e.source.close(ctx), e.telemetry.close())
}

func (e *flowElasticsearch) works(ctx context.Context, host component.Host, client *connection.Client, health *health) ([]work, error) {
	set, err := setup.New(client, e.config.options())
	if err != nil {
		return nil, err
	}
	works := []work{&settingUp{setup: set, every: e.config.CheckInterval, logger: e.set.Logger, telemetry: e.telemetry, health: health}}
	if r := e.config.Recycle.Get(); r != nil {
		works = append(works, &recycling{
			recycler: recycle.New(client, e.config.recycling()), every: r.Interval, dryRun: r.DryRun,
			logger: e.set.Logger, telemetry: e.telemetry, health: health,
		})
	}
	dashboards, err := e.newDashboards(ctx, host)
	if dashboards != nil {
		works = append(works, dashboards)
	}
	return works, err
}

// run does the works until ctx ends, when they are this collector's.
func (e *flowElasticsearch) run(ctx context.Context, works []work, health *health) {
	lead := func(ctx context.Context) {
		health.begin()
		e.telemetry.begin()
		defer e.telemetry.end()
		var wg sync.WaitGroup
		for _, w := range works {
			wg.Go(func() { e.keep(ctx, w) })
		}
		wg.Wait()
		<-ctx.Done() // works may end before
	}
	if e.elector == nil {
		lead(ctx)
		return
	}
	health.standBy(errNotElected)
	e.elector.Run(ctx, lead, func(leader string, err error) {
		if err != nil {
			e.set.Logger.Warn("no collector can be elected to work on Elasticsearch; trying again", zap.Error(err))
		} else {
			e.set.Logger.Info("one collector works on Elasticsearch, the others stand by", zap.String("leader", leader))
		}
		health.standBy(err)
	})
}
