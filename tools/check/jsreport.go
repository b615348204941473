package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// countVitest reads the report that `vitest --reporter=json` leaves at path.
func countVitest(path string) (tally, error) {
	var report struct {
		TestResults []struct {
			Name, Status, Message string
			AssertionResults      []struct {
				Status, FullName string
				FailureMessages  []string
			}
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return tally{}, fmt.Errorf("vitest left no report: %w", err)
	}
	if err := json.Unmarshal(data, &report); err != nil {
		return tally{}, fmt.Errorf("read %s: %w", path, err)
	}
	var t tally
	for _, file := range report.TestResults {
		failed := false
		for _, test := range file.AssertionResults {
			switch test.Status {
			case "passed":
				t.pass()
			case "failed":
				failed = true
				t.fail(test.FullName + "\n" + strings.Join(test.FailureMessages, "\n"))
			default:
				t.skip(test.FullName + ": " + test.Status)
			}
		}
		if file.Status == "failed" && !failed {
			t.fail(file.Name + "\n" + file.Message)
		}
	}
	return t, nil
}

var pageCheck = regexp.MustCompile(`^(ok|FAILED) +(.+)$`)

// countPageChecks counts what the pages' own browser tests print: a line for
// each check, and indented under one that failed, why.
func countPageChecks(out string) tally {
	var t tally
	var why *string
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		m := pageCheck.FindStringSubmatch(line)
		switch {
		case m == nil && why != nil && strings.HasPrefix(line, " "):
			*why += ": " + strings.TrimSpace(line)
		case m == nil:
			why = nil
		case m[1] == "FAILED":
			t.fail(m[2])
			why = &t.Failures[len(t.Failures)-1]
		default:
			t.pass()
			why = nil
		}
	}
	return t
}
