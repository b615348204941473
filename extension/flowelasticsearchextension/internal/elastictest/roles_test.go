//go:build linux

package elastictest_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension/internal/roles"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/elasticsearch"
)

// TestEachRoleMayDoItsWorkAndNothingElse tries everything as everyone.
func TestEachRoleMayDoItsWorkAndNothingElse(t *testing.T) {
	const (
		writer, reader, setupRole, recycler = "flowlogs_writer", "flowlogs_reader", "flowlogs_setup", "flowlogs_recycler"
	)
	c := newCluster(t)
	round(t, c.setup(t, "roles", setupRole))
	stream := schema.ECS.Stream(schema.Allowed, "roles")
	rejected := schema.ECS.Stream(schema.Rejected, "roles")
	c.write(t, stream)
	c.write(t, rejected)
	admin := c.As(c.Admin)
	require.NoError(t, admin.Do(t.Context(), http.MethodPut, "/other/_doc/1?refresh=true", map[string]any{}, nil))

	// oldIndex makes an index that may be deleted.
	oldIndex := func() string {
		c.write(t, stream)
		indices, _ := c.indices(t, stream)
		require.NoError(t, admin.Do(t.Context(), http.MethodPost, "/"+stream+"/_rollover", nil, nil))
		return indices[len(indices)-1]
	}
	template := map[string]any{"index_patterns": []string{"roles-test-*"}}
	for _, try := range []struct {
		what string
		who  []string
		do   func(elasticsearch.User) error
	}{
		{"create a document", []string{writer}, func(u elasticsearch.User) error { return c.create(t.Context(), u, stream) }},
		{"create the first document of a data stream", []string{writer}, func(u elasticsearch.User) error {
			return c.create(t.Context(), u, "logs-k8s.flow.denied-roles."+u.Roles[0])
		}},
		{"create a document elsewhere", nil, c.request(t, http.MethodPost, "/other/_create/2", map[string]any{})},
		{"make another index", nil, c.request(t, http.MethodPost, "/another/_create/1", map[string]any{})},
		{"search flows", []string{reader}, c.request(t, http.MethodGet, "/"+stream+"/_search", nil)},
		{"search rejected documents", nil, c.request(t, http.MethodGet, "/"+rejected+"/_search", nil)},
		{"search elsewhere", nil, c.request(t, http.MethodGet, "/other/_search", nil)},
		{"list fields", []string{reader, setupRole, recycler}, c.request(t, http.MethodGet, "/"+stream+"/_field_caps?fields=*", nil)},
		{"read the mapping", []string{reader, setupRole, recycler}, c.request(t, http.MethodGet, "/"+stream+"/_mapping", nil)},
		{"put a template", []string{setupRole}, c.request(t, http.MethodPut, "/_index_template/roles-test", template)},
		{"find templates", []string{setupRole, recycler}, c.request(t, http.MethodGet, "/_index_template/logs-k8s.*", nil)},
		{"read the watermarks", []string{setupRole, recycler}, c.request(t, http.MethodGet, "/_cluster/settings?include_defaults=true", nil)},
		{"change a mapping", nil, c.request(t, http.MethodPut, "/"+stream+"/_mapping", map[string]any{"properties": map[string]any{"x": map[string]any{"type": "long"}}})},
		{"change a setting", nil, c.request(t, http.MethodPut, "/"+stream+"/_settings", map[string]any{"index.refresh_interval": "5s"})},
		{"roll over", []string{setupRole, recycler}, c.request(t, http.MethodPost, "/"+stream+"/_rollover", map[string]any{"conditions": map[string]any{"max_docs": 1}})},
		{"measure indices", []string{setupRole, recycler}, c.request(t, http.MethodGet, "/"+stream+"/_stats/store", nil)},
		{"measure disks", []string{setupRole, recycler}, c.request(t, http.MethodGet, "/_nodes/stats/fs", nil)},
		{"read the state of the disks", []string{setupRole, recycler}, c.request(t, http.MethodGet, "/_health_report/disk", nil)},
		{"change a setting of the cluster", nil, c.request(t, http.MethodPut, "/_cluster/settings", map[string]any{"persistent": map[string]any{"action.destructive_requires_name": true}})},
		{"delete an old index", []string{recycler}, func(u elasticsearch.User) error {
			return c.As(u).Do(t.Context(), http.MethodDelete, "/"+oldIndex(), nil, nil)
		}},
		{"delete elsewhere", nil, c.request(t, http.MethodDelete, "/other", nil)},
	} {
		for _, role := range roles.All() {
			err := try.do(users[role.Name])
			if slices.Contains(try.who, role.Name) {
				assert.NoError(t, err, "%s: %s", role.Name, try.what)
				continue
			}
			var refused *elasticsearch.StatusError
			assert.True(t, errors.As(err, &refused) && refused.Status == http.StatusForbidden, "%s: %s: %v, want status 403", role.Name, try.what, err)
		}
	}
	assert.NoError(t, admin.Do(t.Context(), http.MethodDelete, "/_index_template/roles-test", nil, nil))
}

// request makes one as a user.
func (c cluster) request(t *testing.T, method, path string, body any) func(elasticsearch.User) error {
	return func(u elasticsearch.User) error { return c.As(u).Do(t.Context(), method, path, body, nil) }
}
