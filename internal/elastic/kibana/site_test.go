package kibana

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

func TestAFieldThatDocumentsDoNotHaveCannotBeUsed(t *testing.T) {
	for _, m := range []schema.Mapping{schema.ECS, schema.OTel} {
		s := newSite(Options{Mapping: m})
		assert.Panics(t, func() { s.f("flow.policy.enforced.name") })
		assert.Panics(t, func() { s.f("flow.loss.stage") }, "which is of losses")
		assert.Panics(t, func() { s.f("flow.id") }, "which is the _id")
		assert.NotPanics(t, func() { s.f("source.address") })
	}
}

func TestEverySpaceAndMappingHasIDsOfItsOwn(t *testing.T) {
	seen := make(map[string]bool)
	for _, o := range []Options{{}, {Space: "team"}, {Mapping: schema.OTel}, {Mapping: schema.OTel, Space: "team"}} {
		set, err := Build(o)
		assert.NoError(t, err)
		for _, object := range append(set.Objects, set.Tag) {
			assert.False(t, seen[object.ID], object.ID)
			seen[object.ID] = true
		}
	}
}

func TestAnUnknownMappingIsRefused(t *testing.T) {
	_, err := Build(Options{Mapping: 9})
	assert.ErrorContains(t, err, "use ecs or otel")
}
