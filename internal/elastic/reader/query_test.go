package reader

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/filter"
)

// TestConditionsAsElasticsearchIsAsked shows what becomes of them; that the answers are right is
// tested on a real server. Those that are inexact are looked at one by one.
func TestConditionsAsElasticsearchIsAsked(t *testing.T) {
	r, err := New(Options{Mapping: schema.ECS})
	require.NoError(t, err)
	for text, want := range map[string]struct {
		query   string
		inexact bool
	}{
		`process.executable.name = curl`: {`{"bool":{"minimum_should_match":1,"should":[{"terms":{"process.name":["curl"]}},{"terms":{"process.names":["curl"]}}]}}`, false},
		`process.linux.cgroup ~ "50%*"`:  {`{"wildcard":{"process.linux.cgroup":{"case_insensitive":true,"value":"*50%\\**"}}}`, false},
		`flow.tcp.retransmits > 3`:       {`{"range":{"flow.tcp.retransmits":{"gte":4,"lte":9223372036854775807}}}`, false},
		`source.original.address = ::/0`: {
			`{"bool":{"minimum_should_match":1,"should":[` +
				`{"bool":{"minimum_should_match":1,"should":[{"range":{"source.original.address":{"gte":"::","lte":"::fffe:ffff:ffff"}}},{"range":{"source.original.address":{"gte":"::1:0:0:0","lte":"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}}}]}},` +
				`{"bool":{"minimum_should_match":1,"should":[{"range":{"source.original.addresses":{"gte":"::","lte":"::fffe:ffff:ffff"}}},{"range":{"source.original.addresses":{"gte":"::1:0:0:0","lte":"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}}}]}}]}}`, false,
		},
		`source.scope != private`:            {`{"bool":{"must_not":[{"terms":{"source.scope":["private"]}}]}}`, false},
		`flow.peer.observed = false`:         {`{"bool":{"minimum_should_match":1,"should":[{"terms":{"flow.peer.observed":[false]}},{"bool":{"must_not":[{"exists":{"field":"flow.peer.observed"}}]}}]}}`, false},
		`flow.end >= 2026-01-01T00:00:00Z`:   {`{"range":{"event.end":{"gte":"2026-01-01T00:00:00.000000000Z"}}}`, false},
		`flow.id = 1-2-3`:                    {`{"ids":{"values":["1-2-3"]}}`, false},
		`network.namespace.inode ~ 40`:       {`{"exists":{"field":"network.namespace.inode"}}`, true},
		`not (network.namespace.inode ~ 40)`: {`{"bool":{"must_not":[{"match_none":{}}]}}`, true},
		`source.k8s.pod.labels exists`:       {`{"match_all":{}}`, true},
		`source.k8s.pod.labels = "app=web"`:  {`{"terms":{"source.k8s.pod.labels":["app=web"]}}`, false},
		`source.k8s.pod.labels not exists`:   {`{"bool":{"must_not":[{"exists":{"field":"source.k8s.pod.labels"}}]}}`, true},
	} {
		expr, err := filter.Parse(text)
		require.NoError(t, err, text)
		c := compiler{reader: r}
		got, err := json.Marshal(c.expr(expr, true))
		require.NoError(t, err)
		assert.JSONEq(t, want.query, string(got), text)
		assert.Equal(t, want.inexact, c.inexact != "", text)
	}
}

func TestARangeOfNoTimeFindsNothing(t *testing.T) {
	r, err := New(Options{})
	require.NoError(t, err)
	for _, in := range []flowstore.Range{{From: 5, To: 5}, {From: 5, To: 4}, {From: -9, To: 0}} {
		require.Equal(t, none(), r.ended(in))
	}
}
