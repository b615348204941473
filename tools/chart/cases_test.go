package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// root is the top of the repository.
const root = "../.."

type object = map[string]any

func chart() string { return filepath.Join(root, chartDir) }

// cases are values by name: those of the chart's ci folder, and of the committed
// manifests.
func cases(t *testing.T) map[string]object {
	t.Helper()
	all := map[string]object{}
	for file, p := range plain {
		all[strings.TrimSuffix(file, ".yaml")] = p.values
	}
	files, err := filepath.Glob(filepath.Join(chart(), "ci", "*-values.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no values in the chart's ci folder: %v", err)
	}
	for _, file := range files {
		all[strings.TrimSuffix(filepath.Base(file), "-values.yaml")] = readYAML(t, file)
	}
	return all
}

func readYAML(t *testing.T, file string) object {
	t.Helper()
	return decode(t, string(readFile(t, file)))
}

func readFile(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func decode(t *testing.T, text string) (o object) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(text), &o); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	return o
}

func mustRender(t *testing.T, values object) rendered {
	t.Helper()
	r, err := render(chart(), values)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// find returns the object of a kind whose name ends with a suffix, or nil.
func (r rendered) find(t *testing.T, kind, suffix string) object {
	t.Helper()
	for _, m := range r.objects {
		o := decode(t, m.Content)
		if o["kind"] == kind && strings.HasSuffix(at(o, "metadata", "name").(string), suffix) {
			return o
		}
	}
	return nil
}

// configs are the collector's configurations, by component.
func (r rendered) configs(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, component := range []string{"agent", "gateway", "setup"} {
		if o := r.find(t, "ConfigMap", "-"+component); o != nil {
			texts[component] = at(o, "data", "config.yaml").(string)
		}
	}
	return texts
}

// at follows keys of objects and first elements of lists; what is missing is nil.
func at(v any, path ...string) any {
	for _, key := range path {
		if list, ok := v.([]any); ok && len(list) > 0 {
			v = list[0]
		}
		o, ok := v.(object)
		if !ok {
			return nil
		}
		v = o[key]
	}
	return v
}

func printed(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // what was read of YAML always encodes
	}
	return string(text)
}
