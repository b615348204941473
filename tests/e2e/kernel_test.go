package e2e

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"testing"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/bpfobjects"
)

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
			held := bpfobjects.HeldBy(t, c.cmd.Process.Pid)
			for _, kind := range []string{bpfobjects.Program, bpfobjects.Map, bpfobjects.Link} {
				if !slices.ContainsFunc(held, func(o bpfobjects.Object) bool { return o.Kind == kind }) {
					t.Errorf("a running collector holds no %s: this test would see nothing", kind)
				}
			}
			if during := pins(t); !slices.Equal(before, during) {
				t.Errorf("pinned before %v, while running %v", before, during)
			}
			end(c)
			for _, o := range held {
				// The kernel frees them after a grace period.
				c.eventually("freed", o.Gone)
			}
			if after := pins(t); !slices.Equal(before, after) {
				t.Errorf("pinned before %v, after %v", before, after)
			}
		})
	}
}
