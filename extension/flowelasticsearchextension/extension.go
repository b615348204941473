package flowelasticsearchextension

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensioncapabilities"
	"go.uber.org/zap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension/internal/setup"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

const (
	// After an error the server is asked again after firstWait, and then each time
	// after twice as long, up to lastWait.
	firstWait = time.Second
	lastWait  = 5 * time.Minute
)

// flowElasticsearch is the extension. Its work is done by setup.Setup, on one
// goroutine.
type flowElasticsearch struct {
	config    *Config
	set       extension.Settings
	telemetry *telemetry
	// after is time.After, of which tests know when it fires.
	after func(time.Duration) <-chan time.Time

	cancel context.CancelFunc
	wg     sync.WaitGroup
}

var _ extensioncapabilities.Dependent = (*flowElasticsearch)(nil)

func newExtension(set extension.Settings, config *Config) (*flowElasticsearch, error) {
	telemetry, err := newTelemetry(set.MeterProvider)
	if err != nil {
		return nil, err
	}
	return &flowElasticsearch{config: config, set: set, telemetry: telemetry, after: time.After}, nil
}

// Dependencies implements extensioncapabilities.Dependent: the extension that logs in
// starts first.
func (e *flowElasticsearch) Dependencies() []component.ID {
	if auth := e.config.Connection.HTTP.Auth; auth.HasValue() {
		return []component.ID{auth.Get().AuthenticatorID}
	}
	return nil
}

// Start begins to set the server up. It does not wait for it: the collector works
// without, and what is sent meanwhile waits in the exporter's queue.
func (e *flowElasticsearch) Start(ctx context.Context, host component.Host) error {
	client, err := e.config.Connection.NewClient(ctx, host, e.set.TelemetrySettings, e.set.BuildInfo)
	if err != nil {
		return err
	}
	work, err := setup.New(client, e.config.options())
	if err == nil {
		err = e.telemetry.observe()
	}
	if err != nil {
		return errors.Join(err, client.Close(ctx))
	}
	ctx, e.cancel = context.WithCancel(context.Background())
	e.wg.Go(func() {
		e.keep(ctx, work, host)
		_ = client.Close(context.Background()) // it ends what is in the background, and waits for nothing
	})
	return nil
}

// Shutdown ends what is under way; another start goes on from there.
func (e *flowElasticsearch) Shutdown(context.Context) error {
	if e.cancel == nil {
		return nil
	}
	e.cancel()
	e.cancel = nil
	e.wg.Wait()
	return e.telemetry.close()
}

// keep makes rounds until ctx ends. It may run in several collectors at once: each
// round changes only what differs.
func (e *flowElasticsearch) keep(ctx context.Context, work *setup.Setup, host component.Host) {
	report := reporter{logger: e.set.Logger, host: host}
	wait := firstWait
	for {
		result, err := work.Round(ctx)
		if ctx.Err() != nil {
			return
		}
		e.telemetry.round(result, err)
		report.round(result, err)
		pause := e.config.CheckInterval
		if err != nil {
			pause = wait/2 + rand.N(wait) // so that collectors do not ask in step
			wait = min(2*wait, lastWait)
		} else {
			wait = firstWait
			if pause == 0 {
				return
			}
		}
		select {
		case <-e.after(pause):
		case <-ctx.Done():
			return
		}
	}
}

// reporter tells people what rounds did, and does not repeat itself.
type reporter struct {
	logger  *zap.Logger
	host    component.Host
	trouble string // the last error, "" after success
	done    bool   // whether a round succeeded
	newer   int
}

func (r *reporter) round(result setup.Result, err error) {
	if len(result.Put) > 0 {
		r.logger.Info("put templates into Elasticsearch", zap.Strings("templates", result.Put), zap.Int("version", schema.Version))
	}
	if len(result.RolledOver) > 0 {
		r.logger.Info("data streams began a new index, by the new templates", zap.Strings("streams", result.RolledOver))
	}
	if result.Newer != r.newer && result.Newer > 0 {
		r.logger.Warn("Elasticsearch has the templates of a newer collector: they stay as they are", zap.Int("version", result.Newer), zap.Int("own_version", schema.Version))
	}
	r.newer = result.Newer
	switch {
	case err != nil && err.Error() != r.trouble:
		r.trouble = err.Error()
		r.logger.Warn("cannot set Elasticsearch up yet; trying again", zap.Error(err))
		componentstatus.ReportStatus(r.host, componentstatus.NewRecoverableErrorEvent(err))
	case err == nil && (r.trouble != "" || !r.done):
		r.trouble, r.done = "", true
		r.logger.Info("Elasticsearch is set up for flow records")
		componentstatus.ReportStatus(r.host, componentstatus.NewEvent(componentstatus.StatusOK))
	}
}
