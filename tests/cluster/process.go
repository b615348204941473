package cluster

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/daemon"
)

const (
	// patience bounds every wait for something that a program does by itself; it is
	// long, so that a busy machine does not fail a test.
	patience = 2 * time.Minute
	// grace is what a program gets to end by itself before it is killed.
	grace = 15 * time.Second
)

// process is a program of the cluster.
type process struct {
	*daemon.Daemon
}

// start runs a program whose output goes to <dir>/logs/<name>.log, after what an
// earlier run of it left there.
func (c *Cluster) start(name string, cmd *exec.Cmd) (*process, error) {
	if c.stopped {
		return nil, fmt.Errorf("start %s: the cluster has been stopped", name)
	}
	d, err := daemon.Start(name, cmd, filepath.Join(c.dir, logsDir, name+".log"))
	if err != nil {
		return nil, err
	}
	p := &process{d}
	c.processes = append(c.processes, p)
	return p, nil
}

// stop asks the process to end, kills it after grace, and returns once it has
// ended. It may be called again.
func (p *process) stop() error {
	p.signal(syscall.SIGTERM)
	if !p.EndsWithin(grace) {
		return p.kill()
	}
	return nil
}

// kill ends the process at once, paused or not, and returns once it has ended. It
// may be called again.
func (p *process) kill() error {
	p.signal(syscall.SIGKILL)
	if !p.EndsWithin(grace) {
		return fmt.Errorf("%s (pid %d) still runs after SIGKILL", p.Name, p.Cmd.Process.Pid)
	}
	return nil
}

// pause holds the process until resume. A signal returns before the last thread has
// stopped.
func (p *process) pause() error {
	if err := p.Cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	for {
		err := unix.Waitid(unix.P_PID, p.Cmd.Process.Pid, nil, unix.WSTOPPED, nil)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

func (p *process) resume() error { return p.Cmd.Process.Signal(syscall.SIGCONT) }

// signal ignores that the process may have ended meanwhile.
func (p *process) signal(s syscall.Signal) { _ = p.Cmd.Process.Signal(s) }
