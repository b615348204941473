//go:build linux

package elastictest_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension/internal/recycle"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

func TestRoomIsMadeOnADiskUpToWhatIsToBeKept(t *testing.T) {
	c := newCluster(t)
	round(t, c.setup(t, "disk", "flowlogs_setup"))
	allowed, denied := schema.ECS.Stream(schema.Allowed, "disk"), schema.ECS.Stream(schema.Denied, "disk")
	c.fill(t, allowed, 3)
	c.fill(t, denied, 3)
	// Whatever disk the test runs on has more in use than a hundredth of a percent.
	r, _ := c.recycler(t, "disk", recycle.Options{Limits: recycle.Limits{
		Start: 0.0001, Stop: 0.00005, Classes: map[schema.Class]recycle.ClassLimits{schema.Denied: {Keep: 30 * day}},
	}})
	result := recycleOnce(t, r)
	assert.Len(t, result.Deleted, 2)
	assert.Equal(t, recycle.ByDisk, result.Deleted[0].Reason)
	assert.Equal(t, []int{3}, c.left(t, allowed)[:1])
	assert.Equal(t, []int{1, 2, 3}, c.left(t, denied)[:3])
	require.Len(t, result.Plan.Short, 1, "and a person is told")
	assert.Contains(t, result.Plan.Short[0], "there is no index left to delete")
}

// TestFlowsAreTakenAgainAfterAFlood has a disk that is fuller than the server allows, so
// that it blocks all indices.
func TestFlowsAreTakenAgainAfterAFlood(t *testing.T) {
	c := newCluster(t)
	round(t, c.setup(t, "flood", "flowlogs_setup"))
	stream := schema.ECS.Stream(schema.Allowed, "flood")
	c.fill(t, stream, 3)
	c.flood(t)
	require.Eventually(t, func() bool { return c.create(t.Context(), users["flowlogs_writer"], stream) != nil }, patience, moment)
	r, _ := c.recycler(t, "flood", recycle.Options{Limits: recycle.Limits{Size: 1}})
	result := recycleOnce(t, r)
	assert.Len(t, result.Deleted, 2, "blocks keep no index from going")
	assert.Empty(t, result.RolledOver, "no index begins above the high watermark")
	assert.True(t, result.Picture.Streams[0].Written.Blocked)
	c.emptyDisk(t)
	require.Eventually(t, func() bool { return c.create(t.Context(), users["flowlogs_writer"], stream) == nil }, patience, moment)
}

// flood has the server find its disk above the flood stage, until emptyDisk or the end of
// the test.
func (c cluster) flood(t *testing.T) {
	t.Helper()
	c.settings(t, map[string]any{
		"cluster.routing.allocation.disk.threshold_enabled":     true,
		"cluster.routing.allocation.disk.watermark.low":         "500tb",
		"cluster.routing.allocation.disk.watermark.high":        "500tb",
		"cluster.routing.allocation.disk.watermark.flood_stage": "500tb",
		"cluster.info.update.interval":                          "10s",
		"health.reporting.local.monitor.interval":               "10s",
	})
	t.Cleanup(func() {
		c.emptyDisk(t)
		c.settings(t, map[string]any{"cluster.info.update.interval": nil})
	})
}

// TestABlockOfAFullDiskThatStaysIsRemovedAndNoOther sets the block that this server would
// take away itself every half minute, so it may have to do so again.
func TestABlockOfAFullDiskThatStaysIsRemovedAndNoOther(t *testing.T) {
	c := newCluster(t)
	round(t, c.setup(t, "block", "flowlogs_setup"))
	stream := schema.ECS.Stream(schema.Allowed, "block")
	c.fill(t, stream, 2)
	admin := c.As(c.Admin)
	written := c.backing(t, stream)[1]
	block := func() {
		require.NoError(t, admin.Do(t.Context(), http.MethodPut, "/"+written+"/_settings",
			map[string]any{"index.blocks.read_only_allow_delete": true, "index.blocks.write": true}, nil))
	}

	r, _ := c.recycler(t, "block", recycle.Options{})
	require.Eventually(t, func() bool {
		block()
		_, err := r.Round(t.Context())
		return err != nil && strings.Contains(err.Error(), "grant the index privilege manage")
	}, patience, moment)

	require.Eventually(t, func() bool {
		can := recycle.New(c.transport(t, c.Admin), recycle.Options{Scope: recycle.Scope{Namespace: "block"}})
		block()
		assert.Empty(t, recycleOnce(t, can).Unblocked, "the server may do it itself")
		return slices.Equal(recycleOnce(t, can).Unblocked, []string{written})
	}, patience, moment)
	var left map[string]struct{ Settings map[string]string }
	require.NoError(t, admin.Do(t.Context(), http.MethodGet, "/"+written+"/_settings/index.blocks.*?flat_settings=true", nil, &left))
	assert.Equal(t, map[string]string{"index.blocks.write": "true"}, left[written].Settings)
}
