//go:build linux

package elastictest_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/elasticsearch"
)

// start starts an extension as a user, which ends with the test.
func (c cluster) start(t *testing.T, set extension.Settings, u elasticsearch.User, namespace string, change ...func(*flowelasticsearchextension.Config)) *host {
	t.Helper()
	factory := flowelasticsearchextension.NewFactory()
	config := factory.CreateDefaultConfig().(*flowelasticsearchextension.Config)
	config.Connection = c.connect(u)
	config.Namespace = namespace
	for _, f := range change {
		f(config)
	}
	require.NoError(t, config.Validate())
	e, err := factory.Create(t.Context(), set, config)
	require.NoError(t, err)
	h := newHost()
	require.NoError(t, e.Start(t.Context(), h))
	t.Cleanup(func() { require.NoError(t, e.Shutdown(context.Background())) })
	return h
}

// wait waits for a status whose message contains a text.
func (h *host) wait(t *testing.T, want componentstatus.Status, text string) {
	t.Helper()
	require.Eventually(t, func() bool {
		got, message := h.last()
		return got == want && strings.Contains(message, text)
	}, patience, moment)
}

func TestTheExtensionSetsUpAServerThatComesLater(t *testing.T) {
	c := newCluster(t)
	c.Stop(t)
	h := c.start(t, extensiontest.NewNopSettings(flowelasticsearchextension.Type), users["flowlogs_setup"], "later")
	h.wait(t, componentstatus.StatusRecoverableError, "connection refused")
	c.Restart(t)
	h.wait(t, componentstatus.StatusOK, "")
	assert.Zero(t, round(t, c.setup(t, "later", "flowlogs_setup")).Newer)
}

func TestTheExtensionNamesAMissingPrivilegeAndGoesOnOnceItIsGranted(t *testing.T) {
	c := newCluster(t)
	c.SetRoles(t, `growing: {cluster: [monitor]}`)
	u := c.SetUser(t, "growing", "growing")
	telemetry := componenttest.NewTelemetry()
	defer func() { require.NoError(t, telemetry.Shutdown(context.Background())) }()
	set := extensiontest.NewNopSettings(flowelasticsearchextension.Type)
	set.TelemetrySettings = telemetry.NewTelemetrySettings()
	h := c.start(t, set, u, "privilege")
	state := func() int64 {
		m, err := telemetry.GetMetric("otelcol_flow_elasticsearch_setup_state")
		require.NoError(t, err)
		return m.Data.(metricdata.Gauge[int64]).DataPoints[0].Value
	}

	h.wait(t, componentstatus.StatusRecoverableError, "grant the cluster privilege manage_index_templates")
	assert.Zero(t, state())
	c.SetRoles(t, `growing: {cluster: [monitor, manage_index_templates]}`)
	h.wait(t, componentstatus.StatusRecoverableError, "view_index_metadata")
	assert.Zero(t, state())
	c.SetRoles(t, `growing: {cluster: [monitor, manage_index_templates], indices: [{names: ["logs-k8s.*"], privileges: [view_index_metadata]}]}`)
	h.wait(t, componentstatus.StatusOK, "")
	assert.Equal(t, int64(1), state())
	put, err := telemetry.GetMetric("otelcol_flow_elasticsearch_templates_put")
	require.NoError(t, err)
	assert.Equal(t, int64(len(names(t, "privilege"))), put.Data.(metricdata.Sum[int64]).DataPoints[0].Value)
}

func TestTheExtensionRecyclesByOneLogin(t *testing.T) {
	c := newCluster(t)
	round(t, c.setup(t, "login", "flowlogs_setup"))
	stream := schema.ECS.Stream(schema.Allowed, "login")
	c.fill(t, stream, 3)
	// Whatever disk the test runs on, more of it is used.
	none := 0
	full := func(config *flowelasticsearchextension.Config) {
		config.Index.Replicas = &none // as the templates are
		config.Recycle = configoptional.Some(flowelasticsearchextension.RecycleConfig{
			Interval: time.Minute, Disk: flowelasticsearchextension.DiskConfig{StartPercent: 2, StopPercent: 1},
		})
	}
	h := c.start(t, extensiontest.NewNopSettings(flowelasticsearchextension.Type), users["flowlogs_setup"], "login", full)
	require.Eventually(t, func() bool {
		_, message := h.last()
		return strings.Contains(message, "grant the index privilege delete_index")
	}, patience, moment)
	assert.Equal(t, []int{1, 2, 3}, c.left(t, stream))

	both := c.SetUser(t, "both", "flowlogs_setup", "flowlogs_recycler")
	c.start(t, extensiontest.NewNopSettings(flowelasticsearchextension.Type), both, "login", full)
	require.Eventually(t, func() bool { return c.left(t, stream)[0] == 3 }, patience, moment)
}
