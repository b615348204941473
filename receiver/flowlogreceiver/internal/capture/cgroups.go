//go:build linux

package capture

import (
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// maxCgroups bounds how many ids are remembered, with a path and without.
const maxCgroups = 65536

// cgroups finds the path of a control group by its id, which is the inode
// number of its directory. Unknown ids are looked for by walking the tree, at
// most once in an interval.
type cgroups struct {
	root   string // mount point of cgroup2, or "" when there is none
	paths  map[uint64]flow.Name
	gone   map[uint64]struct{}
	walked bool
}

// newCgroups looks below root, or finds no path if that is empty.
func newCgroups(root string) *cgroups {
	return &cgroups{root: root, paths: make(map[uint64]flow.Name), gone: make(map[uint64]struct{})}
}

// path returns the path below the root of the tree, or unknown.
func (c *cgroups) path(id uint64) flow.Name {
	if id == 0 || c.root == "" {
		return flow.Name{}
	}
	if name, ok := c.paths[id]; ok {
		return name
	}
	if _, ok := c.gone[id]; ok || c.walked {
		return flow.Name{}
	}
	c.walk()
	if name, ok := c.paths[id]; ok {
		return name
	}
	if len(c.gone) >= maxCgroups {
		clear(c.gone)
	}
	c.gone[id] = struct{}{}
	return flow.Name{}
}

// walk reads the whole tree. Groups that have gone keep their path, for their
// last events may still come; ids are not used again.
func (c *cgroups) walk() {
	c.walked = true
	if len(c.paths) >= maxCgroups {
		clear(c.paths)
	}
	// What cannot be read has no path; the rest of the tree still has.
	_ = filepath.WalkDir(c.root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return nil
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			below := strings.TrimPrefix(path, c.root)
			c.paths[stat.Ino] = flow.Intern("/" + strings.TrimPrefix(below, "/"))
		}
		return nil
	})
}

// cut allows the next walk.
func (c *cgroups) cut() { c.walked = false }
