// Package bpfobjects tells tests which BPF objects a process holds. Asking one process
// keeps a test apart from whatever else loads BPF meanwhile.
package bpfobjects

import (
	"bufio"
	"cmp"
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

// The kinds of objects, as /proc/<pid>/fdinfo names them.
const (
	Program = "prog_id"
	Map     = "map_id"
	Link    = "link_id"
)

// Object is a BPF program, map or link by the ID that the kernel gave it.
type Object struct {
	Kind string // Program, Map or Link
	ID   uint32
}

// HeldBy lists the objects that the process with this pid has open, each once, sorted
// by kind and ID. It needs the rights of that process or root.
func HeldBy(tb testing.TB, pid int) []Object {
	tb.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid))
	if err != nil {
		tb.Fatal(err)
	}
	var held []Object
	for _, name := range files {
		file, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			tb.Fatal(err)
		}
		scan := bufio.NewScanner(file)
		for scan.Scan() {
			kind, value, _ := strings.Cut(scan.Text(), ":")
			if kind != Program && kind != Map && kind != Link {
				continue
			}
			id, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32)
			if err != nil {
				tb.Fatalf("%s: %v", name, err)
			}
			held = append(held, Object{kind, uint32(id)})
		}
		file.Close()
	}
	slices.SortFunc(held, func(a, b Object) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
	})
	return slices.Compact(held)
}

// Gone is nil once the kernel has freed the object. It may be called from any
// goroutine.
func (o Object) Gone() error {
	var err error
	var object interface{ Close() error }
	switch o.Kind {
	case Program:
		object, err = ebpf.NewProgramFromID(ebpf.ProgramID(o.ID))
	case Map:
		object, err = ebpf.NewMapFromID(ebpf.MapID(o.ID))
	case Link:
		object, err = link.NewFromID(link.ID(o.ID))
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s %d: %w", o.Kind, o.ID, err)
	}
	return errors.Join(fmt.Errorf("%s %d is still in the kernel", o.Kind, o.ID), object.Close())
}
