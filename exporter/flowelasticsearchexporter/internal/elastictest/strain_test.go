//go:build linux

package elastictest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/exporter/flowelasticsearchexporter"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/elasticsearch"
)

// TestAStrainedServerGetsEachRecordOnce has a server refuse requests because they take too
// much of its memory, and then because its disk is full.
func TestAStrainedServerGetsEachRecordOnce(t *testing.T) {
	server := elasticsearch.Start(t, elasticsearch.Options{Security: true, TLS: true, Settings: map[string]any{
		"indexing_pressure.memory.limit": "1mb",
		"cluster.info.update.interval":   "10s",
	}})
	r := newRig(t, server, "strained")
	r.start(t, func(c *flowelasticsearchexporter.Config) {
		batch := c.Queue.Get().Batch.Get()
		batch.MinSize, batch.MaxSize = 2_000_000, 3_000_000
	})
	defer r.stop(t)
	const many = 10_000
	r.push(t, 1, many)
	r.await(t, schema.Allowed, many)
	var stats struct {
		Nodes map[string]struct {
			Pressure struct {
				Memory struct {
					Total struct {
						Rejections int `json:"coordinating_rejections"`
					}
				}
			} `json:"indexing_pressure"`
		}
	}
	require.NoError(t, r.Do(t.Context(), http.MethodGet, "/_nodes/stats/indexing_pressure", nil, &stats))
	require.Len(t, stats.Nodes, 1)
	for _, node := range stats.Nodes {
		require.NotZero(t, node.Pressure.Memory.Total.Rejections, "the server took it all at once")
	}

	disk := func(free any) {
		require.NoError(t, r.Do(t.Context(), http.MethodPut, "/_cluster/settings", map[string]any{"persistent": map[string]any{
			"cluster.routing.allocation.disk.threshold_enabled":     true,
			"cluster.routing.allocation.disk.watermark.low":         free,
			"cluster.routing.allocation.disk.watermark.high":        free,
			"cluster.routing.allocation.disk.watermark.flood_stage": free,
		}}, nil))
	}
	disk("500tb") // must be free
	require.Eventually(t, func() bool {
		var settings map[string]struct {
			Settings struct {
				Index struct{ Blocks map[string]any }
			}
		}
		if r.Do(t.Context(), http.MethodGet, "/"+r.stream(schema.Allowed)+"/_settings", nil, &settings) != nil {
			return false
		}
		for _, index := range settings { // the only one
			return len(index.Settings.Index.Blocks) > 0
		}
		return false
	}, patience, patience/1000)
	r.push(t, many+1, 100)
	require.ErrorContains(t, r.host.await(t, componentstatus.StatusRecoverableError), "disk usage exceeded flood-stage watermark")
	require.Equal(t, many, r.count(t, schema.Allowed))
	disk("1b")
	r.await(t, schema.Allowed, many+100)
	_ = r.host.await(t, componentstatus.StatusOK)
}
