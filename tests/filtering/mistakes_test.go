package filtering

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// mistakes says what becomes of a sample by conditions that look right, so that the
// document's warnings stay true.
var mistakes = map[string]func(t *testing.T, sample *Sample, r result){
	"filter/wrong_equal": removes("loss", "agent", "folded", "not known yet", "web to db, source"),
	"filter/wrong_not":   removes("loss", "agent", "folded", "client to web"),
	"filter/wrong_severity": func(t *testing.T, sample *Sample, r result) {
		removes("agent")(t, sample, r)
		assert.Contains(t, r.left, "loss")
		assert.Contains(t, r.left, "web to api, denied")
	},
	"filter/wrong_type": func(t *testing.T, sample *Sample, r result) {
		assert.Len(t, r.left, len(sample.Names()))
		assert.Empty(t, r.warnings)
	},
	"filter/wrong_nil": func(t *testing.T, sample *Sample, r result) {
		removes("balancer to web")(t, sample, r)
		assert.Len(t, r.warnings, 3, "of the loss, the sign of life and the folded record")
	},
	"filter/wrong_propagate": func(t *testing.T, _ *Sample, r result) {
		assert.ErrorContains(t, r.err, "expected string but got nil")
		assert.Empty(t, r.left)
	},
	"filter/wrong_report": func(t *testing.T, sample *Sample, r result) {
		removes("prometheus to web, source")(t, sample, r)
		assert.Equal(t, []string{"prometheus to web", "prometheus to coredns", "node to prometheus"}, sample.parted(r.left))
	},
	"filter/wrong_resource": func(t *testing.T, sample *Sample, r result) {
		removes("loss", "agent", "web to db, source")(t, sample, r)
		assert.Contains(t, r.left, "web to db, destination")
	},
	"filter/wrong_size": removes("web to db, idle, source"),
	"transform/wrong_set": func(t *testing.T, sample *Sample, r result) {
		assert.Equal(t, len(sample.Batch.Flows), r.rejected.Count)
	},
	"transform/wrong_hash": func(t *testing.T, sample *Sample, r result) {
		withAddress := len(sample.Batch.Flows) - 1 // all but the folded one
		assert.Equal(t, withAddress, r.rejected.Count)
		assert.ErrorContains(t, r.rejected.Err(), "source.address")
	},
}

func removes(names ...string) func(*testing.T, *Sample, result) {
	return func(t *testing.T, sample *Sample, r result) {
		for _, name := range names {
			assert.Contains(t, sample.Names(), name)
			assert.NotContains(t, r.left, name)
		}
	}
}

func TestMistakes(t *testing.T) {
	processors := documented(t)
	for id, check := range mistakes {
		t.Run(id, func(t *testing.T) {
			sample := NewSample(time.Now())
			check(t, sample, run(t, id, processors[id], sample))
		})
	}
}
