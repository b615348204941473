package flowelasticsearchextension

import (
	"context"
	"net/http"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension/internal/kibanaclient"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/kibana"
)

// dashboards is the work that keeps a Kibana's dashboards. That Kibana is away, or refuses,
// changes nothing for Elasticsearch, nor for the collector's status.
type dashboards struct {
	client    *http.Client
	importer  *kibanaclient.Importer
	every     time.Duration
	logger    *zap.Logger
	telemetry *kibanaTelemetry

	trouble string // the last error, "" after success
	done    bool   // whether a round succeeded
}

// newDashboards returns nil where no Kibana is configured. It sends nothing.
func (e *flowElasticsearch) newDashboards(ctx context.Context, host component.Host) (*dashboards, error) {
	config := e.config.kibana()
	if config.HTTP.Endpoint == "" {
		return nil, nil
	}
	client, err := config.HTTP.ToClient(ctx, host.GetExtensions(), e.set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	importer, err := kibanaclient.NewImporter(&kibanaclient.Client{
		HTTP: client, Endpoint: config.HTTP.Endpoint, Space: config.Space, Authorization: config.Header(),
		UserAgent: e.set.BuildInfo.Command + "/" + e.set.BuildInfo.Version,
	}, e.config.Mapping.Mode)
	if err != nil {
		return nil, err
	}
	return &dashboards{
		client: client, importer: importer, every: e.config.CheckInterval, telemetry: e.telemetry.kibana,
		logger: e.set.Logger.With(zap.String("kibana", config.HTTP.Endpoint)),
	}, nil
}

func (d *dashboards) interval() time.Duration { return d.every }

func (d *dashboards) round(ctx context.Context) error {
	defer d.client.CloseIdleConnections() // the next round is minutes away
	result, err := d.importer.Round(ctx)
	if ctx.Err() != nil {
		return err
	}
	d.telemetry.round(result, err)
	d.report(result, err)
	return err
}

// report tells people what a round did, and does not repeat itself.
func (d *dashboards) report(result kibanaclient.Result, err error) {
	switch {
	case err != nil && err.Error() != d.trouble:
		d.trouble = err.Error()
		d.logger.Warn("cannot put dashboards into Kibana yet; trying again", zap.Error(err))
	case err != nil:
	case result.Newer > 0 && !d.done:
		d.logger.Warn("Kibana has the dashboards of a newer collector: they stay as they are", zap.Int("version", result.Newer), zap.Int("own_version", kibana.Version))
	case result.Imported > 0:
		d.logger.Info("put data views and dashboards into Kibana", zap.Int("objects", result.Imported), zap.Int("version", kibana.Version))
	case d.trouble != "" || !d.done:
		d.logger.Info("Kibana has the data views and dashboards")
	}
	if err == nil {
		d.trouble, d.done = "", true
	}
}
