//go:build linux

package elasticsearch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
)

const (
	// patience bounds the start of the server; it is long, so that a busy machine
	// does not fail a test.
	patience = 5 * time.Minute
	// grace is what the server gets to end by itself before it is killed.
	grace = 30 * time.Second
	// tailBytes is how much of a log a failed test shows.
	tailBytes = 8 << 10
	// nobody is who the server runs as where tests run as root, which it refuses.
	nobody = 65534
	// readAnything (CAP_DAC_READ_SEARCH) lets nobody read the distribution where
	// the checkout is in a folder that only root may enter.
	readAnything = 2
	// Ports below those that the kernel gives to clients: the server's stays free
	// while a test has it stopped, and no client can connect to itself.
	firstPort, lastPort = 20000, 29999
)

// process is the server's launcher and the server, a process group.
type process struct {
	cmd    *exec.Cmd
	log    string
	exited chan struct{}
}

// run starts the server and waits until it has recovered its data and knows the
// administrator.
func (s *Server) run(ctx context.Context) error {
	log, err := os.OpenFile(s.path("server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	heap := s.options.Heap
	if heap == 0 {
		heap = defaultHeap
	}
	const quick = "-XX:TieredStopAtLevel=1" // the second compiler costs a start a third of its processor time
	compilers := quick
	if s.options.Optimized {
		compilers = ""
	}
	cmd := exec.Command(filepath.Join(s.home, "bin/elasticsearch"))
	cmd.Dir = s.path("logs")
	cmd.Env = append(os.Environ(),
		"ES_JAVA_HOME="+s.java, "ES_PATH_CONF="+s.path("config"), "ES_TMPDIR="+s.path("tmp"),
		"CLI_JAVA_OPTS="+quick,
		// Roles kept in an index need a module that the distribution does not have.
		fmt.Sprintf("ES_JAVA_OPTS=-Xms%dm -Xmx%dm -XX:-AlwaysPreTouch -Des.queryable_built_in_roles_enabled=false %s", heap, heap, compilers))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
		cmd.SysProcAttr.AmbientCaps = []uintptr{readAnything}
	}
	p := &process{cmd: cmd, log: log.Name(), exited: make(chan struct{})}
	if err := p.start(); err != nil {
		return fmt.Errorf("start Elasticsearch: %w", err)
	}
	s.process = p
	admin := s.As(s.Admin)
	return p.ready(ctx, func(ctx context.Context) error {
		return admin.Do(ctx, http.MethodGet, "/_cluster/health?wait_for_status=yellow&timeout=5s", nil, nil)
	})
}

// start starts the process from a thread that lives as long as it: the kernel kills
// it when that thread ends, which is what ends it with a test that is killed.
func (p *process) start() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait() // how it ended is in ProcessState
			close(p.exited)
		}
	}()
	return <-started
}

// ready repeats try until it succeeds. It fails when the process ends, when ctx
// does, or after patience, and then shows the end of the log.
func (p *process) ready(ctx context.Context, try func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-p.exited:
			cancel(fmt.Errorf("it has ended: %s", p.cmd.ProcessState))
		case <-ctx.Done():
		}
	}()
	if err := until(ctx, patience, try); err != nil {
		return fmt.Errorf("wait for Elasticsearch: %w\n%s", err, p.tail())
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
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.exited:
	case <-time.After(grace):
	}
	return p.kill()
}

// kill ends the launcher and the server at once, and returns once they have ended.
// It may be called again.
func (p *process) kill() error {
	group := -p.cmd.Process.Pid
	deadline := time.Now().Add(grace)
	for {
		// The server outlives the launcher for a moment; as an orphan it is reaped by
		// init, so the group is empty only a little later.
		err := syscall.Kill(group, syscall.SIGKILL)
		if errors.Is(err, syscall.ESRCH) {
			<-p.exited
			return nil
		}
		if err != nil {
			return fmt.Errorf("kill Elasticsearch (process group %d): %w", -group, err)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("process group %d still runs after SIGKILL", -group)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// used is the processor time of the launcher and the server.
func (p *process) used() (time.Duration, error) {
	all, err := procfs.AllProcs()
	if err != nil {
		return 0, err
	}
	var seconds float64
	for _, proc := range all {
		if stat, err := proc.Stat(); err == nil && stat.PGRP == p.cmd.Process.Pid { // others end meanwhile
			seconds += stat.CPUTime()
		}
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// tail returns the end of the log for a person to read.
func (p *process) tail() string {
	file, err := os.Open(p.log)
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > tailBytes {
		if _, err := file.Seek(-tailBytes, io.SeekEnd); err != nil {
			return err.Error()
		}
	}
	text, err := io.ReadAll(file)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("the end of the log of Elasticsearch:\n%s", bytes.TrimSpace(text))
}

// freePort finds a port of the loopback interface that nobody listens on.
func freePort() (uint16, error) {
	for range 100 {
		port := uint16(firstPort + rand.IntN(lastPort-firstPort+1))
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return port, l.Close()
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return 0, err
		}
	}
	return 0, fmt.Errorf("no free port among 100 of %d to %d", firstPort, lastPort)
}

// giveAway lets the server have a file or a folder.
func giveAway(path string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	return os.Chown(path, nobody, nobody)
}

func prefix() string { return fmt.Sprintf("flowlogs-elasticsearch-%d-", os.Getuid()) }
