//go:build linux

package elastictest_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension/internal/setup"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

func TestAFreshServerIsSetUpOnce(t *testing.T) {
	c := newCluster(t)
	first := c.setup(t, "fresh", "flowlogs_setup")
	assert.Equal(t, setup.Result{Put: names(t, "fresh")}, round(t, first))
	stream := schema.ECS.Stream(schema.Allowed, "fresh")
	c.write(t, stream)
	_, types := c.indices(t, stream)
	assert.NotEqual(t, []string{"long"}, types, "the type that a mapping of its own would have")

	assert.Zero(t, round(t, first), "the next look")
	assert.Zero(t, round(t, c.setup(t, "fresh", "flowlogs_setup")), "the next start")
}

func TestOlderTemplatesAreReplacedAndDataStreamsRollOver(t *testing.T) {
	c := newCluster(t)
	s := c.setup(t, "older", "flowlogs_setup")
	round(t, s)
	mappings := "logs-k8s.flow-older@mappings"
	var want string
	c.change(t, "component", mappings, func(body map[string]any) {
		body["version"] = schema.Version - 1
		m := body["template"].(map[string]any)["mappings"].(map[string]any)
		m["_meta"] = map[string]any{"digest": "older"}
		port := m["properties"].(map[string]any)["destination"].(map[string]any)["properties"].(map[string]any)["port"].(map[string]any)
		want = port["type"].(string)
		port["type"] = "keyword"
	})
	allowed, denied := schema.ECS.Stream(schema.Allowed, "older"), schema.ECS.Stream(schema.Denied, "older")
	c.write(t, allowed)
	c.write(t, denied)

	assert.Equal(t, setup.Result{Put: []string{mappings}, RolledOver: []string{allowed, denied}}, round(t, s))
	for _, stream := range []string{allowed, denied} {
		_, types := c.indices(t, stream)
		assert.Equal(t, []string{"keyword", want}, types, stream)
	}
	assert.Zero(t, round(t, s), "after the rollover")
}

func TestAnEmptyIndexDoesNotRollOver(t *testing.T) {
	c := newCluster(t)
	s := c.setup(t, "empty", "flowlogs_setup")
	stream := schema.ECS.Stream(schema.Allowed, "empty")
	mappings := "logs-k8s.flow-empty@mappings"
	older := func(body map[string]any) {
		body["template"].(map[string]any)["mappings"].(map[string]any)["_meta"] = map[string]any{"digest": "older"}
	}
	round(t, s)
	c.change(t, "component", mappings, older)
	c.write(t, stream)
	require.NoError(t, c.As(c.Admin).Do(t.Context(), http.MethodPost, "/"+stream+"/_rollover", nil, nil))

	assert.Equal(t, setup.Result{Put: []string{mappings}}, round(t, s))
	c.write(t, stream)
	assert.Equal(t, setup.Result{RolledOver: []string{stream}}, round(t, s), "once there is a document")
}

func TestNewerTemplatesStay(t *testing.T) {
	c := newCluster(t)
	s := c.setup(t, "newer", "flowlogs_setup")
	round(t, s)
	c.change(t, "index", "logs-k8s.flow-newer", func(body map[string]any) { body["version"] = schema.Version + 1 })
	c.change(t, "component", "logs-k8s.flow-newer@settings", func(body map[string]any) { body["version"] = schema.Version - 1 })
	assert.Equal(t, setup.Result{Newer: schema.Version + 1}, round(t, s))
}

func TestWhatOthersChangedOrRemovedIsPutBack(t *testing.T) {
	c := newCluster(t)
	s := c.setup(t, "changed", "flowlogs_setup")
	round(t, s)
	admin := c.As(c.Admin)
	c.change(t, "component", "logs-k8s.observer-changed@settings", func(body map[string]any) {
		body["template"].(map[string]any)["settings"].(map[string]any)["index"].(map[string]any)["number_of_replicas"] = "2"
	})
	require.NoError(t, admin.Do(t.Context(), http.MethodDelete, "/_index_template/logs-k8s.rejected-changed", nil, nil))
	assert.Equal(t, setup.Result{Put: []string{"logs-k8s.observer-changed@settings", "logs-k8s.rejected-changed"}}, round(t, s))

	// What a person adds by the name that is theirs is no difference.
	require.NoError(t, admin.Do(t.Context(), http.MethodPut, "/_component_template/logs-k8s.flow-changed@custom",
		map[string]any{"template": map[string]any{"settings": map[string]any{"index.number_of_replicas": 1}}}, nil))
	assert.Zero(t, round(t, s))
}

func TestAnOptionThatIsNoLongerGivenMakesADifference(t *testing.T) {
	c := newCluster(t)
	transport := c.transport(t, users["flowlogs_setup"])
	with, err := setup.New(transport, schema.Options{Namespace: "option", Lifecycles: map[schema.Class]schema.Lifecycle{schema.Denied: {Retention: 30 * 24 * 3600e9}}})
	require.NoError(t, err)
	round(t, with)
	assert.Zero(t, round(t, with))
	without, err := setup.New(transport, schema.Options{Namespace: "option"})
	require.NoError(t, err)
	assert.Contains(t, round(t, without).Put, "logs-k8s.flow.denied-option")
	assert.Zero(t, round(t, without))
}

func TestNoDataStreamRollsOverAboveTheHighWatermark(t *testing.T) {
	c := newCluster(t)
	s := c.setup(t, "full", "flowlogs_setup")
	round(t, s)
	mappings := "logs-k8s.flow-full@mappings"
	c.change(t, "component", mappings, func(body map[string]any) {
		body["template"].(map[string]any)["mappings"].(map[string]any)["_meta"] = map[string]any{"digest": "older"}
	})
	stream := schema.ECS.Stream(schema.Allowed, "full")
	c.write(t, stream)
	c.fillDisk(t)

	result, err := s.Round(t.Context())
	require.ErrorIs(t, err, setup.ErrDiskFull)
	assert.Equal(t, setup.Result{Put: []string{mappings}}, result)
	c.emptyDisk(t)
	require.Eventually(t, func() bool { result, err = s.Round(t.Context()); return err == nil }, patience, moment)
	assert.Equal(t, setup.Result{RolledOver: []string{stream}}, result)
}

// fillDisk has the server find its disk above the high watermark until emptyDisk, or
// the end of the test.
func (c cluster) fillDisk(t *testing.T) {
	t.Helper()
	c.settings(t, map[string]any{
		"cluster.routing.allocation.disk.threshold_enabled":     true,
		"cluster.routing.allocation.disk.watermark.low":         "500tb", // must be free
		"cluster.routing.allocation.disk.watermark.high":        "500tb",
		"cluster.routing.allocation.disk.watermark.flood_stage": "1b",
		"health.reporting.local.monitor.interval":               "10s",
	})
	t.Cleanup(func() { c.emptyDisk(t) })
	c.awaitFullDisks(t, 1)
}

// emptyDisk ends that, and returns when the server has seen so: what it says of its disks is
// some seconds old, and other tests go by it.
func (c cluster) emptyDisk(t *testing.T) {
	t.Helper()
	c.settings(t, map[string]any{"cluster.routing.allocation.disk.*": nil})
	c.awaitFullDisks(t, 0)
}

// awaitFullDisks waits until the server says that so many nodes are above the high watermark.
func (c cluster) awaitFullDisks(t *testing.T, want int) {
	t.Helper()
	require.Eventually(t, func() bool {
		var report struct {
			Indicators struct {
				Disk struct {
					Details struct {
						High  int `json:"nodes_over_high_watermark"`
						Flood int `json:"nodes_over_flood_stage_watermark"`
					}
				}
			}
		}
		err := c.As(c.Admin).Do(context.Background(), http.MethodGet, "/_health_report/disk", nil, &report)
		disk := report.Indicators.Disk.Details
		return err == nil && disk.High+disk.Flood == want
	}, patience, moment)
}

// settings changes settings of the cluster; nil goes back to what it was started with.
func (c cluster) settings(t *testing.T, settings map[string]any) {
	t.Helper()
	require.NoError(t, c.As(c.Admin).Do(context.Background(), http.MethodPut, "/_cluster/settings", map[string]any{"persistent": settings}, nil))
}
