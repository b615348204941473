package e2e

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// execute runs the binary to its end in an empty directory and returns its
// exit code and all it printed.
func execute(t *testing.T, args ...string) (code int, out string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Dir = t.TempDir()
	// The node's name is the one setting that has no default which would be right.
	cmd.Env = []string{"PATH=/usr/bin:/bin", "K8S_NODE_NAME=node-1"}
	raw, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(raw)
}

func succeed(t *testing.T, args ...string) string {
	t.Helper()
	code, out := execute(t, args...)
	if code != 0 {
		t.Fatalf("%v: exit code %d:\n%s", args, code, out)
	}
	return out
}

func TestVersion(t *testing.T) {
	_, version := manifest(t)
	if got, want := strings.TrimSpace(succeed(t, "--version")), "otelcol-flowlogs version "+version; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestHelp(t *testing.T) {
	out := succeed(t, "--help")
	for _, want := range []string{"--config", "--set", "validate", "components"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in:\n%s", want, out)
		}
	}
}

func TestDefaultConfigIsValid(t *testing.T) {
	succeed(t, "validate")
}

// TestDefaultConfigListensOnLoopback reads what would run, not the file.
func TestDefaultConfigListensOnLoopback(t *testing.T) {
	conf := parseYAML(t, succeed(t, "print-config", "--mode=unredacted"))
	visualizer, ok := conf["extensions"].(map[string]any)["flow_visualizer"].(map[string]any)
	if !ok {
		t.Fatalf("no flow_visualizer in %v", conf["extensions"])
	}
	if got := visualizer["endpoint"]; got != "127.0.0.1:8686" {
		t.Errorf("the Flow Visualizer listens on %v", got)
	}
}

func TestExampleConfigsAreValid(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "distribution", "examples", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples found: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			path, err := filepath.Abs(file)
			if err != nil {
				t.Fatal(err)
			}
			out := succeed(t, "validate", "--config="+path)
			if strings.Contains(strings.ToLower(out), "deprecated") {
				t.Errorf("an example shows a deprecated spelling:\n%s", out)
			}
		})
	}
}

func TestBadConfigIsRefusedByName(t *testing.T) {
	for name, tc := range map[string]struct {
		set  string
		want []string
	}{
		"unknown key":             {"receivers.flowlog.intervall=5s", []string{"flowlog", "intervall"}},
		"interval not a duration": {"receivers.flowlog.interval=often", []string{"flowlog", "interval"}},
		"negative interval":       {"receivers.flowlog.interval=-1s", []string{"flowlog", "interval"}},
		"no directory":            {"extensions.flow_store.directory=", []string{"flow_store", "directory"}},
		"no endpoint":             {"extensions.flow_visualizer.endpoint=", []string{"flow_visualizer", "endpoint"}},
		"unknown component":       {"receivers.flowlogs.interval=5s", []string{"flowlogs"}},
		"undefined receiver":      {"service.pipelines.logs.receivers=[otlp]", []string{"otlp"}},
	} {
		t.Run(name, func(t *testing.T) {
			code, out := execute(t, "validate", "--set="+tc.set)
			if code == 0 {
				t.Fatalf("exit code 0:\n%s", out)
			}
			for _, want := range tc.want {
				if !strings.Contains(out, want) {
					t.Errorf("%q is missing in:\n%s", want, out)
				}
			}
		})
	}
}

func TestMissingConfigFileIsNamed(t *testing.T) {
	code, out := execute(t, "--config=/nowhere/flows.yaml")
	if code == 0 || !strings.Contains(out, "/nowhere/flows.yaml") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}
