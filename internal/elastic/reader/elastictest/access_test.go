//go:build linux

package elastictest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/reader"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/flowstoretest"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/memstore"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/elasticsearch"
)

const accessRoles = `
reads_one_stream:
  indices: [{names: ["logs-k8s.flow-team_b"], privileges: [read]}]
reads_one_namespace:
  indices: [{names: ["logs-k8s.*-team_b"], privileges: [read, view_index_metadata]}]
reads_a_stream_that_is_not_there:
  indices: [{names: ["logs-k8s.flow-team_c"], privileges: [read]}]
reads_others:
  indices: [{names: ["logs-nginx-*"], privileges: [read]}]
writes_all:
  indices: [{names: ["logs-k8s.*"], privileges: [create_doc]}]
`

// TestAPersonSeesTheDataStreamsThatTheyMayRead has a reader that asks for the data streams of all
// namespaces, or for those of one, and people who may read some of these, or none.
func TestAPersonSeesTheDataStreamsThatTheyMayRead(t *testing.T) {
	server := prepare(t, schema.Options{})
	server.SetRoles(t, accessRoles)
	write := func(namespace string, seed uint64) *flow.Batch {
		g := flowstoretest.NewGenerator(seed)
		g.Keep = keep
		batch := g.Batch(50)
		require.NoError(t, open(t, server, schema.ECS, namespace, server.Admin).Write(t.Context(), batch))
		return batch
	}
	write("team_a", 91)
	b := write("team_b", 92)
	allowedOfB := &flow.Batch{}
	for _, f := range b.Flows {
		if f.Action != flow.Deny {
			allowedOfB.Flows = append(allowedOfB.Flows, f)
		}
	}
	for role, test := range map[string]struct {
		namespace string // that the reader asks for
		sees      *flow.Batch
	}{
		"reads_one_stream":                 {"", allowedOfB},
		"reads_one_namespace":              {"", b},
		"reads_a_stream_that_is_not_there": {"", &flow.Batch{}},
		"reads_others":                     {"", &flow.Batch{}},
	} {
		t.Run(role, func(t *testing.T) {
			sees(t, server, server.SetUser(t, role, role), test.namespace, test.sees)
		})
	}
	t.Run("of the namespace that is asked for", func(t *testing.T) {
		sees(t, server, server.SetUser(t, "one", "reads_one_stream"), "team_b", allowedOfB)
		sees(t, server, server.SetUser(t, "one", "reads_one_stream"), "team_a", &flow.Batch{})
	})
	for _, role := range []string{"writes_all", "no_such_role"} {
		t.Run(role+" is told what to ask for", func(t *testing.T) {
			r := newReader(t, server, reader.Options{AsCaller: true}, server.SetUser(t, role, role))
			for name, err := range flowstoretest.EveryQuestion(t.Context(), r) {
				require.ErrorIs(t, err, flowstore.ErrForbidden, name)
				assert.ErrorContains(t, err, "grant read on the data streams of flow records", name)
			}
			_, open := <-r.Watch(t.Context())
			require.False(t, open)
		})
	}
}

// sees checks that a person sees these records and nothing else, whatever they ask.
func sees(t *testing.T, server *elasticsearch.Server, who elasticsearch.User, namespace string, want *flow.Batch) {
	t.Helper()
	r := newReader(t, server, reader.Options{Namespace: namespace, AsCaller: true, Poll: 20 * time.Millisecond}, who)
	reference := &memstore.Store{}
	require.NoError(t, reference.Write(t.Context(), want))
	flowstoretest.Same(t, reference, r)
	for name, err := range flowstoretest.EveryQuestion(t.Context(), r) {
		require.NoError(t, err, name)
	}
	flowstoretest.SameAnswer(t, reference, r, "groups", func(r flowstore.Reader) (flowstore.Groups, error) {
		return r.Groups(t.Context(), flowstore.GroupsQuery{Selection: flowstoretest.Everything, By: []*flow.Field[flow.Flow]{flow.Flows.Lookup("source.k8s.namespace.name")}, Limit: 1000})
	})
	flowstoretest.SameAnswer(t, reference, r, "values", func(r flowstore.Reader) ([]flowstore.ValueCount, error) {
		return r.Values(t.Context(), flowstore.ValuesQuery{Selection: flowstoretest.Everything, Field: flow.Flows.Lookup("host.name"), Limit: 1000})
	})
	stats, err := r.Stats(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, len(want.Flows), stats.Records)
}
