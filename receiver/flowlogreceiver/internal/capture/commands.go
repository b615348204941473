//go:build linux

package capture

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/cmdline"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
)

const (
	// maxCommands bounds how many command lines are remembered; past it they are
	// read anew.
	maxCommands = 8192
	// commandCuts is for how many intervals one is remembered that nobody asks for.
	commandCuts = 12
	// maxCommandRead is how much of a command line is looked at.
	maxCommandRead = 32 << 10
	// startTicks is the kernel's unit for the start of a process, USER_HZ.
	startTicks = 100
	// machinePIDs is the inode number of the machine's own pid namespace.
	machinePIDs = "pid:[4026531836]"
)

// commands finds the command lines of processes. A process is looked at when an
// event first names it, and once in each interval that has more of its events: a
// pid may be another process by then. Nil finds nothing.
type commands struct {
	proc    string // where procfs is mounted
	options cmdline.Options
	known   map[image]command
	cuts    uint64
	asleep  int64 // nanoseconds by which CLOCK_BOOTTIME is ahead of CLOCK_MONOTONIC
}

// image is a process while it runs one program.
type image struct {
	pid uint32
	exe [probe.ExeLen]byte
}

type command struct {
	started int64 // nanoseconds of CLOCK_MONOTONIC, rounded down
	line    flow.Name
	looked  uint64 // the cut since which this is known to hold
}

// newCommands fails if pids here are not those that the kernel tells.
func newCommands(proc string, options cmdline.Options) (*commands, error) {
	namespace, err := os.Readlink(filepath.Join(proc, "self/ns/pid"))
	if err != nil {
		return nil, err
	}
	if namespace != machinePIDs {
		return nil, errors.New("the collector is in a pid namespace of its own: run it in the machine's, in a pod with hostPID: true")
	}
	c := &commands{proc: proc, options: options, known: make(map[image]command), cuts: 1}
	c.align()
	return c, nil
}

// of returns the command line of the process that ev names, unknown if it is gone
// or is another one by now.
func (c *commands) of(ev *probe.Event) flow.Name {
	if c == nil || ev.PID == 0 {
		return flow.Name{}
	}
	of := image{ev.PID, ev.Exe}
	known, ok := c.known[of]
	if !ok || known.looked != c.cuts {
		known = c.look(ev, known, ok)
		if !ok && len(c.known) >= maxCommands {
			clear(c.known)
		}
		c.known[of] = known
	}
	if known.started > ev.Time {
		return flow.Name{}
	}
	return known.line
}

// look finds out whether known, if there is one, still holds, and reads the
// command line if it does not. What is known of a process that has gone holds.
func (c *commands) look(ev *probe.Event, known command, ok bool) command {
	started, err := c.started(ev.PID)
	if same := ok && (err != nil || known.started == started); !same {
		known = command{started: started}
		if err == nil && c.runs(ev) {
			known.line = c.read(ev.PID)
		}
	}
	known.looked = c.cuts
	return known
}

// started reads when a process began, field 22 of proc_pid_stat(5).
func (c *commands) started(pid uint32) (int64, error) {
	stat, err := os.ReadFile(c.path(pid, "stat"))
	if err != nil {
		return 0, err
	}
	// The name before may hold anything, parentheses too.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 20 {
		return 0, fmt.Errorf("read start of process %d: %d fields", pid, len(fields))
	}
	ticks, err := strconv.ParseInt(fields[19], 10, 64)
	return ticks*(1e9/startTicks) - c.asleep, err
}

// runs reports whether the process still runs the program that ev names, as far as
// it may be asked.
func (c *commands) runs(ev *probe.Event) bool {
	exe, err := os.Readlink(c.path(ev.PID, "exe"))
	if err != nil {
		return true
	}
	sent := strings.TrimRight(string(ev.Exe[:]), "\x00")
	return strings.HasPrefix(filepath.Base(exe), sent)
}

func (c *commands) read(pid uint32) flow.Name {
	f, err := os.Open(c.path(pid, "cmdline"))
	if err != nil {
		return flow.Name{}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxCommandRead))
	if err != nil {
		return flow.Name{}
	}
	raw := string(data)
	if len(raw) == maxCommandRead {
		// Half an argument may be half a secret, which no pattern knows.
		raw = raw[:strings.LastIndexByte(raw, 0)+1]
	}
	return flow.InternKnown(cmdline.Format(raw, c.options))
}

func (c *commands) path(pid uint32, file string) string {
	return filepath.Join(c.proc, strconv.FormatUint(uint64(pid), 10), file)
}

// cut begins the next interval and forgets whom nobody asked for.
func (c *commands) cut() {
	if c == nil {
		return
	}
	c.cuts++
	for of, known := range c.known {
		if known.looked+commandCuts < c.cuts {
			delete(c.known, of)
		}
	}
	c.align()
}

// align notes for how long the machine has slept: processes begin by a clock that
// goes on meanwhile.
func (c *commands) align() {
	var boot unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot); err == nil {
		c.asleep = boot.Nano() - probe.Monotonic()
	}
}
