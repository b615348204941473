package main

import (
	"fmt"
	"io"
	"strings"
)

// tally counts checks and keeps what must be said about them.
type tally struct {
	Passed, Failed, Skipped int
	// Skips holds one line per reason for skipping, Failures one text per
	// failed check.
	Skips, Failures []string
}

func (t *tally) add(u tally) {
	t.Passed += u.Passed
	t.Failed += u.Failed
	t.Skipped += u.Skipped
	t.Skips = append(t.Skips, u.Skips...)
	t.Failures = append(t.Failures, u.Failures...)
}

func (t *tally) pass() { t.Passed++ }

func (t *tally) fail(text string) {
	t.Failed++
	t.Failures = append(t.Failures, text)
}

func (t *tally) skip(reason string) {
	t.Skipped++
	t.Skips = append(t.Skips, reason)
}

func (t tally) line() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", t.Passed, t.Failed, t.Skipped)
}

// maxFailureLines bounds what is shown of one failure; the log has the rest.
const maxFailureLines = 120

func (t tally) print(out io.Writer) {
	for _, reason := range t.Skips {
		fmt.Fprintf(out, "      skipped: %s\n", reason)
	}
	for _, text := range t.Failures {
		lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
		if cut := len(lines) - maxFailureLines; cut > 0 {
			lines = append([]string{fmt.Sprintf("(%d lines before this one are in the log)", cut)}, lines[cut:]...)
		}
		fmt.Fprintf(out, "      FAILED: %s\n", strings.Join(lines, "\n        "))
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
