package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// patience bounds every wait for something that a program does by itself; it is
	// long, so that a busy machine does not fail a test.
	patience = 2 * time.Minute
	// grace is what a program gets to end by itself before it is killed.
	grace = 15 * time.Second
	// tailBytes is how much of a log an error shows.
	tailBytes = 4 << 10
)

// process is a program of the cluster that runs in the background.
type process struct {
	name   string
	cmd    *exec.Cmd
	log    string        // path of what it prints
	exited chan struct{} // closed once it has ended
}

// starter starts processes from one thread that lives as long as the cluster: the
// kernel kills them when the thread that started them ends, which is what ends
// them with a test that is killed, and any other thread may end earlier.
type starter struct {
	commands chan *exec.Cmd
	results  chan error
}

func newStarter() starter {
	s := starter{make(chan *exec.Cmd), make(chan error)}
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for cmd := range s.commands {
			s.results <- cmd.Start()
		}
	}()
	return s
}

func (s starter) start(cmd *exec.Cmd) error {
	s.commands <- cmd
	return <-s.results
}

// close ends the thread. No process may run any more.
func (s starter) close() { close(s.commands) }

// start runs a program whose output goes to <dir>/logs/<name>.log, after what an
// earlier run of it left there.
func (c *Cluster) start(name string, cmd *exec.Cmd) (*process, error) {
	if c.stopped {
		return nil, fmt.Errorf("start %s: the cluster has been stopped", name)
	}
	path := filepath.Join(c.dir, logsDir, name+".log")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	cmd.Stdout, cmd.Stderr = file, file
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	cmd.SysProcAttr.Setpgid = true // Ctrl-C is for the launcher, which stops them in order
	if err := c.starter.start(cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &process{name: name, cmd: cmd, log: path, exited: make(chan struct{})}
	go func() {
		defer close(p.exited)
		_ = cmd.Wait() // how it ended is in ProcessState
	}()
	c.processes = append(c.processes, p)
	return p, nil
}

// ready repeats try, which needs the process, until it succeeds. It fails when the
// process ends, when ctx does, or after limit, and then shows the end of the
// process's log.
func (p *process) ready(ctx context.Context, limit time.Duration, what string, try func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-p.exited:
			cancel(fmt.Errorf("it has ended: %s", p.cmd.ProcessState))
		case <-ctx.Done():
		}
	}()
	if err := until(ctx, limit, try); err != nil {
		return fmt.Errorf("%s: %s: %w\n%s", p.name, what, err, p.tail())
	}
	return nil
}

// until repeats try until it succeeds, ctx ends or limit is over; the error holds
// what try said last. It rests as long as a try takes, so that a wait is not the
// load that it waits for.
func until(ctx context.Context, limit time.Duration, try func(context.Context) error) error {
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

// stop asks the process to end, kills it after grace, and returns once it has
// ended. It may be called again.
func (p *process) stop() error {
	p.signal(syscall.SIGTERM)
	if !p.endsInTime() {
		return p.kill()
	}
	return nil
}

// kill ends the process at once, paused or not, and returns once it has ended. It
// may be called again.
func (p *process) kill() error {
	p.signal(syscall.SIGKILL)
	if !p.endsInTime() {
		return fmt.Errorf("%s (pid %d) still runs after SIGKILL", p.name, p.cmd.Process.Pid)
	}
	return nil
}

func (p *process) endsInTime() bool {
	select {
	case <-p.exited:
		return true
	case <-time.After(grace):
		return false
	}
}

// pause holds the process until resume. A signal returns before the last thread has
// stopped.
func (p *process) pause() error {
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	for {
		err := unix.Waitid(unix.P_PID, p.cmd.Process.Pid, nil, unix.WSTOPPED, nil)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

func (p *process) resume() error { return p.cmd.Process.Signal(syscall.SIGCONT) }

// signal ignores that the process may have ended meanwhile.
func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// tail returns the end of the log for a person to read.
func (p *process) tail() string {
	file, err := os.Open(p.log)
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
	return fmt.Sprintf("the end of the log of %s:\n%s%s", p.name, cut, bytes.TrimSpace(text))
}
