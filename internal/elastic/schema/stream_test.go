package schema_test

import (
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

func TestOnePatternFindsTheFlowsAndNothingElse(t *testing.T) {
	names := make(map[string]bool)
	for _, m := range mappings {
		for _, c := range schema.Classes() {
			name := m.Stream(c, "prod")
			matched, err := path.Match(schema.FlowPattern, name)
			assert.NoError(t, err)
			assert.Equal(t, c == schema.Allowed || c == schema.Denied, matched, name)
			assert.Equal(t, strings.Count(name, "-"), 2, name)
			names[name] = true
		}
	}
	assert.Len(t, names, 7, "rejected documents have one form")
	assert.Equal(t, "logs-k8s.flow-default", schema.ECS.Stream(schema.Allowed, schema.DefaultNamespace))
}

func TestNamespaces(t *testing.T) {
	for _, good := range []string{"default", "prod.eu_1", "7", strings.Repeat("a", 100), "é"} {
		assert.NoError(t, schema.CheckNamespace(good), good)
	}
	for bad, want := range map[string]string{
		"":                       "is empty",
		"Prod":                   `write "prod"`,
		"a-b":                    "has one of the characters",
		"a b":                    "has one of the characters",
		"a*":                     "has one of the characters",
		"a:b":                    "has one of the characters",
		"a\n":                    "control characters",
		"\xff":                   "not UTF-8",
		strings.Repeat("a", 101): "has 101 bytes",
		strings.Repeat("é", 51):  "has 102 bytes",
	} {
		assert.ErrorContains(t, schema.CheckNamespace(bad), want)
	}
}

func TestMappingAndModeReadWhatTheyPrint(t *testing.T) {
	for _, m := range mappings {
		text, err := m.MarshalText()
		assert.NoError(t, err)
		var got schema.Mapping
		assert.NoError(t, got.UnmarshalText(text))
		assert.Equal(t, m, got)
	}
	for _, m := range []schema.IndexMode{schema.LogsDB, schema.Standard} {
		text, err := m.MarshalText()
		assert.NoError(t, err)
		var got schema.IndexMode
		assert.NoError(t, got.UnmarshalText(text))
		assert.Equal(t, m, got)
	}
	var m schema.Mapping
	assert.EqualError(t, m.UnmarshalText([]byte("raw")), `unknown mapping "raw": use ecs or otel`)
	var mode schema.IndexMode
	assert.EqualError(t, mode.UnmarshalText([]byte("tsdb")), `unknown index mode "tsdb": use logsdb or standard`)
}
