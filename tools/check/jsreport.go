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

var tapLine = regexp.MustCompile(`^\s*(not )?ok\b\s*\d*\s*-?\s*(.*)$`)

// countTAP counts the lines of the Test Anything Protocol in out; the lines
// between a failed test and the next result explain it.
func countTAP(out string) tally {
	var t tally
	open := false
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		m := tapLine.FindStringSubmatch(line)
		switch {
		case m == nil:
			if open {
				t.Failures[len(t.Failures)-1] += "\n" + line
			}
			continue
		case m[1] != "":
			t.fail(m[2])
		case strings.Contains(strings.ToUpper(m[2]), "# SKIP"):
			t.skip(m[2])
		default:
			t.pass()
		}
		open = m[1] != ""
	}
	return t
}
