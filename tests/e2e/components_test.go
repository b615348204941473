package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/confmap"
)

const module = "github.com/otelcol-flowlogs/otelcol-flowlogs"

// kinds are the lists of builder-config.yaml and of `components`.
var kinds = []string{"receivers", "processors", "exporters", "connectors", "extensions", "providers"}

// manifest reads builder-config.yaml: the modules by kind, and the version.
func manifest(t *testing.T) (modules map[string][]string, version string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "builder-config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	conf := parseYAML(t, string(data))
	modules = map[string][]string{}
	for _, kind := range kinds {
		for _, e := range entries(t, conf, kind) {
			modules[kind] = append(modules[kind], e["gomod"].(string))
		}
	}
	return modules, conf["dist"].(map[string]any)["version"].(string)
}

func parseYAML(t *testing.T, text string) map[string]any {
	t.Helper()
	retrieved, err := confmap.NewRetrievedFromYAML([]byte(text))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	raw, err := retrieved.AsRaw()
	if err != nil {
		t.Fatal(err)
	}
	m, ok := raw.(map[string]any)
	if !ok {
		t.Fatalf("not a map:\n%s", text)
	}
	return m
}

// entries returns the maps under conf[kind], of which there is at least one.
func entries(t *testing.T, conf map[string]any, kind string) []map[string]any {
	t.Helper()
	list, _ := conf[kind].([]any)
	if len(list) == 0 {
		t.Fatalf("no %s are listed", kind)
	}
	var out []map[string]any
	for _, item := range list {
		m, ok := item.(map[string]any)
		if !ok {
			t.Fatalf("%s: %v is no map", kind, item)
		}
		out = append(out, m)
	}
	return out
}

func TestManifestAndGoModNameTheSameVersions(t *testing.T) {
	modules, version := manifest(t)
	cmd := exec.Command("go", "list", "-m", "-f", "{{.Path}} {{.Version}}", "all")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	pinned := map[string]bool{module + " v" + version: true}
	for line := range strings.Lines(string(out)) {
		pinned[strings.TrimSpace(line)] = true
	}
	for kind, list := range modules {
		for _, mod := range list {
			if !pinned[mod] {
				t.Errorf("%s: %s is not the version that go.mod selects", kind, mod)
			}
		}
	}
}

func TestBinaryListsWhatTheManifestDeclares(t *testing.T) {
	modules, _ := manifest(t)
	listed := parseYAML(t, succeed(t, "components"))
	for _, kind := range kinds {
		want := slices.Sorted(slices.Values(modules[kind]))
		got := listedModules(t, listed, kind)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s differ (-manifest +binary):\n%s", kind, diff)
		}
	}
}

// listedModules returns the sorted modules of a kind, one for each component.
// A component with a deprecated second name is listed under both; only the
// project's own module holds several components, and none has two names.
func listedModules(t *testing.T, listed map[string]any, kind string) []string {
	t.Helper()
	var modules []string
	for _, e := range entries(t, listed, kind) {
		mod := e["module"].(string)
		if own := strings.HasPrefix(mod, module+" "); own || !slices.Contains(modules, mod) {
			modules = append(modules, mod)
		}
	}
	slices.Sort(modules)
	return modules
}

// TestOwnComponents pins the names that users write.
func TestOwnComponents(t *testing.T) {
	listed := parseYAML(t, succeed(t, "components"))
	got := map[string][]string{}
	for _, kind := range kinds {
		for _, e := range entries(t, listed, kind) {
			if strings.HasPrefix(e["module"].(string), module+" ") {
				got[kind] = append(got[kind], e["name"].(string))
			}
		}
		slices.Sort(got[kind])
	}
	want := map[string][]string{
		"receivers":  {"flowlog"},
		"processors": {"flow_aggregation", "flow_k8s"},
		"exporters":  {"flow_elasticsearch", "flow_store"},
		"extensions": {"flow_elasticsearch", "flow_store", "flow_visualizer"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("own components differ (-want +got):\n%s", diff)
	}
}
