package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/daemon"
)

const (
	// daemonsCgroup, below the cluster's group, holds the daemons of the nodes.
	daemonsCgroup = "daemons"
	// killFile of a v2 group ends all in it and below (Linux 5.14).
	killFile = "cgroup.kill"
)

// hierarchies returns where control groups are mounted: one directory with cgroup
// v2 alone, one for each controller and one of v2 where both are in use. The one of
// v2 comes first.
func hierarchies() ([]string, error) {
	file, err := os.Open("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var v1, v2 []string
	scan := bufio.NewScanner(file)
	for scan.Scan() {
		switch f := strings.Fields(scan.Text()); f[2] {
		case "cgroup":
			v1 = append(v1, f[1])
		case "cgroup2":
			v2 = append(v2, f[1])
		}
	}
	if len(v2) == 0 {
		return nil, errors.New("no cgroup v2 is mounted: real nodes need it")
	}
	return append(v2[:1], v1...), scan.Err()
}

// makeCgroups makes a control group in every hierarchy, with what it must have
// before a process can be in it.
func makeCgroups(name string) error {
	roots, err := hierarchies()
	if err != nil {
		return err
	}
	for _, root := range roots {
		if err := os.MkdirAll(filepath.Join(root, name), 0o755); err != nil {
			return err
		}
		for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
			if err := inherit(root, name, file); err != nil {
				return err
			}
		}
	}
	if len(roots) > 1 {
		return nil // the controllers are in v1
	}
	return delegate(roots[0], name)
}

// delegate hands every controller of v2 down to the control group, where the
// kubelet demands them.
func delegate(root, name string) error {
	controllers, err := os.ReadFile(filepath.Join(root, "cgroup.controllers"))
	if err != nil {
		return err
	}
	var enable []string
	for c := range strings.FieldsSeq(string(controllers)) {
		enable = append(enable, "+"+c)
	}
	dir := root
	for part := range strings.SplitSeq(name, "/") {
		file := filepath.Join(dir, "cgroup.subtree_control")
		if err := os.WriteFile(file, []byte(strings.Join(enable, " ")), 0o644); err != nil {
			return fmt.Errorf("hand controllers down: %w", err)
		}
		dir = filepath.Join(dir, part)
	}
	return nil
}

// inherit copies a setting from the root down to the control group, which starts
// out empty in v1's cpuset hierarchy; other hierarchies have no such file at the root.
func inherit(root, name, file string) error {
	value, err := os.ReadFile(filepath.Join(root, file))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	dir := root
	for part := range strings.SplitSeq(name, "/") {
		dir = filepath.Join(dir, part)
		if err := os.WriteFile(filepath.Join(dir, file), value, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// openCgroup opens the v2 group for clone3, which starts a process right in it.
func openCgroup(name string) (*os.File, error) {
	roots, err := hierarchies()
	if err != nil {
		return nil, err
	}
	return os.Open(filepath.Join(roots[0], name))
}

// guard kills every process in the v2 group name and below once this process has
// ended, however it ended, or release is called.
func guard(name string) (release func() error, err error) {
	roots, err := hierarchies()
	if err != nil {
		return nil, err
	}
	// Only this process has the other end of what the shell reads.
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer read.Close()
	cmd := exec.Command("sh", "-c", `read -r _; echo 1 >"$0"`, filepath.Join(roots[0], name, killFile))
	cmd.Stdin = read
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is not for it
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start the guard of the nodes: %w", err), write.Close())
	}
	return func() error {
		err := write.Close()
		_ = cmd.Wait() // it fails where there is no group left to kill
		return err
	}, nil
}

// removeCgroups kills every process in the v2 group name and below, and removes the
// group from every hierarchy. It waits for the processes to be gone, bounded by
// patience.
func removeCgroups(ctx context.Context, name string) error {
	roots, err := hierarchies()
	if err != nil {
		return nil // without v2 there are none of ours
	}
	kill := filepath.Join(roots[0], name, killFile)
	if err := os.WriteFile(kill, []byte("1"), 0o644); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("kill the processes of the nodes: %w", err)
	}
	for _, root := range roots {
		err := daemon.Until(ctx, patience, func(context.Context) error { return removeTree(filepath.Join(root, name)) })
		if err != nil {
			return fmt.Errorf("remove control group: %w", err)
		}
	}
	return nil
}

// removeTree removes a control group and those below it, which the kernel refuses
// until the last process has left them.
func removeTree(dir string) error {
	var dirs []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, path := range slices.Backward(dirs) {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
