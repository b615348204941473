// Command check runs every check of the project, cheap ones first, and closes
// with one line over all of them. It runs from the root of the repository:
// `make test` builds and calls it.
//
//	check                 every suite
//	check -run 'lint|e2e' the suites whose name matches
//	check -list           what there is
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

const logDir = ".cache/check"

func main() {
	pattern := flag.String("run", "", "run only the suites whose name matches this regular expression")
	list := flag.Bool("list", false, "list the suites and exit")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(check(ctx, os.Stdout, suites(), *pattern, *list))
}

// check runs the suites that match and returns the exit code: 0 when at least
// one suite ran and none failed.
func check(ctx context.Context, out io.Writer, all []suite, pattern string, list bool) int {
	match, err := regexp.Compile(pattern)
	if err != nil {
		fmt.Fprintf(out, "-run %q: %v\n", pattern, err)
		return 2
	}
	var chosen []suite
	for _, s := range all {
		if match.MatchString(s.name) {
			chosen = append(chosen, s)
		}
	}
	if len(chosen) == 0 {
		fmt.Fprintf(out, "-run %q matches no suite; -list shows them\n", pattern)
		return 2
	}
	if list {
		for _, s := range chosen {
			fmt.Fprintf(out, "%-10s %s\n", s.name, s.about)
		}
		return 0
	}

	start := time.Now()
	var total tally
	for i, s := range chosen {
		fmt.Fprintf(out, "[%d/%d] %-10s %s\n", i+1, len(chosen), s.name, s.about)
		total.add(s.report(ctx, out))
		if ctx.Err() != nil {
			fmt.Fprintln(out, "interrupted: the suites after this one did not run")
			total.Failed++
			break
		}
	}
	fmt.Fprintf(out, "\n%s in %s\n%s\n", plural(len(chosen), "suite"), elapsed(start), total.line())
	if total.Failed > 0 {
		return 1
	}
	return 0
}

// report runs one suite, prints its result, and returns what it counted. A
// suite that fails without a failed check, or that ran nothing, counts one.
func (s suite) report(ctx context.Context, out io.Writer) tally {
	start := time.Now()
	path := filepath.Join(logDir, s.name+".log")
	log, err := createLog(path)
	if err != nil {
		fmt.Fprintf(out, "      %v\n", err)
		return tally{Failed: 1}
	}
	defer log.Close()

	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	stopProgress := progress(out, s.name, start)
	t, err := s.run(ctx, log)
	stopProgress()

	if ctx.Err() == context.DeadlineExceeded {
		err = fmt.Errorf("stopped after its limit of %s", s.limit)
	}
	if err == nil && t.Passed+t.Failed == 0 {
		err = fmt.Errorf("ran nothing")
	}
	if err != nil {
		t.fail(err.Error())
	}
	t.print(out)
	if t.Failed > 0 {
		fmt.Fprintf(out, "      whole log: %s\n", path)
	}
	fmt.Fprintf(out, "      %s in %s\n", t.line(), elapsed(start))
	return t
}

func createLog(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	return os.Create(path)
}

// progress says once a minute that a suite is still running, so that a long
// one does not look hung.
func progress(out io.Writer, name string, start time.Time) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(time.Minute)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				fmt.Fprintf(out, "      %s is running for %s\n", name, elapsed(start))
			case <-done:
				return
			}
		}
	}()
	return func() { close(done); <-ended }
}

func elapsed(start time.Time) time.Duration { return time.Since(start).Round(100 * time.Millisecond) }
