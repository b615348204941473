//go:build linux

package elastictest_test

import (
	"bufio"
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

// exporterVariable tells this program to be an exporter, and has its target.
const exporterVariable = "FLOWLOGS_TEST_EXPORTER"

// TestEachRecordOnceThroughAnything kills the exporter in the middle of what it does, while
// between it and the server requests and answers go astray. FLOWLOGS_TEST_SCHEDULES has it
// try that many, which are else three.
func TestEachRecordOnceThroughAnything(t *testing.T) {
	schedules := 3
	if text := os.Getenv("FLOWLOGS_TEST_SCHEDULES"); text != "" {
		var err error
		schedules, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	for range schedules {
		seed := rand.Uint64()
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { // the seed says how the faults fall, not when
			random := rand.New(rand.NewPCG(seed, 0))
			r := newRig(t, shared.Get(t), strconv.FormatUint(seed, 36))
			between := newFaults(t, r.target, random.Uint64())
			r.URL, r.CA = between.URL, ""

			taken := 0
			for range 5 {
				exporter := startProcess(t, r.target, taken+1)
				time.Sleep(time.Duration(random.IntN(1500)) * time.Millisecond)
				taken = max(taken, exporter.kill(t))
			}
			// What was in the queue without having been acknowledged is written anew, with the
			// same ids.
			exporter := startProcess(t, r.target, taken+1)
			exporter.takes(t, taken+2*mostAtOnce)
			taken = exporter.end(t)
			between.faultless()
			require.Eventually(t, func() bool { return r.count(t, schema.Allowed) >= taken }, patience, 50*time.Millisecond, between)
			exporter.wait(t)
			r.await(t, schema.Allowed, taken)
			require.Zero(t, r.count(t, schema.Rejected))
			t.Logf("%d records; %s", taken, between)
			between.mustHaveHappened(t)
		})
	}
}

// mostAtOnce is how many records an exporter is given at once, at most.
const mostAtOnce = 200

// process is an exporter that is killed. It is given records as fast as it takes them.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	said  chan int // the last record that it took, each time; closed when it says no more
	taken int      // the last that was received, 0 before
}

// startProcess starts one that is given records from a number on.
func startProcess(t *testing.T, to target, from int) *process {
	t.Helper()
	text, err := json.Marshal(to)
	require.NoError(t, err)
	cmd := exec.Command(os.Args[0], strconv.Itoa(from))
	cmd.Env = append(os.Environ(), exporterVariable+"="+string(text))
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	p := &process{cmd: cmd, stdin: stdin, said: make(chan int, 1<<16)}
	go func() {
		defer close(p.said)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			if n, err := strconv.Atoi(lines.Text()); err == nil {
				p.said <- n
			}
		}
	}()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return p
}

// takes waits until it has taken a record.
func (p *process) takes(t *testing.T, number int) {
	t.Helper()
	for p.taken < number {
		n, ok := <-p.said
		require.True(t, ok, "the exporter ended")
		p.taken = n
	}
}

// kill kills it, and returns the last record that it had taken, 0 if none.
func (p *process) kill(t *testing.T) int {
	t.Helper()
	require.NoError(t, p.cmd.Process.Kill())
	p.rest()
	_ = p.cmd.Wait() // says that it was killed
	return p.taken
}

// end gives it no more records, and returns the last that it took.
func (p *process) end(t *testing.T) int {
	t.Helper()
	require.NoError(t, p.stdin.Close())
	p.rest()
	return p.taken
}

// rest reads what it says until it says no more.
func (p *process) rest() {
	for n := range p.said {
		p.taken = n
	}
}

// wait waits until it ends by itself, which it does when it is told of the end by a signal.
func (p *process) wait(t *testing.T) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, p.cmd.Wait())
}
