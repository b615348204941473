package e2e

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// wantRefusal waits for a collector that cannot start and checks that it says
// why in one error that names each of the words.
func wantRefusal(t *testing.T, c *collector, words ...string) {
	t.Helper()
	if code := c.wait(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	var last string
	for line := range strings.Lines(c.log.String()) {
		if strings.HasPrefix(line, "Error: ") {
			last = line
		}
	}
	for _, word := range words {
		if !strings.Contains(last, word) {
			t.Errorf("the error does not name %q: %q", word, last)
		}
	}
	if strings.Contains(c.log.String(), "panic") {
		t.Error("it panicked")
	}
}

func TestPortInUseIsNamed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := startAt(t, l.Addr().String(), t.TempDir())
	wantRefusal(t, c, l.Addr().String(), "in use", "endpoint")
}

func TestEndpointWithoutAPortIsNamed(t *testing.T) {
	c := startAt(t, "localhost", t.TempDir())
	wantRefusal(t, c, "localhost", "endpoint", "an address and a port")
}

// TestDefaultStartIsQuiet keeps the first minute free of what nobody can act on.
func TestDefaultStartIsQuiet(t *testing.T) {
	c := start(t, t.TempDir()).ready()
	for line := range strings.Lines(c.log.String()) {
		if strings.Contains(line, "\twarn\t") || strings.Contains(line, "\terror\t") {
			t.Errorf("it says: %s", line)
		}
	}
}

func TestStoreDirectoryThatCannotBeWrittenIsNamed(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting a read-only file system needs root")
	}
	dir := t.TempDir()
	if err := syscall.Mount("flowlogs-test", dir, "tmpfs", syscall.MS_RDONLY, ""); err != nil {
		t.Fatalf("mount tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	wantRefusal(t, start(t, dir), dir, "read-only")
}

func TestStoreDirectoryThatIsAFileIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "flows")
	if err := os.WriteFile(file, []byte("notes\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, start(t, file), file, "not a directory")
	if content, err := os.ReadFile(file); err != nil || string(content) != "notes\n" {
		t.Errorf("the file holds %q now (%v)", content, err)
	}
}

func TestSecondCollectorOnTheSameStoreIsRefused(t *testing.T) {
	dir := t.TempDir()
	first := start(t, dir).ready()
	wantRefusal(t, start(t, dir), dir)
	if err := first.get("/api/v1/status", nil, nil); err != nil {
		t.Errorf("the first one no longer answers: %v", err)
	}
}

func TestMissingPrivilegeIsNamed(t *testing.T) {
	wantRefusal(t, runAsNobody(t), "flowlog", "CAP_BPF and CAP_PERFMON")
}

// runAsNobody runs the collector as another user than root, with these
// capabilities alone, with every engine.
func runAsNobody(t *testing.T, capabilities ...uintptr) *collector {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("dropping privileges needs root")
	}
	dir := publicDir(t)
	program := filepath.Join(dir, "otelcol-flowlogs")
	copyFile(t, binary, program)
	data := filepath.Join(dir, "data")
	const nobody = 65534
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(data, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--set=receivers.flowlog.interval=1s", "--set=receivers.flowlog.engines.dns.enabled=true",
		"--set=receivers.flowlog.engines.forward.enabled=true", "--set=receivers.flowlog.engines.forward.interfaces=[flowlogs-e2e*]")
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential:  &syscall.Credential{Uid: nobody, Gid: nobody, NoSetGroups: true},
		AmbientCaps: capabilities,
	}
	return run(t, cmd, freeAddress(t), data)
}

// Each engine needs what the README says and no more; one that lacks something
// says what, and the others go on.
func TestLeastPrivilege(t *testing.T) {
	two := []uintptr{unix.CAP_BPF, unix.CAP_PERFMON}
	for name, test := range map[string]struct {
		capabilities []uintptr
		missing      string // to the engines that see packets
	}{
		"tcp alone": {two, "CAP_NET_ADMIN"},
		"all":       {append(two, unix.CAP_NET_ADMIN), ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := runAsNobody(t, test.capabilities...).ready()
			port := traffic(t, 10, "hello", "an answer")
			c.eventually("flows", func() error { return c.sums(port, "once", map[string]int64{"flow.connections.completed": 10}) })
			var status struct {
				Agents []struct {
					Engines []struct {
						Name   string
						On     bool
						Detail string
					}
				}
			}
			if err := c.get("/api/v1/status", nil, &status); err != nil {
				t.Fatal(err)
			}
			for _, e := range status.Agents[0].Engines {
				missing := ""
				if e.Name != "tcp" && e.Name != "drops" {
					missing = test.missing
				}
				if strings.HasPrefix(e.Detail, "connection tracking") {
					continue // this machine's is not there, or a module
				}
				if e.On != (missing == "") || !strings.Contains(e.Detail, missing) {
					t.Errorf("engine %+v, want it to lack %q", e, missing)
				}
			}
		})
	}
}

// publicDir returns a directory that every user may enter; t.TempDir is for
// its owner only.
func publicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "flowlogs-e2e-") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(fmt.Errorf("copy %s: %w", from, err))
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}
