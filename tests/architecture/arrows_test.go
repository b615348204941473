// Package architecture tests who may import whom.
package architecture

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/otelcol-flowlogs/otelcol-flowlogs/"

// pkg is the part of `go list -json` that the tests read.
type pkg struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

// list returns the module's packages by their path below the module.
func list(t *testing.T) map[string]pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	packages := map[string]pkg{}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages[strings.TrimPrefix(p.ImportPath, module)] = p
	}
}

// own returns the imports that are packages of this module, below it.
func own(imports []string) []string {
	var paths []string
	for _, path := range imports {
		if path, ok := strings.CutPrefix(path, module); ok {
			paths = append(paths, path)
		}
	}
	return paths
}

// component returns the component a package belongs to: "receiver/flowlogreceiver".
func component(path string) (string, bool) {
	parts := strings.Split(path, "/")
	if len(parts) < 2 || !slices.Contains([]string{"receiver", "processor", "exporter", "extension", "connector"}, parts[0]) {
		return "", false
	}
	return parts[0] + "/" + parts[1], true
}

func TestNoComponentImportsAnother(t *testing.T) {
	seen := map[string]bool{}
	for path, p := range list(t) {
		from, ok := component(path)
		if !ok {
			continue
		}
		seen[from] = true
		for _, imported := range own(slices.Concat(p.Imports, p.TestImports, p.XTestImports)) {
			if to, ok := component(imported); ok && to != from {
				t.Errorf("%s imports %s: components meet in internal/ and in the configuration", path, imported)
			}
		}
	}
	for _, want := range []string{
		"receiver/flowlogreceiver", "processor/flowaggregationprocessor", "processor/flowk8sprocessor", "exporter/flowelasticsearchexporter", "exporter/flowstoreexporter",
		"extension/flowstoreextension", "extension/flowvisualizerextension",
	} {
		if !seen[want] {
			t.Errorf("%s was not looked at", want)
		}
	}
}

func TestSharedPackagesImportNoComponent(t *testing.T) {
	for path, p := range list(t) {
		if !strings.HasPrefix(path, "internal/") {
			continue
		}
		for _, imported := range own(slices.Concat(p.Imports, p.TestImports, p.XTestImports)) {
			if _, ok := component(imported); ok || strings.HasPrefix(imported, "distribution") {
				t.Errorf("%s imports %s", path, imported)
			}
		}
	}
}

func TestFlowImportsOnlyPdataAndTheStandardLibrary(t *testing.T) {
	p, ok := list(t)["internal/flow"]
	if !ok {
		t.Fatal("internal/flow was not looked at")
	}
	for _, imported := range p.Imports {
		standard := !strings.Contains(strings.Split(imported, "/")[0], ".")
		if !standard && !strings.HasPrefix(imported, "go.opentelemetry.io/collector/pdata/") {
			t.Errorf("internal/flow imports %s", imported)
		}
	}
}

// TestOnlyTheWatchKnowsTheClusterClient keeps what is asked for every flow, and the
// components, free of the API's objects.
func TestOnlyTheWatchKnowsTheClusterClient(t *testing.T) {
	found := false
	for path, p := range list(t) {
		for _, imported := range p.Imports {
			if !strings.HasPrefix(imported, "k8s.io/") {
				continue
			}
			found = true
			if path != "internal/kube" && !strings.HasPrefix(path, "tests/") {
				t.Errorf("%s imports %s; internal/kube owns it", path, imported)
			}
		}
	}
	if !found {
		t.Error("no package imports k8s.io")
	}
}

// TestOnlyTheStoreNeedsCgo keeps the database replaceable, and every other
// package free to build without a C compiler.
func TestOnlyTheStoreNeedsCgo(t *testing.T) {
	const database = "github.com/duckdb/duckdb-go/v2"
	found := false
	for path, p := range list(t) {
		if !slices.Contains(p.Imports, database) {
			continue
		}
		found = true
		if path != "extension/flowstoreextension/internal/duckdb" {
			t.Errorf("%s imports %s; extension/flowstoreextension/internal/duckdb owns it", path, database)
		}
	}
	if !found {
		t.Errorf("no package imports %s", database)
	}
}

func TestTestKitIsForTests(t *testing.T) {
	for path, p := range list(t) {
		for _, imported := range own(p.Imports) {
			for _, kit := range []string{"internal/testkit/", "tests/"} {
				if strings.HasPrefix(imported, kit) && !strings.HasPrefix(path, kit) {
					t.Errorf("%s imports %s outside its tests", path, imported)
				}
			}
		}
	}
}
