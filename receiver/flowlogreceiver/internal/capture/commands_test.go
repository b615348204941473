//go:build linux

package capture

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/cmdline"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/probe"
)

// procfs is a directory that looks like /proc.
type procfs struct {
	t    *testing.T
	root string
}

func newProcfs(t *testing.T) procfs {
	p := procfs{t, t.TempDir()}
	require.NoError(t, os.MkdirAll(filepath.Join(p.root, "self/ns"), 0o755))
	require.NoError(t, os.Symlink(machinePIDs, filepath.Join(p.root, "self/ns/pid")))
	return p
}

// runs makes pid a process that began so many seconds ago.
func (p procfs) runs(pid uint32, ago int64, exe string, args ...string) {
	p.t.Helper()
	p.ends(pid)
	dir := filepath.Join(p.root, fmt.Sprint(pid))
	require.NoError(p.t, os.Mkdir(dir, 0o755))
	ticks := probe.Monotonic()/(1e9/startTicks) - ago*startTicks
	stat := fmt.Sprintf("%d (a ) b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 %d 20 21\n", pid, ticks)
	require.NoError(p.t, os.WriteFile(filepath.Join(dir, "stat"), []byte(stat), 0o644))
	require.NoError(p.t, os.WriteFile(filepath.Join(dir, "cmdline"), []byte(strings.Join(args, "\x00")+"\x00"), 0o644))
	require.NoError(p.t, os.Symlink("/usr/bin/"+exe, filepath.Join(dir, "exe")))
}

func (p procfs) ends(pid uint32) {
	require.NoError(p.t, os.RemoveAll(filepath.Join(p.root, fmt.Sprint(pid))))
}

func (p procfs) commands() *commands {
	p.t.Helper()
	c, err := newCommands(p.root, cmdline.Options{MaxLength: 100})
	require.NoError(p.t, err)
	c.asleep = 0
	return c
}

func by(pid uint32, exe string) *probe.Event {
	ev := &probe.Event{PID: pid, Time: probe.Monotonic()}
	copy(ev.Exe[:], exe)
	return ev
}

func TestCommands(t *testing.T) {
	p := newProcfs(t)
	c := p.commands()
	p.runs(7, 100, "curl", "curl", "--password", "x")
	require.Equal(t, "curl --password ***", c.of(by(7, "curl")).String())
	require.False(t, c.of(by(8, "curl")).Known(), "a process that has gone")
	require.False(t, c.of(by(0, "")).Known(), "no process")

	p.ends(7)
	require.Equal(t, "curl --password ***", c.of(by(7, "curl")).String(), "known before it went")
	c.cut()
	c.asleep = 0
	require.Equal(t, "curl --password ***", c.of(by(7, "curl")).String(), "in a later interval too")
}

func TestCommandsOfAPidThatIsUsedAgain(t *testing.T) {
	p := newProcfs(t)
	c := p.commands()
	p.runs(7, 100, "curl", "curl", "one")
	old := by(7, "curl")
	old.Time -= 50e9
	require.Equal(t, "curl one", c.of(old).String())
	p.runs(7, 20, "curl", "curl", "two")
	c.cut()
	c.asleep = 0
	require.Equal(t, "curl two", c.of(by(7, "curl")).String())
	require.False(t, c.of(old).Known(), "what the process before did is not this one's")

	p.runs(7, 10, "wget", "wget", "three")
	require.Equal(t, "wget three", c.of(by(7, "wget")).String(), "another program, within the interval")
	require.Equal(t, "curl two", c.of(by(7, "curl")).String())
	c.cut()
	c.asleep = 0
	require.False(t, c.of(by(7, "curl")).Known(), "a program that the process no longer runs")
}

func TestCommandsAreBounded(t *testing.T) {
	p := newProcfs(t)
	c := p.commands()
	for i := range maxCommands + 10 {
		c.of(by(uint32(i+1), "x"))
	}
	require.LessOrEqual(t, len(c.known), maxCommands)
	for range commandCuts + 2 {
		c.cut()
	}
	require.Empty(t, c.known, "forgotten when nobody asks")
}

func TestCommandsAreReadInPart(t *testing.T) {
	p := newProcfs(t)
	c := p.commands()
	// Redacting makes this short, and what lies at the limit would show.
	p.runs(7, 100, "x", "x", "--password="+strings.Repeat("y", maxCommandRead-30), "https://bob:hunter2@host")
	require.Equal(t, "x --password=***", c.of(by(7, "x")).String())
}

func TestCommandsNeedTheMachinesPids(t *testing.T) {
	p := newProcfs(t)
	namespace := filepath.Join(p.root, "self/ns/pid")
	require.NoError(t, os.Remove(namespace))
	require.NoError(t, os.Symlink("pid:[4026532000]", namespace))
	c, err := newCommands(p.root, cmdline.Options{})
	require.ErrorContains(t, err, "hostPID: true")
	require.False(t, c.of(by(7, "x")).Known())
	c.cut()
}
