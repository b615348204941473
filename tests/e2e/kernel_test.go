package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// kernelObject is a BPF program, map or link by the ID the kernel gave it.
type kernelObject struct {
	kind string // prog_id, map_id or link_id, as in /proc/<pid>/fdinfo
	id   uint32
}

// heldObjects lists the BPF objects that a process has open. Naming those of
// one process keeps the test apart from whatever else loads BPF meanwhile.
func heldObjects(t testing.TB, pid int) []kernelObject {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	var held []kernelObject
	for _, name := range files {
		file, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		scan := bufio.NewScanner(file)
		for scan.Scan() {
			kind, value, _ := strings.Cut(scan.Text(), ":")
			if kind != "prog_id" && kind != "map_id" && kind != "link_id" {
				continue
			}
			id, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			held = append(held, kernelObject{kind, uint32(id)})
		}
		file.Close()
	}
	slices.SortFunc(held, func(a, b kernelObject) int {
		if c := strings.Compare(a.kind, b.kind); c != 0 {
			return c
		}
		return int(a.id) - int(b.id)
	})
	return slices.Compact(held)
}

// exists asks the kernel whether it still has the object.
func (o kernelObject) exists() error {
	var err error
	var object interface{ Close() error }
	switch o.kind {
	case "prog_id":
		object, err = ebpf.NewProgramFromID(ebpf.ProgramID(o.id))
	case "map_id":
		object, err = ebpf.NewMapFromID(ebpf.MapID(o.id))
	case "link_id":
		object, err = link.NewFromID(link.ID(o.id))
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s %d: %w", o.kind, o.id, err)
	}
	object.Close()
	return fmt.Errorf("%s %d is still in the kernel", o.kind, o.id)
}

// pins lists what is pinned in the BPF file system.
func pins(t *testing.T) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir("/sys/fs/bpf", func(path string, _ fs.DirEntry, err error) error {
		names = append(names, path)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return names
}

func TestNothingStaysInTheKernel(t *testing.T) {
	for name, end := range map[string]func(*collector){
		"after a graceful stop": func(c *collector) { c.stop() },
		"after a kill":          (*collector).kill,
	} {
		t.Run(name, func(t *testing.T) {
			before := pins(t)
			c := start(t, t.TempDir()).ready()
			held := heldObjects(t, c.cmd.Process.Pid)
			for _, kind := range []string{"prog_id", "map_id", "link_id"} {
				if !slices.ContainsFunc(held, func(o kernelObject) bool { return o.kind == kind }) {
					t.Errorf("a running collector holds no %s: this test would see nothing", kind)
				}
			}
			if during := pins(t); !slices.Equal(before, during) {
				t.Errorf("pinned before %v, while running %v", before, during)
			}
			end(c)
			for _, o := range held {
				// The kernel frees them after a grace period.
				c.eventually("freed", o.exists)
			}
			if after := pins(t); !slices.Equal(before, after) {
				t.Errorf("pinned before %v, after %v", before, after)
			}
		})
	}
}
