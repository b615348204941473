package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait for something the collector does by itself; it is
// long, so that a busy machine does not fail a test.
const patience = time.Minute

// collector is a running binary on its default configuration, unless the
// arguments say otherwise.
type collector struct {
	t      testing.TB
	cmd    *exec.Cmd
	base   string // of the Flow Visualizer: http://127.0.0.1:port
	log    *logBuffer
	exited chan struct{}
}

// logBuffer collects what the process prints while tests read it.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// start runs the collector with its data in dir and a short interval, and ends
// it with the test. It does not wait: see ready.
func start(t testing.TB, dir string, args ...string) *collector {
	t.Helper()
	return startAt(t, freeAddress(t), dir, append([]string{"--set=receivers.flowlog.interval=1s"}, args...)...)
}

func startAt(t testing.TB, listen, dir string, args ...string) *collector {
	t.Helper()
	cmd := exec.Command(binary, args...)
	return run(t, cmd, listen, dir)
}

func run(t testing.TB, cmd *exec.Cmd, listen, dir string) *collector {
	t.Helper()
	c := &collector{t: t, cmd: cmd, base: "http://" + listen, log: &logBuffer{}, exited: make(chan struct{})}
	if cmd.Dir == "" {
		cmd.Dir = t.TempDir()
	}
	cmd.Env = append(cmd.Env, "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "FLOWLOGS_LISTEN="+listen, "FLOWLOGS_DATA="+dir)
	cmd.Stdout, cmd.Stderr = c.log, c.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(c.exited)
		cmd.Wait()
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-c.exited
		if t.Failed() {
			t.Logf("log of %v:\n%s", cmd.Args, c.log)
		}
	})
	return c
}

// ready waits until the Flow Visualizer answers and the receiver, which starts
// after it, records.
func (c *collector) ready() *collector {
	c.t.Helper()
	c.eventually("the collector is ready", func() error {
		c.running()
		if !strings.Contains(c.log.String(), "Everything is ready.") {
			return errors.New("it does not say so")
		}
		return c.get("/api/v1/status", nil, nil)
	})
	return c
}

// running fails the test if the collector has ended by itself.
func (c *collector) running() {
	c.t.Helper()
	select {
	case <-c.exited:
		c.t.Fatalf("the collector exited with %d", c.cmd.ProcessState.ExitCode())
	default:
	}
}

// stop ends the collector as a terminal or systemd does and returns its exit code.
func (c *collector) stop() int {
	c.t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		c.t.Fatal(err)
	}
	return c.wait()
}

// kill ends it with no chance to do anything.
func (c *collector) kill() {
	c.t.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		c.t.Fatal(err)
	}
	c.wait()
}

// wait returns the exit code of a collector that ends by itself.
func (c *collector) wait() int {
	c.t.Helper()
	select {
	case <-c.exited:
		return c.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		c.t.Fatalf("still running after %s", patience)
		return -1
	}
}

// eventually repeats try until it succeeds.
func (c *collector) eventually(what string, try func() error) {
	c.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("%s: not within %s: %v", what, patience, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// apiError is the body of a refused request.
type apiError struct {
	Status int
	Detail struct {
		Code, Message, Field string
		Offset               *int
	} `json:"error"`
}

func (e *apiError) Error() string {
	return fmt.Sprintf("status %d, code %q: %s", e.Status, e.Detail.Code, e.Detail.Message)
}

// get decodes the JSON at path into out, unless that is nil. A refusal is an
// *apiError.
func (c *collector) get(path string, query url.Values, out any) error {
	client := http.Client{Timeout: 20 * time.Second}
	resp, err := client.Get(c.base + path + "?" + query.Encode())
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		refused := &apiError{Status: resp.StatusCode}
		if err := json.Unmarshal(body, refused); err != nil {
			return errors.Join(err, fmt.Errorf("status %d: %s", resp.StatusCode, body))
		}
		return refused
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(body, out)
}

// freeAddress returns a loopback address nobody listens on.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
