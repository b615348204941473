package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// testEvent is a line of `go test -json`; see `go doc cmd/test2json`.
type testEvent struct {
	Action      string
	Package     string
	ImportPath  string
	Test        string
	Output      string
	FailedBuild string
}

// goTests collects what `go test -json` reports. Subtests count one each; a
// test with subtests counts only if it failed by itself.
type goTests struct {
	output  map[string][]string // by package, test; of builds by import path
	results map[string]string   // "package test" -> pass, fail, skip
	order   []string
	failed  map[string]bool // packages with a failed test
	tally   tally
}

// countGoTests reads the events of one `go test -json` run and copies what a
// person would have seen to log.
func countGoTests(events io.Reader, log io.Writer) (tally, error) {
	g := goTests{output: map[string][]string{}, results: map[string]string{}, failed: map[string]bool{}}
	scan := bufio.NewScanner(events)
	scan.Buffer(nil, 1<<20)
	var broken []testEvent
	for scan.Scan() {
		var e testEvent
		if err := json.Unmarshal(scan.Bytes(), &e); err != nil {
			fmt.Fprintln(log, scan.Text())
			continue
		}
		fmt.Fprint(log, e.Output)
		switch e.Action {
		case "output":
			g.output[e.Package+" "+e.Test] = append(g.output[e.Package+" "+e.Test], e.Output)
		case "build-output":
			g.output[e.ImportPath] = append(g.output[e.ImportPath], e.Output)
		case "pass", "fail", "skip":
			if e.Test != "" {
				g.end(e)
			} else if e.Action == "fail" {
				broken = append(broken, e)
			}
		}
	}
	g.count()
	// A package fails without a failed test when it does not build, panics,
	// leaks or runs out of time.
	for _, e := range broken {
		if !g.failed[e.Package] {
			g.tally.fail(e.Package + "\n" + strings.Join(append(g.output[e.FailedBuild], g.output[e.Package+" "]...), ""))
		}
	}
	return g.tally, scan.Err()
}

func (g *goTests) end(e testEvent) {
	key := e.Package + " " + e.Test
	g.results[key] = e.Action
	g.order = append(g.order, key)
}

// count turns results into the tally; children end before their parents.
func (g *goTests) count() {
	hasChild, childFailed := map[string]bool{}, map[string]bool{}
	for _, key := range g.order {
		result := g.results[key]
		if cut := strings.LastIndex(key, "/"); cut > strings.Index(key, " ") {
			hasChild[key[:cut]] = true
			childFailed[key[:cut]] = childFailed[key[:cut]] || result == "fail"
		}
		switch {
		case result == "fail":
			pkg, _, _ := strings.Cut(key, " ")
			g.failed[pkg] = true
			if !childFailed[key] {
				g.tally.fail(key + "\n" + strings.Join(g.output[key], ""))
			}
		case hasChild[key]:
		case result == "skip":
			g.tally.skip(skipReason(key, g.output[key]))
		default:
			g.tally.pass()
		}
	}
}

// skipReason finds what the test gave to t.Skip, which is the last line that
// is not test2json's own frame.
func skipReason(key string, output []string) string {
	pkg, test, _ := strings.Cut(key, " ")
	name := pkg[strings.LastIndex(pkg, "/")+1:] + "." + test
	for _, line := range slices.Backward(output) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "--- ") || strings.HasPrefix(line, "=== ") {
			continue
		}
		return name + ": " + line
	}
	return name + ": no reason given"
}
