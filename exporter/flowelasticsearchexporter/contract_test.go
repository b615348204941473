package flowelasticsearchexporter

import (
	"context"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pipeline"
	"go.opentelemetry.io/collector/receiver"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/exporter/flowelasticsearchexporter/internal/bulktest"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/exporter/flowelasticsearchexporter/internal/metadata"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// server is a receiver whose consumer says how documents are answered: a permanent error is
// one of the document, another one of the server.
type server struct {
	component.StartFunc
	component.ShutdownFunc
}

func TestConsumeContract(t *testing.T) {
	var next atomic.Pointer[consumer.Logs]
	fake := bulktest.Start(t, func(r *bulktest.Request) bulktest.Answer {
		if r.Items[0].Stream == rejectedStream {
			return bulktest.Answer{}
		}
		err := (*next.Load()).ConsumeLogs(context.Background(), plog.NewLogs())
		switch {
		case consumererror.IsPermanent(err):
			return bulktest.Answer{Item: func(bulktest.Item) (int, string, string) { return 400, "document_parsing_exception", "" }}
		case err != nil:
			return bulktest.Answer{Status: http.StatusServiceUnavailable}
		default:
			// Each record is one of its own, though scenarios repeat their ids.
			return bulktest.Answer{Item: func(bulktest.Item) (int, string, string) { return http.StatusCreated, "", "" }}
		}
	})
	config := createDefaultConfig().(*Config)
	config.Connection.HTTP.Endpoint = fake.URL
	config.Retry.InitialInterval, config.Retry.MaxInterval = 1, 1
	synchronous(config)
	exportertest.CheckConsumeContract(exportertest.CheckConsumeContractParams{
		T: t, NumberOfTestElements: 100, Signal: pipeline.SignalLogs,
		ExporterFactory: exporter.NewFactory(metadata.Type, createDefaultConfig, exporter.WithLogs(createOfFlows, component.StabilityLevelAlpha)),
		ExporterConfig:  config,
		ReceiverFactory: receiver.NewFactory(metadata.Type, func() component.Config { return struct{}{} },
			receiver.WithLogs(func(_ context.Context, _ receiver.Settings, _ component.Config, consumer consumer.Logs) (receiver.Logs, error) {
				next.Store(&consumer)
				return server{}, nil
			}, component.StabilityLevelAlpha)),
		ReceiverConfig: struct{}{},
	})
}

// ofFlows makes flow records of the contract's log records, which have nothing but a number.
type ofFlows struct{ exporter.Logs }

func createOfFlows(ctx context.Context, set exporter.Settings, config component.Config) (exporter.Logs, error) {
	e, err := NewFactory().CreateLogs(ctx, set, config)
	return ofFlows{e}, err
}

func (o ofFlows) ConsumeLogs(ctx context.Context, logs plog.Logs) error {
	for _, record := range records(logs) {
		value, _ := record.Attributes().Get("test_id")
		n, err := strconv.Atoi(value.Str())
		if err != nil {
			return err
		}
		record.Attributes().Clear()
		flow.PutFlow(record, &flow.Flow{ID: flow.ID{Node: 1, Epoch: 1, Counter: uint64(n + 1)}, Action: flow.Allow, End: 1e18}, timeOf(1))
	}
	return o.Logs.ConsumeLogs(ctx, logs)
}

func TestLifecycle(t *testing.T) {
	e, err := NewFactory().CreateLogs(t.Context(), exportertest.NewNopSettings(metadata.Type), createDefaultConfig())
	require.NoError(t, err)
	require.NoError(t, e.Shutdown(t.Context()), "shutdown without start")

	r := start(t, bulktest.Start(t, nil).URL, &host{})
	require.NoError(t, r.ConsumeLogs(t.Context(), flows(1)))
	r.stop()
}
