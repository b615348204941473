package flowelasticsearchextension

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension/internal/recycle"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/bytesize"
)

// recycling is the work that deletes what is too old or too much. Each deletion is in the
// log: it is data that is gone.
type recycling struct {
	recycler  *recycle.Recycler
	every     time.Duration
	dryRun    bool
	logger    *zap.Logger
	telemetry *telemetry
	health    *health

	strange, advice string          // what was said last
	would           map[string]bool // indices of which the dry run has said that they would go
}

func (w *recycling) interval() time.Duration { return w.every }

func (w *recycling) round(ctx context.Context) error {
	result, err := w.recycler.Round(ctx)
	w.tell(&result)
	if ctx.Err() != nil {
		return err
	}
	// Limits that cannot be kept are told of like errors, but looking sooner does not help.
	trouble := err
	if err == nil && len(result.Plan.Short) > 0 {
		trouble = errors.New(strings.Join(result.Plan.Short, "; "))
	}
	w.telemetry.recycling.round(&result, trouble, w.dryRun)
	switch news := w.health.note(&w.health.recycled, wrap(trouble)); {
	case news && trouble != nil:
		w.logger.Warn("cannot keep Elasticsearch within its limits", zap.Error(trouble))
	case news:
		w.logger.Info("Elasticsearch is within its limits")
	}
	return err
}

func wrap(trouble error) error {
	if trouble == nil {
		return nil
	}
	return fmt.Errorf("recycle: %w", trouble)
}

// tell says what was done.
func (w *recycling) tell(result *recycle.Result) {
	for _, s := range result.Deleted {
		w.logger.Info("deleted an index of flow records", step(result, s)...)
	}
	if w.dryRun {
		would := map[string]bool{}
		for _, s := range result.Plan.Delete {
			if would[s.Index.Name] = true; !w.would[s.Index.Name] {
				w.logger.Info("would delete an index of flow records, but for the dry run", step(result, s)...)
			}
		}
		w.would = would
	}
	for _, s := range result.RolledOver {
		w.logger.Info("a data stream began a new index", zap.String("stream", s.Stream), zap.String("index", s.Index.Name),
			zap.Stringer("size", bytesize.Size(s.Index.Size())), zap.String("reason", string(s.Reason)))
	}
	if len(result.Unblocked) > 0 {
		w.logger.Info("there is room again: removed the blocks of a full disk", zap.Strings("indices", result.Unblocked))
	}
	if said := strings.Join(result.Strange, ", "); said != w.strange {
		if w.strange = said; said != "" {
			w.logger.Warn("keeping indices of which Elasticsearch does not say what it says of others", zap.Strings("indices", result.Strange))
		}
	}
	if said := strings.Join(result.Plan.Advice, "; "); said != w.advice {
		if w.advice = said; said != "" {
			w.logger.Warn(said)
		}
	}
}

// step describes one for the log.
func step(result *recycle.Result, s recycle.Step) []zap.Field {
	return []zap.Field{
		zap.String("index", s.Index.Name), zap.Stringer("class", s.Class), zap.String("reason", string(s.Reason)),
		zap.Stringer("size", bytesize.Size(s.Index.Size())), zap.Int64("documents", s.Index.Documents),
		zap.Duration("age", result.Picture.Now.Sub(s.Index.Ended).Truncate(time.Second)),
	}
}
