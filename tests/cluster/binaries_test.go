package cluster

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBinariesAreKeptByWhatTheyAreMadeOf(t *testing.T) {
	module := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(module, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b := binaries{packages: []string{"."}}
	args := []string{"build"}
	key := func() string {
		t.Helper()
		k, err := b.key(module, args)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	write("go.mod", "module x\n\nrequire example.org/a v1.0.0\n")
	first := key()
	if again := key(); again != first {
		t.Errorf("the same has the keys %s and %s", first, again)
	}
	seen := map[string]string{first: "the first"}
	for _, change := range []struct {
		name  string
		apply func()
	}{
		{"another version", func() { write("go.mod", "module x\n\nrequire example.org/a v1.0.1\n") }},
		{"another sum", func() { write("go.sum", "a") }},
		{"another source", func() { write("main.go", "package main") }},
		{"other flags", func() { args = append(args, "-tags=x") }},
		{"another package", func() { b.packages = []string{"./x"} }},
		{"with cgo", func() { b.cgo = true }},
	} {
		change.apply()
		if k := key(); seen[k] != "" {
			t.Errorf("%s has the key of %s", change.name, seen[k])
		} else {
			seen[k] = change.name
		}
	}
}

func TestEveryProgramHasAVersion(t *testing.T) {
	for _, b := range []binaries{etcdBinaries, kubernetesBinaries, kwokBinaries, corednsBinaries, containerdBinaries, runcBinaries} {
		if v, err := b.version(b.module); err != nil || v[0] != 'v' {
			t.Errorf("%s: version %q, %v", b.name, v, err)
		}
	}
	if _, err := (binaries{of: "example.org/a"}).version("kwok"); err == nil {
		t.Error("a module that is not required has a version")
	}
}

// TestCoreDNSIsBuiltFromModulesOfKubernetes keeps CoreDNS a build of seconds: what the
// two share is compiled once only if it is the same version.
func TestCoreDNSIsBuiltFromModulesOfKubernetes(t *testing.T) {
	kubernetes := required(t, "kubernetes")
	shared := 0
	for path, version := range required(t, "coredns") {
		theirs, ok := kubernetes[path]
		if !ok {
			continue
		}
		shared++
		if version != theirs {
			t.Errorf("%s is %s for CoreDNS and %s for Kubernetes", path, version, theirs)
		}
	}
	if shared < 40 {
		t.Errorf("they share %d modules, want at least 40", shared)
	}
}

// required reads the versions in a go.mod, after replacements.
func required(t *testing.T, module string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(module, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\t(\S+) (?:=> \S+ )?(v\S+)`).FindAllStringSubmatch(string(text), -1) {
		versions[m[1]] = m[2]
	}
	return versions
}

// TestModulesShareKubernetes compares the lists that both go.mod files need: Go takes
// replacements from the main module only.
func TestModulesShareKubernetes(t *testing.T) {
	replaced := map[string][]string{}
	for _, module := range []string{"kubernetes", "kwok"} {
		text, err := os.ReadFile(filepath.Join(module, "go.mod"))
		if err != nil {
			t.Fatal(err)
		}
		_, list, _ := strings.Cut(string(text), "\nreplace (\n")
		list, _, _ = strings.Cut(list, "\n)")
		replaced[module] = strings.Split(list, "\n")
	}
	if diff := cmp.Diff(replaced["kubernetes"], replaced["kwok"]); diff != "" {
		t.Errorf("the replacements of kubernetes and kwok differ (-kubernetes +kwok):\n%s", diff)
	}
	version, err := kubernetesBinaries.version("kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	_, patch, _ := strings.Cut(version, ".") // v1.37.2 is published as modules at v0.37.2
	for _, line := range replaced["kubernetes"] {
		if !strings.HasSuffix(line, " v0."+patch) {
			t.Errorf("Kubernetes is %s, but:%s", version, line)
		}
	}
}

func TestLeftoversGoAndLivingClustersStay(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	living := &Cluster{}
	if err := living.claim(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer living.disclaim()
	dead := filepath.Join(os.TempDir(), prefix()+"dead")
	if err := os.Mkdir(dead, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dead, lockFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	next := &Cluster{}
	if err := next.claim(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer next.disclaim()
	if _, err := os.Stat(dead); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what a dead cluster left: %v, want nothing", err)
	}
	if _, err := os.Stat(living.dir); err != nil {
		t.Errorf("a living cluster's data: %v", err)
	}
}
