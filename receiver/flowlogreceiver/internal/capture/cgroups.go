//go:build linux

package capture

import (
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/cgrouppath"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// maxCgroups bounds how many ids are remembered, with a path and without.
const maxCgroups = 65536

// cgroups finds the path of a control group by its id, which is the inode
// number of its directory. Unknown ids are looked for by walking the tree, at
// most once in an interval.
type cgroups struct {
	root   string // mount point of cgroup2, or "" when there is none
	groups map[uint64]cgroup
	gone   map[uint64]struct{}
	walked bool
}

// cgroup is what a record says of a control group.
type cgroup struct {
	path      flow.Name // below the root of the tree
	container flow.Name // its id
}

// newCgroups looks below root, or finds no path if that is empty.
func newCgroups(root string) *cgroups {
	return &cgroups{root: root, groups: make(map[uint64]cgroup), gone: make(map[uint64]struct{})}
}

// of returns the group with that id; nothing is known of one that is not found.
func (c *cgroups) of(id uint64) cgroup {
	if id == 0 || c.root == "" {
		return cgroup{}
	}
	if group, ok := c.groups[id]; ok {
		return group
	}
	if _, ok := c.gone[id]; ok || c.walked {
		return cgroup{}
	}
	c.walk()
	if group, ok := c.groups[id]; ok {
		return group
	}
	if len(c.gone) >= maxCgroups {
		clear(c.gone)
	}
	c.gone[id] = struct{}{}
	return cgroup{}
}

// walk reads the whole tree. Groups that have gone keep their path, for their
// last events may still come; ids are not used again.
func (c *cgroups) walk() {
	c.walked = true
	if len(c.groups) >= maxCgroups {
		clear(c.groups)
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
			below := "/" + strings.TrimPrefix(strings.TrimPrefix(path, c.root), "/")
			c.groups[stat.Ino] = cgroup{path: flow.Intern(below), container: flow.InternKnown(cgrouppath.Parse(below).ContainerID)}
		}
		return nil
	})
}

// cut allows the next walk.
func (c *cgroups) cut() { c.walked = false }
