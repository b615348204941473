package e2e

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// runScript prepares what `make run` calls once the binary is built.
func runScript(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	script, err := filepath.Abs(filepath.Join(root, "tools", "run"))
	if err != nil {
		t.Fatal(err)
	}
	return exec.Command(script, args...)
}

func TestRunSaysWhereToLookAndStopsOnInterrupt(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("make run needs root")
	}
	c := run(t, runScript(t, binary), freeAddress(t), t.TempDir()).ready()
	c.eventually("the address is printed", func() error {
		if !strings.Contains(c.log.String(), "Flow Visualizer: "+c.base+"/\n") {
			return errors.New("not yet")
		}
		return nil
	})
	if err := c.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := c.wait(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

func TestRunNamesTheCureForAPortInUse(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("make run needs root")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := run(t, runScript(t, binary), l.Addr().String(), t.TempDir())
	if code := c.wait(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if !strings.Contains(c.log.String(), "make run PORT=") {
		t.Errorf("it says: %s", c.log)
	}
}

func TestRunAsksForRoot(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("becoming another user needs root")
	}
	dir := publicDir(t)
	script := filepath.Join(dir, "run")
	copyFile(t, filepath.Join(root, "tools", "run"), script)
	cmd := exec.Command(script, "/bin/true")
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534, NoSetGroups: true}}
	c := run(t, cmd, freeAddress(t), dir)
	if code := c.wait(); code != 1 || !strings.Contains(c.log.String(), "root") {
		t.Errorf("exit code %d, it says: %s", code, c.log)
	}
}
