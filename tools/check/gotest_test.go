package main

import (
	"strings"
	"testing"
)

func TestGoTestEventsAreCountedByLeaf(t *testing.T) {
	const events = `
{"Action":"start","Package":"m/a"}
{"Action":"run","Package":"m/a","Test":"TestTable"}
{"Action":"pass","Package":"m/a","Test":"TestTable/one"}
{"Action":"output","Package":"m/a","Test":"TestTable/two","Output":"    a_test.go:9: want 1, got 2\n"}
{"Action":"fail","Package":"m/a","Test":"TestTable/two"}
{"Action":"fail","Package":"m/a","Test":"TestTable"}
{"Action":"output","Package":"m/a","Test":"TestRoot","Output":"    a_test.go:20: needs root\n"}
{"Action":"output","Package":"m/a","Test":"TestRoot","Output":"--- SKIP: TestRoot (0.00s)\n"}
{"Action":"skip","Package":"m/a","Test":"TestRoot"}
{"Action":"pass","Package":"m/a","Test":"TestPlain"}
{"Action":"fail","Package":"m/a"}
{"Action":"skip","Package":"m/none"}
`
	got, err := countGoTests(strings.NewReader(events), &strings.Builder{})
	if err != nil {
		t.Fatal(err)
	}
	if got.line() != "2 passed, 1 failed, 1 skipped" {
		t.Error(got.line())
	}
	if len(got.Failures) != 1 || !strings.Contains(got.Failures[0], "want 1, got 2") {
		t.Errorf("failures: %q", got.Failures)
	}
	if len(got.Skips) != 1 || got.Skips[0] != "a.TestRoot: a_test.go:20: needs root" {
		t.Errorf("skips: %q", got.Skips)
	}
}

func TestParentThatFailsByItselfIsAFailure(t *testing.T) {
	got, err := countGoTests(strings.NewReader(`
{"Action":"pass","Package":"m/a","Test":"TestX/sub"}
{"Action":"fail","Package":"m/a","Test":"TestX"}
{"Action":"fail","Package":"m/a"}
`), &strings.Builder{})
	if err != nil {
		t.Fatal(err)
	}
	if got.line() != "1 passed, 1 failed, 0 skipped" {
		t.Error(got.line())
	}
}

func TestPackageThatDoesNotBuildIsAFailure(t *testing.T) {
	got, err := countGoTests(strings.NewReader(`
{"ImportPath":"m/b [m/b.test]","Action":"build-output","Output":"b.go:3: undefined: x\n"}
{"ImportPath":"m/b [m/b.test]","Action":"build-fail"}
{"Action":"fail","Package":"m/b","FailedBuild":"m/b [m/b.test]"}
`), &strings.Builder{})
	if err != nil {
		t.Fatal(err)
	}
	if got.Failed != 1 || !strings.Contains(got.Failures[0], "undefined: x") {
		t.Errorf("%s %q", got.line(), got.Failures)
	}
}
