package flow_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

func TestLabels(t *testing.T) {
	var unknown flow.Labels
	none := flow.LabelsOf()
	assert.False(t, unknown.Known())
	assert.True(t, none.Known())
	assert.NotEqual(t, unknown, none)
	assert.Equal(t, none, flow.LabelsOfMap(nil))
	assert.Zero(t, unknown.Len())
	assert.Empty(t, none.List())

	long := strings.Repeat("x", 70_000)
	a := flow.LabelsOf(flow.Label{Key: "tier", Value: "web"}, flow.Label{Key: "app", Value: ""}, flow.Label{Key: "long", Value: long}, flow.Label{Key: "", Value: "empty key"})
	assert.Equal(t, []flow.Label{{"", "empty key"}, {"app", ""}, {"long", long}, {"tier", "web"}}, a.List(), "sorted by key")
	assert.Equal(t, a, flow.LabelsOfMap(map[string]string{"tier": "web", "app": "", "long": long, "": "empty key"}), "equal maps are one")
	value, ok := a.Get("tier")
	assert.True(t, ok)
	assert.Equal(t, "web", value)
	_, ok = a.Get("nothing")
	assert.False(t, ok)

	assert.Equal(t, flow.LabelsOfMap(map[string]string{"a": "2"}), flow.LabelsOf(flow.Label{Key: "a", Value: "1"}, flow.Label{Key: "a", Value: "2"}), "the last value of a key")
	assert.Equal(t, []flow.Label{{"\uFFFD", "y"}}, flow.LabelsOf(flow.Label{Key: "\xff", Value: "x"}, flow.Label{Key: "\xfe", Value: "y"}).List(), "what is not UTF-8 cannot be stored")
}

func TestLabelsAreOrdered(t *testing.T) {
	ordered := []flow.Labels{
		flow.LabelsOf(),
		flow.LabelsOf(flow.Label{Key: "a", Value: "1"}),
		flow.LabelsOf(flow.Label{Key: "a", Value: "1"}, flow.Label{Key: "b", Value: "1"}),
		flow.LabelsOf(flow.Label{Key: "a", Value: "2"}),
		flow.LabelsOf(flow.Label{Key: "b", Value: "0"}),
	}
	for i := range ordered {
		for k := range ordered {
			assert.Equal(t, i < k, flow.CompareLabels(ordered[i], ordered[k]) < 0, "%d %d", i, k)
			assert.Equal(t, i == k, flow.CompareLabels(ordered[i], ordered[k]) == 0, "%d %d", i, k)
		}
	}
}
