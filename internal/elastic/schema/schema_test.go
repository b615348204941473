package schema_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

var (
	mappings = []schema.Mapping{schema.ECS, schema.OTel}
	events   = []string{flow.EventFlow, flow.EventLoss, flow.EventAgent}
)

// TestTemplates compares with testdata: a change there is a change of what servers have, and
// raises Version.
func TestTemplates(t *testing.T) {
	none := 0
	for name, options := range map[string]schema.Options{
		"default": {},
		"standard": {Mode: schema.Standard, Namespace: "prod", Shards: 3, Replicas: &none, Lifecycles: map[schema.Class]schema.Lifecycle{
			schema.Allowed: {Retention: 8 * 24 * time.Hour}, schema.Denied: {Retention: 36 * time.Hour}, schema.Rejected: {Policy: "logs", Retention: time.Hour},
		}},
		"otel": {Mapping: schema.OTel},
	} {
		t.Run(name, func(t *testing.T) {
			templates, err := schema.Templates(&options)
			require.NoError(t, err)
			var got bytes.Buffer
			for _, template := range templates {
				got.WriteString("PUT " + template.Path + "\n")
				got.Write(template.Body)
				got.WriteString("\n\n")
			}
			path := filepath.Join("testdata", name+".http")
			if os.Getenv("UPDATE_GOLDEN") != "" {
				require.NoError(t, os.WriteFile(path, got.Bytes(), 0o644))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err, "run UPDATE_GOLDEN=1 go test ./internal/elastic/schema")
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("the templates differ from %s: if that is meant, raise Version and run UPDATE_GOLDEN=1 go test ./internal/elastic/schema\n%s", path, diff)
			}
			again, err := schema.Templates(&options)
			require.NoError(t, err)
			assert.Equal(t, templates, again)
		})
	}
}

func TestTemplatesAreRefusedForOptionsThatServersRefuse(t *testing.T) {
	negative := -1
	for want, options := range map[string]schema.Options{
		`namespace "a-b" has one of the characters`:         {Namespace: "a-b"},
		"unknown mapping 9":                                 {Mapping: 9},
		"unknown index mode 9":                              {Mode: 9},
		"number of shards is -1":                            {Shards: -1},
		"number of replicas is -1":                          {Replicas: &negative},
		"retention of denied documents is 1m0s: want whole": {Lifecycles: map[schema.Class]schema.Lifecycle{schema.Denied: {Retention: time.Minute}}},
	} {
		_, err := schema.Templates(&options)
		assert.ErrorContains(t, err, want)
	}
}

// definition is one field of a template's mappings.
type definition struct {
	Type, Path string
	Properties map[string]definition
}

// flatten puts the fields under d into fields by their full names.
func (d definition) flatten(prefix string, fields map[string]definition) {
	for name, child := range d.Properties {
		if child.Properties == nil {
			fields[prefix+name] = child
		} else {
			child.flatten(prefix+name+".", fields)
		}
	}
}

// mapped returns the fields that the templates map for the class.
func mapped(t *testing.T, m schema.Mapping, c schema.Class) map[string]definition {
	t.Helper()
	templates, err := schema.Templates(&schema.Options{Mapping: m})
	require.NoError(t, err)
	if c == schema.Denied {
		c = schema.Allowed
	}
	for _, template := range templates {
		if template.Name != "logs-"+m.Dataset(c)+"@mappings" {
			continue
		}
		var body struct{ Template struct{ Mappings definition } }
		require.NoError(t, json.Unmarshal(template.Body, &body))
		fields := make(map[string]definition)
		body.Template.Mappings.flatten("", fields)
		return fields
	}
	t.Fatal("no mappings of", c)
	return nil
}

func TestEveryAttributeIsMappedAsTheRegistrySays(t *testing.T) {
	registries := map[schema.Class][][]flow.Attribute{
		schema.Allowed:  {of(flow.Flows)},
		schema.Denied:   {of(flow.Flows)},
		schema.Observer: {of(flow.Losses), of(flow.Agents)},
	}
	for _, m := range mappings {
		for c, lists := range registries {
			fields := mapped(t, m, c)
			paths := make(map[string]string)
			for _, f := range m.FieldsOf(c) {
				if f.Attribute != nil {
					paths[f.Attribute.Name] = f.Path
				}
			}
			for _, list := range lists {
				for _, a := range list {
					require.NotEmpty(t, paths[a.Name], "%s %s: %s is in no field", m, c, a.Name)
					if paths[a.Name] != schema.ID {
						assert.Equal(t, a.Elastic, fields[paths[a.Name]].Type, "%s %s: %s", m, c, a.Name)
					}
				}
			}
		}
	}
}

func of[T any](registry *flow.Registry[T]) []flow.Attribute {
	var list []flow.Attribute
	for _, f := range registry.Fields() {
		list = append(list, f.Attribute)
	}
	return list
}

func TestNoTwoFieldsHaveOneName(t *testing.T) {
	for _, m := range mappings {
		for _, event := range events {
			names := make(map[string]bool)
			for _, f := range m.Fields(event) {
				for _, name := range append(f.Aliases, f.Path) {
					assert.False(t, names[name], "%s of %s, %s mapping", name, event, m)
					names[name] = true
				}
			}
		}
		assert.Nil(t, m.Fields("device.boot"))
	}
}

func TestAliasesLeadToFields(t *testing.T) {
	for _, m := range mappings {
		for _, c := range schema.Classes() {
			fields := mapped(t, m, c)
			for name, d := range fields {
				if d.Type == "alias" {
					assert.Contains(t, fields, d.Path, "%s: %s", m, name)
				}
			}
		}
	}
	fields := mapped(t, schema.ECS, schema.Allowed)
	assert.Equal(t, definition{Type: "alias", Path: "source.ip"}, fields["source_ip"])
	assert.Equal(t, definition{Type: "alias", Path: "event.action"}, fields["flow.action"])
}

func TestConstantsAreMapped(t *testing.T) {
	for _, m := range mappings {
		for c, events := range map[schema.Class][]string{
			schema.Allowed: {flow.EventFlow}, schema.Denied: {flow.EventFlow}, schema.Observer: {flow.EventLoss, flow.EventAgent}, schema.Rejected: {""},
		} {
			fields := mapped(t, m, c)
			for _, event := range events {
				for _, constant := range m.Constants(c, event, "default") {
					assert.Equal(t, "keyword", fields[constant.Path].Type, "%s %s: %s", m, c, constant.Path)
				}
			}
		}
	}
}

// ecsLeaves are fields of the Elastic Common Schema, with their types, near which we have names
// of our own. An index that has another type there breaks searches over all of logs-*.
var ecsLeaves = map[string]string{
	"source.address": "keyword", "destination.address": "keyword", "source.domain": "keyword", "process.executable": "keyword",
	"process.args": "keyword", "event.reason": "keyword", "network.name": "keyword", "network.type": "keyword", "container.id": "keyword",
	"host.name": "keyword", "agent.version": "keyword", "error.type": "keyword", "event.original": "keyword", "event.id": "keyword",
}

func TestFieldsKeepTheTypesOfECS(t *testing.T) {
	for _, c := range schema.Classes() {
		for name := range mapped(t, schema.ECS, c) {
			typ := mapped(t, schema.ECS, c)[name].Type
			if typ == "alias" {
				typ = mapped(t, schema.ECS, c)[mapped(t, schema.ECS, c)[name].Path].Type
			}
			if want, ok := ecsLeaves[name]; ok {
				assert.Equal(t, want, typ, name)
			}
			for leaf := range ecsLeaves {
				assert.False(t, strings.HasPrefix(name, leaf+"."), "%s makes an object of %s", name, leaf)
			}
		}
	}
}
