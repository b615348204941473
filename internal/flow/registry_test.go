package flow_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// attributes are the attributes of every registry.
func attributes() map[string][]flow.Attribute {
	return map[string][]flow.Attribute{"flow": of(flow.Flows), "loss": of(flow.Losses), "agent": of(flow.Agents)}
}

func of[T any](registry *flow.Registry[T]) []flow.Attribute {
	var list []flow.Attribute
	for _, f := range registry.Fields() {
		list = append(list, f.Attribute)
	}
	return list
}

func TestEveryAttributeIsDescribed(t *testing.T) {
	elastic := map[flow.Type][]string{
		flow.Keyword: {"keyword"}, flow.Keywords: {"keyword", "ip"}, flow.Map: {"keyword"}, flow.Address: {"ip"}, flow.Boolean: {"boolean"},
		flow.Integer: {"long", "integer", "short"}, flow.Time: {"date_nanos"},
	}
	for kind, list := range attributes() {
		names := make(map[string]bool)
		for _, a := range list {
			assert.False(t, names[a.Name], "%s: %s is there twice", kind, a.Name)
			names[a.Name] = true
			assert.Regexp(t, `^[a-z0-9_]+(\.[a-z0-9_]+)+$`, a.Name)
			assert.Contains(t, elastic[a.Type], a.Elastic, a.Name)
			assert.NotZero(t, a.Role, a.Name)
			assert.Regexp(t, `^[A-Z].*\.$`, a.Description, a.Name)
			assert.False(t, strings.HasSuffix(a.Absent, "."), a.Name)
			assert.NotContains(t, a.Name, "network.io.direction")
			if a.Role == flow.Counter {
				assert.Equal(t, flow.Integer, a.Type, a.Name)
			}
			if a.Type == flow.Time {
				assert.Equal(t, "ns", a.Unit, a.Name)
			}
		}
	}
}

func TestOtherSchemasNameNothingTwice(t *testing.T) {
	ecs, calico := make(map[string]string), make(map[string]string)
	for _, a := range of(flow.Flows) {
		if a.ECS != "" {
			assert.Empty(t, ecs[a.ECS], "%s and %s are both ECS %s", ecs[a.ECS], a.Name, a.ECS)
			ecs[a.ECS] = a.Name
		}
		if a.Calico != "" {
			assert.Empty(t, calico[a.Calico], "%s and %s are both Calico %s", calico[a.Calico], a.Name, a.Calico)
			calico[a.Calico] = a.Name
		}
	}
}

func TestBothEndsHaveTheSameAttributes(t *testing.T) {
	for _, sides := range [][2]string{{"source.", "destination."}, {"destination.", "source."}} {
		for _, a := range of(flow.Flows) {
			rest, ok := strings.CutPrefix(a.Name, sides[0])
			if !ok {
				continue
			}
			if strings.HasPrefix(a.Name, "destination.domain") || strings.HasPrefix(a.Name, "destination.k8s.service.") {
				continue // what the source looked up, and asked for
			}
			other := flow.Flows.Lookup(sides[1] + rest)
			require.NotNil(t, other, a.Name)
			assert.Equal(t, a.Type, other.Type, a.Name)
			assert.Equal(t, a.Role, other.Role, a.Name)
			assert.Equal(t, a.Merge, other.Merge, a.Name)
			assert.Equal(t, a.Unit, other.Unit, a.Name)
			assert.Equal(t, a.Elastic, other.Elastic, a.Name)
			assert.Equal(t, a.Absent, other.Absent, a.Name)
			assert.Equal(t, a.Values, other.Values, a.Name)
			assert.Equal(t, strings.Replace(a.ECS, sides[0], sides[1], 1), other.ECS, a.Name)
		}
	}
}

func TestEveryAttributeOfAFlowSaysHowItMerges(t *testing.T) {
	for _, a := range of(flow.Flows) {
		assert.NotZero(t, a.Merge, a.Name)
		assert.Equal(t, a.Role == flow.Counter || a.Name == "flow.connections.open", a.Merge == flow.MergeSum, a.Name)
		assert.Equal(t, a.Type == flow.Map, a.Merge == flow.MergeIntersect, a.Name)
	}
}

func TestListsAreOfAttributes(t *testing.T) {
	for _, l := range flow.Listings() {
		of, list, count := flow.Flows.Lookup(l.Of), flow.Flows.Lookup(l.List), flow.Flows.Lookup(l.Count)
		require.NotNil(t, of, l.Of)
		require.NotNil(t, list, l.List)
		require.NotNil(t, count, l.Count)
		assert.Equal(t, flow.Dimension, of.Role, l.Of)
		assert.Equal(t, flow.Keywords, list.Type, l.List)
		if of == list {
			of, list = nil, nil // nothing beside itself lists it
		}
		assert.Same(t, list, flow.ListOf(l.Of), l.Of)
		assert.Same(t, of, flow.ListedBy(l.List), l.List)
	}
	assert.Nil(t, flow.ListOf("source.type"))
	assert.Nil(t, flow.ListedBy("source.type"))
}

// TestFixedNames holds the names that users build on.
func TestFixedNames(t *testing.T) {
	for _, name := range []string{
		"network.transport", "network.type",
		"source.address", "source.port", "destination.address", "destination.port",
		"source.bytes", "destination.bytes", "source.packets", "destination.packets",
		"source.payload.bytes", "destination.payload.bytes",
		"flow.start", "flow.end", "flow.reporter", "flow.action", "flow.deny.reason", "flow.deny.class",
		"flow.connections.seen", "flow.connections.started", "flow.connections.completed", "flow.connections.open",
		"source.type", "destination.type", "process.executable.name", "process.pid",
	} {
		assert.NotNil(t, flow.Flows.Lookup(name), name)
	}
	assert.Equal(t, []string{"source", "destination", "forward"}, flow.Flows.Lookup("flow.reporter").Values)
	assert.Equal(t, []string{"allow", "deny"}, flow.Flows.Lookup("flow.action").Values)
	assert.Equal(t, "network.flow", flow.EventFlow)
	assert.Equal(t, "network.flow.loss", flow.EventLoss)
}

// TestAbsentIsSaidOfWhatMayBeAbsent compares the description with the zero
// record, in which everything is absent that can be.
func TestAbsentIsSaidOfWhatMayBeAbsent(t *testing.T) {
	zero(t, flow.Flows)
	zero(t, flow.Losses)
	zero(t, flow.Agents)
}

func zero[T any](t *testing.T, registry *flow.Registry[T]) {
	for i := range registry.Fields() {
		f := &registry.Fields()[i]
		assert.Equal(t, f.Absent == "", f.Get(new(T)).Present(), f.Name)
	}
}

func TestSharedAttributesMeanTheSameInEveryKind(t *testing.T) {
	for kind, list := range attributes() {
		for _, a := range list {
			if f := flow.Flows.Lookup(a.Name); f != nil {
				assert.Equal(t, f.Type, a.Type, "%s: %s", kind, a.Name)
				assert.Equal(t, f.Elastic, a.Elastic, "%s: %s", kind, a.Name)
				assert.Equal(t, f.ECS, a.ECS, "%s: %s", kind, a.Name)
				assert.Equal(t, f.Resource, a.Resource, "%s: %s", kind, a.Name)
			}
		}
	}
}
