package flowelasticsearchexporter

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/exporter/flowelasticsearchexporter/internal/bulk"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/exporter/flowelasticsearchexporter/internal/deadletter"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/exporter/flowelasticsearchexporter/internal/metadata"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/connection"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/document"
)

// flowExporter is the collector's side of the exporter. Pushes may be concurrent.
type flowExporter struct {
	config    *Config
	logger    *zap.Logger
	settings  exporter.Settings
	telemetry *metadata.Telemetry
	encoder   *document.Encoder
	pace      *bulk.Pace

	// From start to shutdown.
	client    *connection.Client
	sender    *bulk.Sender
	file      *deadletter.File // nil without one
	health    *health
	observing metric.Registration

	deliveries sync.Pool
}

func newExporter(set exporter.Settings, config *Config) (*flowExporter, error) {
	telemetry, err := metadata.NewTelemetry(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	options := document.Options{Mapping: config.Mapping.Mode, Namespace: config.Namespace, CommunityID: config.CommunityID}
	if config.ID == idAuto {
		options.ID = document.IDAuto
	}
	encoder, err := document.NewEncoder(options)
	if err != nil {
		return nil, err
	}
	limits := bulk.Limits{MaxSize: config.Bulk.MaxBytes, MaxRequests: unqueued, Slow: config.Bulk.Slow}
	if config.Queue.HasValue() {
		limits.MaxRequests = config.Queue.Get().NumConsumers
	}
	return &flowExporter{
		config: config, logger: set.Logger, settings: set, telemetry: telemetry, encoder: encoder, pace: bulk.NewPace(limits),
	}, nil
}

func (e *flowExporter) start(ctx context.Context, host component.Host) error {
	if err := e.open(ctx, host); err != nil {
		return errors.Join(err, e.shutdown(ctx))
	}
	return nil
}

func (e *flowExporter) open(ctx context.Context, host component.Host) (err error) {
	if e.client, err = e.config.Connection.NewClient(ctx, host, e.settings.TelemetrySettings, e.settings.BuildInfo); err != nil {
		return err
	}
	e.health = &health{host: host}
	e.sender = bulk.NewSender(bulk.Options{
		Transport: e.client, GzipLevel: e.config.Connection.GzipLevel(), ShardTimeout: e.config.Bulk.ShardTimeout,
		Pace: e.pace, Observe: e.observe,
	})
	if path := e.config.DeadLetter.File; path != "" {
		if e.file, err = deadletter.Open(path, int64(e.config.DeadLetter.MaxFileMiB)<<20); err != nil {
			return fmt.Errorf("dead_letter::file: %w", err)
		}
	}
	e.observing, err = e.telemetry.Observe(func() (size, limit int) { return e.pace.Size(), e.pace.Requests() })
	return err
}

// shutdown closes what start opened, as far as it came.
func (e *flowExporter) shutdown(ctx context.Context) error {
	var errs []error
	if e.observing != nil {
		errs = append(errs, e.observing.Unregister())
		e.observing = nil
	}
	if e.file != nil {
		errs = append(errs, e.file.Close())
		e.file = nil
	}
	if e.client != nil {
		errs = append(errs, e.client.Close(ctx))
		e.client = nil
	}
	return errors.Join(errs...)
}

// push sends logs, and returns an error that tells what is to be pushed again.
func (e *flowExporter) push(ctx context.Context, logs plog.Logs) error {
	d, _ := e.deliveries.Get().(*delivery)
	if d == nil {
		d = &delivery{flowExporter: e}
	}
	defer func() {
		d.reset()
		e.deliveries.Put(d)
	}()
	d.deliver(ctx, logs)
	return d.outcome(ctx, logs)
}

func (e *flowExporter) observe(ctx context.Context, x *bulk.Exchange) {
	e.telemetry.Requests.Add(ctx, 1, metric.WithAttributes(
		attribute.String("status", strconv.Itoa(x.Status)), attribute.String("outcome", string(x.Outcome))))
	e.telemetry.DocumentBytes.Add(ctx, int64(x.Size))
	e.telemetry.SentBytes.Add(ctx, int64(x.Sent))
	e.telemetry.ReceivedBytes.Add(ctx, x.Received)
	e.telemetry.Duration.Record(ctx, x.Took.Seconds())
}

// outcomes of documents, and reasons to send them again, as metrics have them.
var (
	outcomes = map[bulk.Verdict]metric.MeasurementOption{
		bulk.Stored:    metric.WithAttributes(attribute.String("outcome", "stored")),
		bulk.Duplicate: metric.WithAttributes(attribute.String("outcome", "duplicate")),
		bulk.Diverted:  metric.WithAttributes(attribute.String("outcome", "failure_store")),
	}
	reasons = map[bulk.Verdict]metric.MeasurementOption{
		bulk.Pending: metric.WithAttributes(attribute.String("reason", "no_answer")),
		bulk.Busy:    metric.WithAttributes(attribute.String("reason", "busy")),
		bulk.Refused: metric.WithAttributes(attribute.String("reason", "refused")),
	}
)

// count counts documents by what became of them.
func (e *flowExporter) count(ctx context.Context, verdicts *[bulk.Verdicts]int64) {
	for v, n := range verdicts {
		if n == 0 {
			continue
		}
		if outcome, found := outcomes[bulk.Verdict(v)]; found {
			e.telemetry.Documents.Add(ctx, n, outcome)
		}
		if reason, found := reasons[bulk.Verdict(v)]; found {
			e.telemetry.Retries.Add(ctx, n, reason)
		}
	}
}
