//go:build linux

// Package daemon runs programs in the background of tests. They end with the process that
// started them, even when that is killed.
package daemon

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// tailBytes is how much of a log an error shows.
const tailBytes = 8 << 10

// Daemon is a program that runs in the background. Any goroutine may use it.
type Daemon struct {
	Name string
	Cmd  *exec.Cmd // how it ended is in ProcessState once Exited is closed

	log    string
	exited chan struct{}
}

// Start runs a program, in a process group of its own, whose output goes to the file log,
// after what an earlier run of it left there. Ctrl-C is for who starts it.
func Start(name string, cmd *exec.Cmd, log string) (*Daemon, error) {
	file, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	cmd.Stdout, cmd.Stderr = file, file
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	d := &Daemon{Name: name, Cmd: cmd, log: log, exited: make(chan struct{})}
	if err := d.start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return d, nil
}

// start starts it from a thread that lives as long as it: the kernel kills it when that
// thread ends, and any other may end earlier than the process.
func (d *Daemon) start() error {
	d.Cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := d.Cmd.Start()
		started <- err
		if err == nil {
			_ = d.Cmd.Wait()
			close(d.exited)
		}
	}()
	return <-started
}

// Exited is closed once it has ended.
func (d *Daemon) Exited() <-chan struct{} { return d.exited }

// Running tells whether it has not ended.
func (d *Daemon) Running() bool {
	select {
	case <-d.exited:
		return false
	default:
		return true
	}
}

// EndsWithin waits until it has ended, and tells whether it did within limit.
func (d *Daemon) EndsWithin(limit time.Duration) bool {
	select {
	case <-d.exited:
		return true
	case <-time.After(limit):
		return false
	}
}

// Ready repeats try, which needs the program, until it succeeds. It fails when the program
// ends, when ctx does, or after limit; the error says what that means and shows the end of
// the log.
func (d *Daemon) Ready(ctx context.Context, limit time.Duration, what string, try func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-d.exited:
			cancel(fmt.Errorf("it has ended: %s", d.Cmd.ProcessState))
		case <-ctx.Done():
		}
	}()
	if err := Until(ctx, limit, try); err != nil {
		return fmt.Errorf("%s: %s: %w\n%s", d.Name, what, err, d.Tail())
	}
	return nil
}

// Tail returns the end of the log for a person to read.
func (d *Daemon) Tail() string {
	file, err := os.Open(d.log)
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	cut := ""
	if info, err := file.Stat(); err == nil && info.Size() > tailBytes {
		if _, err := file.Seek(-tailBytes, io.SeekEnd); err != nil {
			return err.Error()
		}
		cut = "... "
	}
	text, err := io.ReadAll(file)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("the end of the log of %s:\n%s%s", d.Name, cut, bytes.TrimSpace(text))
}

// Until repeats try until it succeeds, ctx ends or limit is over; the error holds what try
// said last. It rests as long as a try takes, so that a wait is not the load that it waits
// for.
func Until(ctx context.Context, limit time.Duration, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not within %s", limit))
	defer cancel()
	for {
		start := time.Now()
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; last: %w", context.Cause(ctx), err)
		case <-time.After(max(100*time.Millisecond, time.Since(start))):
		}
	}
}
