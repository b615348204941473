package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A suite is a named group of checks. run writes what a person may want to
// read to log; an error fails the suite beside what it counted.
type suite struct {
	name, about string
	limit       time.Duration
	run         func(ctx context.Context, log io.Writer) (tally, error)
}

const (
	binary = "bin/otelcol-flowlogs"
	uiDir  = "extension/flowvisualizerextension/internal/ui"
	// maxTrackedBytes is what a file of the tree may take; a larger one is most likely
	// a program that a build left there.
	maxTrackedBytes = 512 << 10
	// maxBinaryMB keeps the image and the download small; raise it knowingly. The
	// Kubernetes client, of which only two API groups are linked, is 6 MB.
	maxBinaryMB = 125
	// fuzzRuns bounds a fuzz target by count: when time ends it, the go command at
	// times takes its own deadline for a failure of the target.
	fuzzRuns = "30000x"
	// fuzzMinimize bounds the work on an input that is merely interesting, which
	// otherwise may take a minute each.
	fuzzMinimize = "100x"
)

// suites lists every check of the project, cheap ones first.
func suites() []suite {
	return []suite{
		{"source", "gofmt, shell syntax, file sizes, links, licence", time.Minute, sourceSuite},
		{"modules", "go.mod files are tidy and verified", 5 * time.Minute, modulesSuite},
		{"tools", "tests of the tools themselves", 5 * time.Minute, toolsSuite},
		{"vet", "go vet", 25 * time.Minute, vetSuite},
		{"lint", "golangci-lint", 25 * time.Minute, lintSuite},
		{"build", "one static binary of at most " + fmt.Sprint(maxBinaryMB) + " MB", 25 * time.Minute, buildSuite},
		{"generated", "what is committed is what the generators write", 15 * time.Minute, generatedSuite},
		{"chart", "the Helm chart: lint, values, configurations", 10 * time.Minute, chartSuite},
		{"ui", "the Flow Visualizer's pages: types and vitest", 10 * time.Minute, uiSuite},
		{"unit", "Go tests with the race detector", 30 * time.Minute, unitSuite},
		{"fuzz", "each fuzz target, " + fuzzRuns, 15 * time.Minute, fuzzSuite},
		{"kernel", "the receiver against this kernel, with ground truth", 20 * time.Minute, kernelSuite},
		{"cluster", "Kubernetes for tests, and what needs it", 55 * time.Minute, clusterSuite},
		{"elastic", "what writes to and reads from a real Elasticsearch", 30 * time.Minute, elasticSuite},
		{"e2e", "the built binary as a black box", 15 * time.Minute, e2eSuite},
		{"browser", "the pages in Chromium, on recorded answers and on the built binary", 15 * time.Minute, browserSuite},
	}
}

func sourceSuite(ctx context.Context, log io.Writer) (t tally, err error) {
	files, err := trackedFiles(ctx, log, "*.go")
	if err != nil {
		return t, err
	}
	var written []string
	for _, name := range files {
		generated, err := isGenerated(name)
		if err != nil {
			return t, err
		}
		if !generated {
			written = append(written, name)
		}
	}
	out, err := output(ctx, log, "gofmt", append([]string{"-l"}, written...)...)
	if err != nil {
		t.fail("gofmt: " + out)
	} else if out != "" {
		t.fail("not formatted, run gofmt -w on:\n" + out)
	} else {
		t.pass()
	}

	scripts, err := trackedFiles(ctx, log, "tools/*", ".ci/*", "tests/*.sh")
	if err != nil {
		return t, err
	}
	for _, name := range scripts {
		if data, err := os.ReadFile(name); err == nil && strings.HasPrefix(string(data), "#!/usr/bin/env bash\n") {
			t.step(ctx, log, name, "bash", "-n", name)
		}
	}

	if large, err := largeFiles(ctx, log); err != nil {
		return t, err
	} else if len(large) > 0 {
		t.fail("too large to be tracked, remove it or raise maxTrackedBytes knowingly:\n" + strings.Join(large, "\n"))
	} else {
		t.pass()
	}

	if broken, err := brokenLinks(ctx, log); err != nil {
		return t, err
	} else if len(broken) > 0 {
		t.fail("broken links:\n" + strings.Join(broken, "\n"))
	} else {
		t.pass()
	}

	licence, err := os.ReadFile("LICENSE")
	if err != nil || !strings.Contains(string(licence), "Apache License\n                           Version 2.0, January 2004") {
		t.fail("LICENSE is not the Apache License 2.0")
	} else {
		t.pass()
	}
	return t, nil
}

// largeFiles names the tracked files of more than maxTrackedBytes.
func largeFiles(ctx context.Context, log io.Writer) ([]string, error) {
	files, err := trackedFiles(ctx, log)
	if err != nil {
		return nil, err
	}
	var large []string
	for _, name := range files {
		info, err := os.Lstat(name)
		if err != nil {
			return nil, err
		}
		if info.Size() > maxTrackedBytes {
			large = append(large, fmt.Sprintf("%s: %d bytes", name, info.Size()))
		}
	}
	return large, nil
}

var generatedMark = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

func isGenerated(name string) (bool, error) {
	data, err := os.ReadFile(name)
	return generatedMark.Match(data), err
}

func modulesSuite(ctx context.Context, log io.Writer) (t tally, err error) {
	for _, dir := range []string{".", "tools", "tools/chart", "tools/lint", "tests/cluster/coredns", "tests/cluster/kubernetes", "tests/cluster/kwok", "tests/cluster/runtime"} {
		t.step(ctx, log, dir+"/go.mod is not tidy", "go", "-C", dir, "mod", "tidy", "-diff")
	}
	t.step(ctx, log, "module cache", "go", "mod", "verify")
	return t, nil
}

func toolsSuite(ctx context.Context, log io.Writer) (tally, error) {
	return goTest(ctx, log, "tools", "./...")
}

func vetSuite(ctx context.Context, log io.Writer) (t tally, err error) {
	t.step(ctx, log, "go vet", "go", "vet", "./...")
	t.step(ctx, log, "go vet of the tools", "go", "-C", "tools", "vet", "./...")
	t.step(ctx, log, "go vet of the chart's renderer", "go", "-C", "tools/chart", "vet", "./...")
	return t, nil
}

func lintSuite(ctx context.Context, log io.Writer) (t tally, err error) {
	t.step(ctx, log, "make lint", "make", "--no-print-directory", "lint")
	return t, nil
}

func buildSuite(ctx context.Context, log io.Writer) (t tally, err error) {
	t.step(ctx, log, "make build", "make", "--no-print-directory", "build")
	if t.Failed > 0 {
		return t, nil
	}
	info, err := os.Stat(binary)
	if err != nil {
		return t, err
	}
	mb := float64(info.Size()) / 1e6
	fmt.Fprintf(log, "%s: %.1f MB\n", binary, mb)
	if mb > maxBinaryMB {
		t.fail(fmt.Sprintf("%s has %.1f MB, more than %d: see which component grew", binary, mb, maxBinaryMB))
	} else {
		t.pass()
	}
	if linked, err := isDynamic(binary); err != nil {
		return t, err
	} else if linked {
		t.fail(binary + " needs a dynamic loader, so it does not run on every distribution")
	} else {
		t.pass()
	}
	return t, nil
}

// chartSuite has the built binary validate what the chart configures.
func chartSuite(ctx context.Context, log io.Writer) (tally, error) {
	return goTest(ctx, log, "tools/chart", "-count=1", "./...")
}

func unitSuite(ctx context.Context, log io.Writer) (tally, error) {
	packages, err := unitPackages(ctx, log)
	if err != nil {
		return tally{}, err
	}
	return goTest(ctx, log, ".", append([]string{"-race", "-timeout=25m"}, packages...)...)
}

// kernelPackages load BPF into the running kernel; see kernelSuite.
var kernelPackages = []string{"./receiver/flowlogreceiver", "./receiver/flowlogreceiver/internal/probe"}

// clusterPackages start a Kubernetes cluster, and the last an Elasticsearch beside it;
// see clusterSuite.
var clusterPackages = []string{"./tests/cluster", "./tests/identity", "./tests/demo", "./tests/deploy"}

// elasticPackages start an Elasticsearch; see elasticSuite.
var elasticPackages = []string{
	"./internal/testkit/elasticsearch",
	"./internal/elastic/document/elastictest", "./internal/elastic/kibana/elastictest", "./internal/elastic/reader/elastictest",
	"./exporter/flowelasticsearchexporter/internal/elastictest",
	"./extension/flowelasticsearchextension/internal/elastictest", "./tests/elastic",
}

// unitPackages lists the root module's packages without those that have a
// suite of their own.
func unitPackages(ctx context.Context, log io.Writer) ([]string, error) {
	out, err := output(ctx, log, "go", "list", "./...")
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, out)
	}
	elsewhere := slices.Concat(kernelPackages, clusterPackages, elasticPackages, []string{"./tests/e2e"})
	var packages []string
	for name := range strings.FieldsSeq(out) {
		own := slices.ContainsFunc(elsewhere, func(path string) bool {
			return strings.HasSuffix(name, strings.TrimPrefix(path, "."))
		})
		if !own {
			packages = append(packages, name)
		}
	}
	return packages, nil
}

// kernelSuite runs without the race detector, whose slowdown would turn a test
// of rates into a test of the detector, and one package at a time, so that
// tests that count every connection of the machine do not see each other's.
func kernelSuite(ctx context.Context, log io.Writer) (tally, error) {
	return goTest(ctx, log, ".", append([]string{"-p=1", "-count=1", "-timeout=18m"}, kernelPackages...)...)
}

// clusterSuite runs one package at a time: a cluster is load enough. The limit
// holds a build of Kubernetes from nothing.
func clusterSuite(ctx context.Context, log io.Writer) (tally, error) {
	return goTest(ctx, log, ".", append([]string{"-p=1", "-count=1", "-timeout=50m"}, clusterPackages...)...)
}

// elasticSuite runs one package at a time: a server takes two cores to start, and a
// gigabyte. The limit holds its download.
func elasticSuite(ctx context.Context, log io.Writer) (tally, error) {
	return goTest(ctx, log, ".", append([]string{"-p=1", "-count=1", "-timeout=28m"}, elasticPackages...)...)
}

var fuzzTarget = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)

func fuzzSuite(ctx context.Context, log io.Writer) (t tally, err error) {
	files, err := trackedFiles(ctx, log, "*_test.go")
	if err != nil {
		return t, err
	}
	for _, name := range files {
		source, err := os.ReadFile(name)
		if err != nil {
			return t, err
		}
		for _, m := range fuzzTarget.FindAllStringSubmatch(string(source), -1) {
			pkg := "./" + filepath.Dir(name)
			t.step(ctx, log, pkg+" "+m[1], "go", "test", "-run=^$", "-fuzz=^"+m[1]+"$", "-fuzztime="+fuzzRuns, "-fuzzminimizetime="+fuzzMinimize, pkg)
		}
	}
	return t, nil
}

// pagesTest drives the pages of the running binary in a browser; it is a suite
// of its own, because it needs Node.js.
const pagesTest = "^TestPagesInChromium$"

func e2eSuite(ctx context.Context, log io.Writer) (tally, error) {
	return goTest(ctx, log, ".", "-count=1", "-timeout=14m", "-skip="+pagesTest, "./tests/e2e")
}

func uiSuite(ctx context.Context, log io.Writer) (t tally, err error) {
	t.step(ctx, log, "npm ci", "npm", "--prefix", uiDir, "ci", "--no-audit", "--no-fund")
	if t.Failed > 0 {
		return t, nil
	}
	t.step(ctx, log, "types", "npm", "--prefix", uiDir, "run", "typecheck")
	report, err := filepath.Abs(filepath.Join(logDir, "vitest.json"))
	if err != nil {
		return t, err
	}
	if err := os.Remove(report); err != nil && !os.IsNotExist(err) {
		return t, err
	}
	out, runErr := output(ctx, log, "npm", "--prefix", uiDir, "test", "--", "--reporter=json", "--outputFile="+report)
	counted, err := countVitest(report)
	if err == nil && runErr != nil && counted.Failed == 0 {
		err = fmt.Errorf("vitest: %w\n%s", runErr, out)
	}
	t.add(counted)
	return t, err
}

func browserSuite(ctx context.Context, log io.Writer) (t tally, err error) {
	if _, err := os.Stat(filepath.Join(uiDir, "node_modules")); err != nil {
		t.step(ctx, log, "npm ci", "npm", "--prefix", uiDir, "ci", "--no-audit", "--no-fund")
	}
	out, runErr := output(ctx, log, "npm", "--prefix", uiDir, "run", "e2e")
	mocked := countPageChecks(out)
	if runErr != nil && mocked.Failed == 0 {
		mocked.fail(fmt.Sprintf("npm run e2e: %v\n%s", runErr, out))
	}
	if mocked.Passed+mocked.Failed == 0 {
		mocked.fail("npm run e2e reported no test\n" + out)
	}
	t.add(mocked)
	real, err := goTest(ctx, log, ".", "-count=1", "-timeout=14m", "-run="+pagesTest, "./tests/e2e")
	t.add(real)
	return t, err
}
