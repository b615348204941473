//go:build linux

package elasticsearch

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/prometheus/procfs"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/daemon"
)

const (
	// patience bounds the start of the server; it is long, so that a busy machine
	// does not fail a test.
	patience = 5 * time.Minute
	// grace is what the server gets to end by itself before it is killed.
	grace = 30 * time.Second
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
	*daemon.Daemon
}

// run starts the server and waits until it has recovered its data and knows the
// administrator.
func (s *Server) run(ctx context.Context) error {
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
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Credential:  &syscall.Credential{Uid: nobody, Gid: nobody},
			AmbientCaps: []uintptr{readAnything},
		}
	}
	d, err := daemon.Start("Elasticsearch", cmd, s.path("server.log"))
	if err != nil {
		return err
	}
	s.process = &process{d}
	admin := s.As(s.Admin)
	return d.Ready(ctx, patience, "not ready", func(ctx context.Context) error {
		return admin.Do(ctx, http.MethodGet, "/_cluster/health?wait_for_status=yellow&timeout=5s", nil, nil)
	})
}

// stop asks the process to end, kills it after grace, and returns once it has
// ended. It may be called again.
func (p *process) stop() error {
	_ = p.Cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	p.EndsWithin(grace)
	return p.kill()
}

// kill ends the launcher and the server at once, and returns once they have ended.
// It may be called again.
func (p *process) kill() error {
	group := -p.Cmd.Process.Pid
	deadline := time.Now().Add(grace)
	for {
		// The server outlives the launcher for a moment; as an orphan it is reaped by
		// init, so the group is empty only a little later.
		err := syscall.Kill(group, syscall.SIGKILL)
		if errors.Is(err, syscall.ESRCH) {
			<-p.Exited()
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
		if stat, err := proc.Stat(); err == nil && stat.PGRP == p.Cmd.Process.Pid { // others end meanwhile
			seconds += stat.CPUTime()
		}
	}
	return time.Duration(seconds * float64(time.Second)), nil
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
