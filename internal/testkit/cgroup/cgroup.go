//go:build linux

// Package cgroup gives tests control groups of their own, and processes in them. It
// needs root.
package cgroup

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
)

var made atomic.Int64

// New makes a group with a name that nothing else has below parent, the directory of
// another or where cgroup2 is mounted, and returns its directory. It is removed with
// the test, before which whatever was started in it must have ended.
func New(tb testing.TB, parent string) string {
	tb.Helper()
	return Named(tb, parent, fmt.Sprintf("flowlog-test-%d-%d", os.Getpid(), made.Add(1)))
}

// Named is New with a name for the group.
func Named(tb testing.TB, parent, name string) string {
	tb.Helper()
	dir := filepath.Join(parent, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := os.Remove(dir); err != nil {
			tb.Error(err)
		}
	})
	return dir
}

// Start starts a command in a group.
func Start(tb testing.TB, dir string, cmd *exec.Cmd) {
	tb.Helper()
	group, err := os.Open(dir)
	if err != nil {
		tb.Fatal(err)
	}
	defer group.Close()
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(group.Fd())}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
}
