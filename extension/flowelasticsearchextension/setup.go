package flowelasticsearchextension

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension/internal/setup"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

// settingUp is the work that keeps the server set up. It tells people what it did, and does
// not repeat itself.
type settingUp struct {
	setup     *setup.Setup
	every     time.Duration
	logger    *zap.Logger
	telemetry *telemetry
	health    *health

	newer int
}

func (w *settingUp) interval() time.Duration { return w.every }

func (w *settingUp) round(ctx context.Context) error {
	result, err := w.setup.Round(ctx)
	if ctx.Err() != nil {
		return err
	}
	w.telemetry.setup.round(result, err)
	if len(result.Put) > 0 {
		w.logger.Info("put templates into Elasticsearch", zap.Strings("templates", result.Put), zap.Int("version", schema.Version))
	}
	if len(result.RolledOver) > 0 {
		w.logger.Info("data streams began a new index, by the new templates", zap.Strings("streams", result.RolledOver))
	}
	if result.Newer != w.newer && result.Newer > 0 {
		w.logger.Warn("Elasticsearch has the templates of a newer collector: they stay as they are", zap.Int("version", result.Newer), zap.Int("own_version", schema.Version))
	}
	w.newer = result.Newer
	switch news := w.health.note(&w.health.setup, err); {
	case news && err != nil:
		w.logger.Warn("cannot set Elasticsearch up yet; trying again", zap.Error(err))
	case news:
		w.logger.Info("Elasticsearch is set up for flow records")
	}
	return err
}
