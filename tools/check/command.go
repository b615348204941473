package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// command prepares a command whose whole process group ends with ctx.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	return cmd
}

// output runs a command and returns all it printed, which also goes to log.
func output(ctx context.Context, log io.Writer, name string, args ...string) (string, error) {
	fmt.Fprintf(log, "$ %s %s\n", name, strings.Join(args, " "))
	var buf bytes.Buffer
	cmd := command(ctx, name, args...)
	cmd.Stdout = io.MultiWriter(&buf, log)
	cmd.Stderr = cmd.Stdout
	err := cmd.Run()
	return buf.String(), err
}

// step runs a command as one check.
func (t *tally) step(ctx context.Context, log io.Writer, what, name string, args ...string) {
	if out, err := output(ctx, log, name, args...); err != nil {
		t.fail(fmt.Sprintf("%s: %v\n%s", what, err, out))
		return
	}
	t.pass()
}

// goTest runs `go test -json` with args and counts its tests.
func goTest(ctx context.Context, log io.Writer, dir string, args ...string) (tally, error) {
	args = append([]string{"test", "-json"}, args...)
	fmt.Fprintf(log, "$ go %s\n", strings.Join(args, " "))
	cmd := command(ctx, "go", args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = io.MultiWriter(&stderr, log)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return tally{}, err
	}
	if err := cmd.Start(); err != nil {
		return tally{}, err
	}
	t, err := countGoTests(stdout, log)
	if waitErr := cmd.Wait(); waitErr != nil && t.Failed == 0 {
		err = errors.Join(err, fmt.Errorf("go test: %w\n%s", waitErr, stderr.String()))
	}
	return t, err
}

// trackedFiles lists the files git knows that match the patterns and exist.
func trackedFiles(ctx context.Context, log io.Writer, patterns ...string) ([]string, error) {
	args := append([]string{"ls-files", "--cached", "--others", "--exclude-standard", "-z", "--"}, patterns...)
	out, err := exec.CommandContext(ctx, "git", args...).Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	var files []string
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
			files = append(files, name)
		}
	}
	fmt.Fprintf(log, "%d files match %s\n", len(files), strings.Join(patterns, " "))
	return files, nil
}
