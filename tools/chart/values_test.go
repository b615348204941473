package main

import (
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
)

func TestLintHasNothingToSay(t *testing.T) {
	for name, values := range cases(t) {
		for _, m := range lint.RunAll(chart(), values, "default").Messages {
			if m.Severity > support.InfoSev {
				t.Errorf("%s: %v", name, m)
			}
		}
	}
}

func TestValuesThatCannotWorkAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"mod: otlp":                                "mod",
		"agent: {capability: []}":                  "capability",
		"agent: {capabilities: [CAP_BPF]}":         "capabilities",
		"agent: {cgroupRoot: nodes}":               "cgroupRoot",
		"gateway: {persistence: {siez: 1Gi}}":      "siez",
		"gateway: {persistence: {size: much}}":     "size",
		"mode: elastic":                            "mode",
		"mode: otlp":                               "otlp.endpoint",
		"networkPolicy: {enabled: true}":           "networkPolicy.nodeCIDRs",
		"visualizer: {expose: true}":               "visualizer.htpasswd.secretName",
		"gateway: {token: {secretName: s}}":        "gateway.tls.secretName",
		"agent: {resources: {limits: null}}":       "limits",
		"agent: {resources: {limits: {cpu: 1}}}":   "",
		"networks: [{name: office}]":               "cidrs",
		"otlp: {headers: [{name: Authorization}]}": "secretName",
	} {
		if _, err := render(chart(), decode(t, text)); want == "" && err != nil {
			t.Errorf("%s: %v", text, err)
		} else if want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: the error does not name %s: %v", text, want, err)
		}
	}
}

func TestWhatModeElasticsearchNeedsIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		"{}":                           "elasticsearch.endpoint",
		"{endpoint: 'https://a:9200'}": "elasticsearch.writer.secretName",
		"{endpoint: 'https://a:9200', writer: {secretName: w}}":                                                                    "elasticsearch.setup.secretName",
		"{endpoint: 'https://a:9200', writer: {secretName: w}, setup: {enabled: false}}":                                           "",
		"{endpoint: 'https://a:9200', endpoints: ['https://b:9200'], writer: {secretName: w}}":                                     "leave one",
		"{endpoint: 'a:9200', writer: {secretName: w}, setup: {enabled: false}}":                                                   "endpoint",
		"{endpoint: 'https://a:9200', namespace: Two-Parts, writer: {secretName: w}, setup: {enabled: false}}":                     "namespace",
		"{endpoint: 'https://a:9200', writer: {secretName: w, login: token}, setup: {enabled: false}}":                             "login",
		"{endpoint: 'https://a:9200', writer: {secretName: w}, setup: {secretName: s, retentionDays: {all: 1}}}":                   "retentionDays",
		"{endpoint: 'https://a:9200', writer: {secretName: w}, setup: {secretName: s}, kibana: {space: team}}":                     "elasticsearch.kibana.endpoint",
		"{endpoint: 'https://a:9200', writer: {secretName: w}, setup: {secretName: s}, kibana: {endpoint: 'https://k', space: A}}": "space",
		"{endpoint: 'https://a:9200', writer: {secretName: w}, setup: {secretName: s}, kibana: {endpoint: 'k:5601'}}":              "kibana",
		"{endpoint: 'https://a:9200', writer: {secretName: w}, setup: {enabled: false}, kibana: {endpoint: 'https://k'}}":          "elasticsearch.setup.enabled=true",
	} {
		values := object{"mode": "elasticsearch", "elasticsearch": decode(t, text)}
		if _, err := render(chart(), values); want == "" && err != nil {
			t.Errorf("%s: %v", text, err)
		} else if want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: the error does not name %s: %v", text, want, err)
		}
	}
}

// TestSchemaAndValuesNameTheSameKeys lets values.yaml be the documentation of all that
// can be set.
func TestSchemaAndValuesNameTheSameKeys(t *testing.T) {
	schema := readYAML(t, filepath.Join(chart(), "values.schema.json"))
	compare(t, schema["$defs"].(object), "", schema, readYAML(t, filepath.Join(chart(), "values.yaml")))
}

func compare(t *testing.T, defs object, path string, schema object, value any) {
	t.Helper()
	if ref, ok := schema["$ref"].(string); ok {
		schema = defs[strings.TrimPrefix(ref, "#/$defs/")].(object)
	}
	properties, ok := schema["properties"].(object)
	if _, isObject := value.(object); !ok || !isObject {
		return
	}
	for key, child := range properties {
		child := child.(object)
		v, ok := value.(object)[key]
		// Helm's own, and a field of Kubernetes that nobody sets by default.
		if !ok && path+"."+key != ".global" && !strings.HasSuffix(path+"."+key, ".resources.claims") {
			t.Errorf("values.yaml does not tell of %s.%s", path, key)
		}
		compare(t, defs, path+"."+key, child, v)
	}
	// What is unknown here is refused by the schema; see the test of the defaults.
	if schema["additionalProperties"] != false && !strings.HasSuffix(path, ".resources.limits") {
		t.Errorf("the schema takes unknown keys in %s", path)
	}
}

// TestVersionIsTheCollectors compares the chart with what ocb builds and `make image`
// calls the image.
func TestVersionIsTheCollectors(t *testing.T) {
	want := at(readYAML(t, filepath.Join(root, "builder-config.yaml")), "dist", "version")
	about := readYAML(t, filepath.Join(chart(), "Chart.yaml"))
	if about["appVersion"] != want || about["version"] != want {
		t.Errorf("the chart has version %v of %v, the collector is %v", about["version"], about["appVersion"], want)
	}
}
