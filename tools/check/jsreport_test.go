package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestVitestReportIsCounted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.json")
	const report = `{"testResults":[
		{"name":"a.test.ts","status":"failed","assertionResults":[
			{"status":"passed","fullName":"adds"},
			{"status":"failed","fullName":"divides","failureMessages":["expected 1"]},
			{"status":"pending","fullName":"later"}]},
		{"name":"b.test.ts","status":"failed","message":"does not compile","assertionResults":[]}]}`
	if err := os.WriteFile(path, []byte(report), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := countVitest(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.line() != "1 passed, 2 failed, 1 skipped" {
		t.Error(got.line())
	}
	if want := []string{"divides\nexpected 1", "b.test.ts\ndoes not compile"}; !slices.Equal(got.Failures, want) {
		t.Errorf("failures %q, want %q", got.Failures, want)
	}
}

func TestVitestWithoutReportIsAnError(t *testing.T) {
	if _, err := countVitest(filepath.Join(t.TempDir(), "none.json")); err == nil {
		t.Error("a missing report passed")
	}
}

func TestPageChecksAreCounted(t *testing.T) {
	got := countPageChecks("> npm says something\nok      opens\nFAILED  filters\n        expected 3 rows\n        got 2\nok      closes\n2 passed, 1 failed\n")
	if got.line() != "2 passed, 1 failed, 0 skipped" {
		t.Error(got.line())
	}
	if want := []string{"filters: expected 3 rows: got 2"}; !slices.Equal(got.Failures, want) {
		t.Errorf("failures %q, want %q", got.Failures, want)
	}
}
