//go:build linux

package probe

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/bpf"
)

const (
	// rootGroup is the id of the group that holds all others: the first of its file system.
	rootGroup = 1
	// maxLevels is how deep groups may lie for their ids to be known.
	maxLevels = 64
)

// Scope says whose sockets count: those that were made in a control group or below
// it. With the zero Scope all count.
type Scope struct {
	dir   string // of the group
	group uint64 // its id
	level int32  // how far it is below the root of all groups
}

// Everything reports whether the sockets of every group count.
func (s Scope) Everything() bool { return s == Scope{} }

// Dir is the directory of the group, or where cgroup2 is mounted if all count; "" if it
// is not.
func (s Scope) Dir() string {
	if s.Everything() {
		return CgroupRoot()
	}
	return s.dir
}

// FindScope returns the scope of a group, which is a path below the mount of cgroup2.
// It fails if there is no such group, or if the kernel cannot tell what is below one.
//
// Without a path it is all that the mount shows. That is less than everything where a
// node is itself a container: its mount shows what belongs to the node. A mount that
// shows the collector's own group and nothing around it is a container's usual view,
// which says nothing about a node.
func FindScope(path string) (Scope, error) {
	mount := CgroupRoot()
	switch {
	case mount == "" && path == "":
		return Scope{}, nil // each engine says what it lacks
	case mount == "":
		return Scope{}, errors.New("cgroup2 is not mounted: mount it, or in a pod mount the host's /sys/fs/cgroup")
	}
	level, own, err := levelOf(mount)
	if err != nil {
		return Scope{}, err
	}
	path = strings.Trim(path, "/")
	switch {
	case path != "":
		level += 1 + strings.Count(path, "/")
	case level == 0 || own:
		return Scope{}, nil
	}
	return scopeOf(filepath.Join(mount, path), level)
}

// levelOf returns how far below the root of all groups the group is that a mount shows,
// and whether that is the collector's own, with nothing around it.
func levelOf(mount string) (level int, own bool, err error) {
	group, err := inode(mount)
	if err != nil {
		return 0, false, fmt.Errorf("look at the mount of cgroup2: %w", err)
	}
	if group == rootGroup {
		return 0, false, nil
	}
	groups, err := ownGroups()
	if err != nil {
		return 0, false, err
	}
	level = slices.Index(groups, group)
	if level < 0 {
		return 0, false, fmt.Errorf("the collector is in no group that %s shows: mount the host's cgroup2 there", mount)
	}
	return level, level == len(groups)-1, nil
}

// ownGroups returns the ids of the groups that this process is in, from the root of
// all down to its own.
func ownGroups() ([]uint64, error) {
	if err := missingForScope(); err != nil {
		return nil, err
	}
	var objects bpf.GroupsObjects
	if err := bpf.LoadGroupsObjects(&objects, nil); err != nil {
		return nil, fmt.Errorf("note own groups: %w", err)
	}
	defer objects.Close()
	if _, err := objects.NoteGroups.Run(&ebpf.RunOptions{}); err != nil {
		return nil, fmt.Errorf("note own groups: %w", err)
	}
	var ids [maxLevels]uint64
	if err := objects.OwnGroups.Get(&ids); err != nil {
		return nil, fmt.Errorf("note own groups: %w", err)
	}
	return ids[:max(0, slices.Index(ids[:], 0))], nil
}

func scopeOf(dir string, level int) (Scope, error) {
	if err := missingForScope(); err != nil {
		return Scope{}, err
	}
	group, err := inode(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return Scope{}, fmt.Errorf("there is no group %s: give the path below the mount of cgroup2, as /proc/PID/cgroup of a process in it has it", dir)
	}
	if err != nil {
		return Scope{}, fmt.Errorf("look at group: %w", err)
	}
	return Scope{dir, group, int32(level)}, nil
}

// missingForScope checks what a scope rests on that is not everything.
func missingForScope() error {
	if err := missingPrivilege(ownStatus, unix.CAP_BPF, unix.CAP_PERFMON); err != nil {
		return err
	}
	lacks, err := lacksMember("cgroup", "ancestors")
	if err != nil {
		return err
	}
	if lacks {
		return errors.New("the kernel does not tell programs what is below a group (Linux 6.1): run a newer kernel")
	}
	return nil
}

// inode is a group's id, if the file is its directory.
func inode(file string) (uint64, error) {
	info, err := os.Stat(file)
	if err != nil {
		return 0, err
	}
	return info.Sys().(*syscall.Stat_t).Ino, nil
}

// lacksMember reports whether the kernel's structure has no such member.
func lacksMember(structure, member string) (bool, error) {
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return false, fmt.Errorf("look up %s in the kernel's type information: %w", structure, err)
	}
	var found *btf.Struct
	if err := kernel.TypeByName(structure, &found); err != nil {
		return false, fmt.Errorf("look up %s in the kernel's type information: %w", structure, err)
	}
	return !hasMember(found.Members, member), nil
}

// hasMember looks into unnamed members, too.
func hasMember(members []btf.Member, name string) bool {
	return slices.ContainsFunc(members, func(m btf.Member) bool {
		if m.Name != "" {
			return m.Name == name
		}
		switch nested := btf.UnderlyingType(m.Type).(type) {
		case *btf.Struct:
			return hasMember(nested.Members, name)
		case *btf.Union:
			return hasMember(nested.Members, name)
		}
		return false
	})
}
