// Package cgrouppath reads what container runtimes and Kubernetes write into the
// paths of control groups.
package cgrouppath

import "strings"

// Path is what a path tells; what it does not tell is empty.
type Path struct {
	// ContainerID is the id of the innermost container, 64 hexadecimal digits.
	ContainerID string
	// PodUID is the UID of the pod around it as the API server writes it; that of a
	// static pod, which has no dashes, is the hash of its manifest.
	PodUID string
	// PodContainerID is the id of the pod's container, which may have others inside.
	PodContainerID string
}

// Parse reads a path of any depth, absolute or as a cgroup namespace shows it
// (/../..). It knows containerd, CRI-O, Docker and Podman by either cgroup driver:
//
//	/kubepods/besteffort/pod<uid>/<id>
//	/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod<uid>.slice/cri-containerd-<id>.scope
//	/system.slice/docker-<id>.scope
//	/machine.slice/libpod-<id>.scope/container
//
// Groups that a process made below its container's belong to the container.
func Parse(path string) Path {
	var p Path
	for rest := path; rest != ""; {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		if uid := podUID(part); uid != "" {
			p.PodUID, p.PodContainerID = uid, ""
		}
		if id := containerID(part); id != "" {
			p.ContainerID = id
			if p.PodUID != "" && p.PodContainerID == "" {
				p.PodContainerID = id
			}
		}
	}
	return p
}

const idLen = 64

// containerID takes <id>, <runtime>-<id>, <runtime>-<id>.scope, and what
// containerd makes of a systemd group with the other driver: <slice>:<runtime>:<id>.
func containerID(part string) string {
	part = strings.TrimSuffix(part, ".scope")
	if len(part) < idLen {
		return ""
	}
	before, id := part[:len(part)-idLen], part[len(part)-idLen:]
	for i := range idLen {
		if !isHex(id[i]) {
			return ""
		}
	}
	if before == "" || before[len(before)-1] == ':' {
		return id
	}
	// The monitor of a container has a group beside it, with the same id.
	if before[len(before)-1] != '-' || strings.HasSuffix(before, "conmon-") {
		return ""
	}
	return id
}

// podUID takes pod<uid> and kubepods[-<class>]-pod<uid>.slice, where systemd has
// underscores for dashes, with or without a container behind a colon.
func podUID(part string) string {
	part, _, _ = strings.Cut(part, ":")
	if slice, ok := strings.CutSuffix(part, ".slice"); ok {
		at := strings.LastIndex(slice, "-pod")
		if at < 0 {
			return ""
		}
		return uid(strings.ReplaceAll(slice[at+len("-pod"):], "_", "-"))
	}
	if u, ok := strings.CutPrefix(part, "pod"); ok {
		return uid(u)
	}
	return ""
}

// uid returns s if it is a UUID or an MD5 sum.
func uid(s string) string {
	digits := 0
	for i := range len(s) {
		switch {
		case isHex(s[i]):
			digits++
		case s[i] == '-' && (i == 8 || i == 13 || i == 18 || i == 23):
		default:
			return ""
		}
	}
	if digits != 32 || len(s) != 32 && len(s) != 36 {
		return ""
	}
	return s
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' }
