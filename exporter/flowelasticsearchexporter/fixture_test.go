package flowelasticsearchexporter

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/goleak"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/exporter/flowelasticsearchexporter/internal/metadata"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	allowedStream  = "logs-k8s.flow-default"
	deniedStream   = "logs-k8s.flow.denied-default"
	rejectedStream = "logs-k8s.rejected-default"
)

// flows returns records with these numbers, whose ids are 1-1-NUMBER.
func flows(numbers ...int) plog.Logs { return flowsOf(flow.Allow, numbers...) }

func flowsOf(action flow.Action, numbers ...int) plog.Logs {
	batch := flow.Batch{}
	for _, n := range numbers {
		batch.Flows = append(batch.Flows, flow.Flow{ID: flow.ID{Node: 1, Epoch: 1, Counter: uint64(n)}, Action: action, End: 1e18})
	}
	return flow.Encode(&batch, time.Unix(1e9, 0))
}

// upTo is 1 to n.
func upTo(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i + 1
	}
	return list
}

// numbers are those of ids, in order.
func numbers[V any](t *testing.T, byID map[string]V) []int {
	t.Helper()
	list := []int{}
	for id := range byID {
		list = append(list, number(t, id))
	}
	slices.Sort(list)
	return list
}

// number is that of 1-1-NUMBER, which is hexadecimal.
func number(t *testing.T, id string) int {
	t.Helper()
	text, found := strings.CutPrefix(id, "1-1-")
	require.True(t, found, "id %q", id)
	n, err := strconv.ParseInt(text, 16, 32)
	require.NoError(t, err)
	return int(n)
}

// pushedAgain are the numbers of the records that an error of the exporter's wants pushed
// again, of those that were pushed.
func pushedAgain(t *testing.T, err error, pushed plog.Logs) []int {
	t.Helper()
	if err == nil || consumererror.IsPermanent(err) {
		return []int{}
	}
	var part consumererror.Logs
	if errors.As(err, &part) {
		pushed = part.Data()
	}
	batch, rejected := flow.Decode(pushed)
	require.NoError(t, rejected.Err())
	list := []int{}
	for _, f := range batch.Flows {
		list = append(list, int(f.ID.Counter))
	}
	return list
}

// host is a collector with extensions that notes what components say of their health.
type host struct {
	extensions map[component.ID]component.Component

	mu     sync.Mutex
	status []componentstatus.Status
}

func (h *host) GetExtensions() map[component.ID]component.Component { return h.extensions }

func (h *host) Report(e *componentstatus.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status = append(h.status, e.Status())
}

func (h *host) statuses() []componentstatus.Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.status)
}

// rig is an exporter and what it says of itself.
type rig struct {
	exporter.Logs
	host      *host
	telemetry *componenttest.Telemetry
	stop      func()
}

// direct takes the queue and the retries away, so that a push's error is seen.
func direct(c *Config) {
	c.Queue = configoptional.None[exporterhelper.QueueBatchConfig]()
	c.Retry.Enabled = false
}

// synchronous takes the queue away, so that a push returns when all is done.
func synchronous(c *Config) { c.Queue = configoptional.None[exporterhelper.QueueBatchConfig]() }

// start starts an exporter to a server, which ends with the test unless it is stopped.
func start(t *testing.T, url string, h *host, change ...func(*Config)) *rig {
	t.Helper()
	config := createDefaultConfig().(*Config)
	config.Connection.HTTP.Endpoint = url
	config.Retry.InitialInterval, config.Retry.MaxInterval = time.Millisecond, 2*time.Millisecond
	for _, c := range change {
		c(config)
	}
	r := &rig{host: h, telemetry: componenttest.NewTelemetry()}
	set := exportertest.NewNopSettings(metadata.Type)
	set.ID = component.NewID(metadata.Type) // by which the queue is found again
	set.TelemetrySettings = r.telemetry.NewTelemetrySettings()
	var err error
	r.Logs, err = NewFactory().CreateLogs(t.Context(), set, config)
	require.NoError(t, err)
	require.NoError(t, r.Start(t.Context(), h))
	r.stop = sync.OnceFunc(func() {
		require.NoError(t, r.Shutdown(context.Background()))
		require.NoError(t, r.telemetry.Shutdown(context.Background()))
	})
	t.Cleanup(r.stop)
	return r
}

// points returns the values of a metric by its attributes, such as outcome=stored; none if
// nothing was counted.
func (r *rig) points(t *testing.T, name string) map[string]int64 {
	t.Helper()
	m, err := r.telemetry.GetMetric("otelcol_flow_elasticsearch_" + name)
	if err != nil {
		return nil
	}
	values := make(map[string]int64)
	for _, p := range m.Data.(metricdata.Sum[int64]).DataPoints {
		values[p.Attributes.Encoded(attribute.DefaultEncoder())] = p.Value
	}
	return values
}

// field reads a text in a document; the names of objects around it come before a dot.
func field(t *testing.T, document, path string) string {
	t.Helper()
	var value any
	require.NoError(t, json.Unmarshal([]byte(document), &value))
	for name := range strings.SplitSeq(path, ".") {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	text, _ := value.(string)
	return text
}
