package flow_test

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow/flowtest"
)

func TestFoldKeepsEveryCounter(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for range 2000 {
		before := flowtest.Flow(r)
		for _, grain := range []flow.Grain{flow.OwnEnd, flow.NoEnd} {
			after := before
			after.Fold(grain)
			for i := range flow.Flows.Fields() {
				f := &flow.Flows.Fields()[i]
				if f.Role == flow.Counter && f.Name != "flow.folded" {
					assert.Equal(t, f.Get(&before).Int, f.Get(&after).Int, f.Name)
				}
			}
			assert.Equal(t, max(before.Folded, 1), after.Folded)
			again := after
			again.Fold(grain)
			assert.Empty(t, cmp.Diff(after, again, comparable), "folding it again changes nothing")
			assert.Equal(t, before.CountsOnce(), after.CountsOnce(), "a view counts it as before")
		}
	}
}

func TestFoldLeavesTheReportersEnd(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	for reporter, own := range map[flow.Reporter]func(*flow.Flow) *flow.Endpoint{
		flow.ReporterSource:      func(f *flow.Flow) *flow.Endpoint { return &f.Source },
		flow.ReporterDestination: func(f *flow.Flow) *flow.Endpoint { return &f.Destination },
		flow.ReporterForward:     nil,
	} {
		f := flowtest.Flow(r)
		f.Reporter = reporter
		folded := f
		folded.Fold(flow.OwnEnd)
		assert.Equal(t, f.Destination.Port, folded.Destination.Port)
		assert.Zero(t, folded.Source.Port)
		for _, end := range []func(*flow.Flow) *flow.Endpoint{
			func(f *flow.Flow) *flow.Endpoint { return &f.Source },
			func(f *flow.Flow) *flow.Endpoint { return &f.Destination },
		} {
			if own != nil && own(&f) == end(&f) {
				assert.Equal(t, end(&f).Address, end(&folded).Address, "%s of a report by the %s", end(&f).Address, reporter)
			} else {
				assert.False(t, end(&folded).Address.IsValid())
			}
		}
	}
}

// What is left of the key at the coarsest grain is bounded, whatever comes.
func TestFewRecordsAreLeftWithoutEnds(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	keys := make(map[flow.Key]bool)
	for range 20_000 {
		f := flowtest.Flow(r)
		f.Observer = flow.Observer{}
		f.Fold(flow.NoEnd)
		keys[f.Key(true)] = true
	}
	assert.LessOrEqual(t, len(keys), 4*3*2*8*9, "reporters, actions, peer observed, transports, classes of denial")
}
