package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
)

// generators lists what writes committed files: the Makefile's target, the
// files, and the command it cannot do without.
var generators = []struct {
	target string
	files  []string
	needs  string
}{
	{"generate-collector", []string{"distribution/components.go", "distribution/main*.go"}, "go"},
	{"generate-docs", []string{"docs/fields.md", "docs/elasticsearch-fields.md", "deploy/elasticsearch", "deploy/kibana/*.ndjson", "deploy/kubernetes/rbac.yaml", "deploy/helm/otelcol-flowlogs/rules", "processor/flowk8sprocessor/README.md"}, "go"},
	{"generate-manifests", []string{"deploy/kubernetes/standalone.yaml", "deploy/kubernetes/elasticsearch.yaml", "deploy/kubernetes/otlp.yaml"}, "go"},
	{"generate-bpf", []string{"receiver/flowlogreceiver/internal/bpf/*_bpfe[lb].go", "receiver/flowlogreceiver/internal/bpf/*_bpfe[lb].o"}, "clang-16"},
	{"generate-ui", []string{uiDir + "/dist"}, "npm"},
}

// generatedSuite runs every generator and compares what it wrote with what was
// there, then puts that back: a check changes nothing.
func generatedSuite(ctx context.Context, log io.Writer) (t tally, err error) {
	for _, g := range generators {
		if _, err := exec.LookPath(g.needs); err != nil {
			t.skip(fmt.Sprintf("%s: %s is not installed", g.target, g.needs))
			continue
		}
		before, err := takeSnapshot(g.files)
		if err != nil {
			return t, err
		}
		if len(before) == 0 {
			t.fail(fmt.Sprintf("%s: nothing is committed as %v", g.target, g.files))
			continue
		}
		out, runErr := output(ctx, log, "make", "--no-print-directory", g.target)
		after, err := takeSnapshot(g.files)
		if err != nil {
			return t, err
		}
		if err := before.restore(after); err != nil {
			return t, fmt.Errorf("restore after %s: %w", g.target, err)
		}
		switch diff := before.diff(after); {
		case runErr != nil:
			t.fail(fmt.Sprintf("make %s: %v\n%s", g.target, runErr, out))
		case diff != "":
			t.fail(fmt.Sprintf("make %s writes something else than is committed; run it and commit:\n%s", g.target, diff))
		default:
			t.pass()
		}
	}
	return t, nil
}
