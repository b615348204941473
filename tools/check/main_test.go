package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestCheckClosesWithOneLineAndFailsWhenItMust(t *testing.T) {
	counts := func(name string, passed, failed, skipped int, err error) suite {
		return suite{name, "about " + name, time.Minute, func(context.Context, io.Writer) (tally, error) {
			return tally{Passed: passed, Failed: failed, Skipped: skipped}, err
		}}
	}
	for name, tc := range map[string]struct {
		suites  []suite
		pattern string
		code    int
		want    string
	}{
		"all pass":              {[]suite{counts("a", 2, 0, 1, nil), counts("b", 3, 0, 0, nil)}, "", 0, "5 passed, 0 failed, 1 skipped"},
		"a failed check":        {[]suite{counts("a", 2, 1, 0, nil), counts("b", 3, 0, 0, nil)}, "", 1, "5 passed, 1 failed, 0 skipped"},
		"a suite that broke":    {[]suite{counts("a", 2, 0, 0, errors.New("no compiler"))}, "", 1, "2 passed, 1 failed, 0 skipped"},
		"a suite that ran none": {[]suite{counts("a", 2, 0, 0, nil), counts("b", 0, 0, 0, nil)}, "", 1, "2 passed, 1 failed, 0 skipped"},
		"a suite all skipped":   {[]suite{counts("a", 0, 0, 4, nil)}, "", 1, "0 passed, 1 failed, 4 skipped"},
		"a selection":           {[]suite{counts("a", 2, 1, 0, nil), counts("b", 3, 0, 0, nil)}, "b", 0, "3 passed, 0 failed, 0 skipped"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			var out strings.Builder
			code := check(context.Background(), &out, tc.suites, tc.pattern, false)
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			if last := lines[len(lines)-1]; code != tc.code || last != tc.want {
				t.Errorf("exit code %d and %q, want %d and %q", code, last, tc.code, tc.want)
			}
		})
	}
}

func TestPatternThatMatchesNothingFails(t *testing.T) {
	var out strings.Builder
	if code := check(context.Background(), &out, suites(), "no such suite", false); code == 0 {
		t.Error("exit code 0")
	}
}

func TestSuiteThatHangsIsStopped(t *testing.T) {
	t.Chdir(t.TempDir())
	hang := suite{"hang", "", time.Millisecond, func(ctx context.Context, log io.Writer) (tally, error) {
		var t tally
		t.step(ctx, log, "sleep", "sleep", "60")
		return t, nil
	}}
	var out strings.Builder
	if code := check(context.Background(), &out, []suite{hang}, "", false); code != 1 || !strings.Contains(out.String(), "limit of 1ms") {
		t.Errorf("exit code %d, output:\n%s", code, &out)
	}
}
