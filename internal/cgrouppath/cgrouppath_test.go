package cgrouppath

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	id    = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	other = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
	pod   = "5c9b1f0e-3a1d-4b64-9c5e-0a1b2c3d4e5f"
	hash  = "0c5a6f5e3b8d4f1c9e7a2b4d6f8a0c1e"
)

var systemdPod = strings.ReplaceAll(pod, "-", "_")

func TestParse(t *testing.T) {
	for name, test := range map[string]struct {
		path string
		want Path
	}{
		"root":                      {"/", Path{}},
		"nothing":                   {"", Path{}},
		"service":                   {"/system.slice/ssh.service", Path{}},
		"pod, cgroupfs":             {"/kubepods/besteffort/pod" + pod + "/" + id, Path{id, pod, id}},
		"guaranteed pod, cgroupfs":  {"/kubepods/pod" + pod + "/" + id, Path{id, pod, id}},
		"static pod":                {"/kubepods/burstable/pod" + hash + "/" + id, Path{id, hash, id}},
		"pod, containerd, systemd":  {"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + systemdPod + ".slice/cri-containerd-" + id + ".scope", Path{id, pod, id}},
		"guaranteed pod, systemd":   {"/kubepods.slice/kubepods-pod" + systemdPod + ".slice/cri-containerd-" + id + ".scope", Path{id, pod, id}},
		"pod, CRI-O, systemd":       {"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" + systemdPod + ".slice/crio-" + id + ".scope", Path{id, pod, id}},
		"Docker in a pod":           {"/kubepods/pod" + pod + "/" + id + "/docker/" + other, Path{other, pod, id}},
		"CRI-O, nested":             {"/kubepods.slice/kubepods-pod" + systemdPod + ".slice/crio-" + id + ".scope/container", Path{id, pod, id}},
		"CRI-O, cgroupfs":           {"/kubepods/pod" + pod + "/crio-" + id, Path{id, pod, id}},
		"CRI-O, monitor":            {"/kubepods.slice/kubepods-pod" + systemdPod + ".slice/crio-conmon-" + id + ".scope", Path{"", pod, ""}},
		"static pod, systemd":       {"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + hash + ".slice/cri-containerd-" + id + ".scope", Path{id, hash, id}},
		"drivers that differ":       {"/system.slice/containerd.service/kubepods-burstable-pod" + systemdPod + ".slice:cri-containerd:" + id, Path{id, pod, id}},
		"Docker, cgroupfs":          {"/docker/" + id, Path{id, "", ""}},
		"Docker, systemd":           {"/system.slice/docker-" + id + ".scope", Path{id, "", ""}},
		"Docker, nested":            {"/docker/" + id + "/init.scope", Path{id, "", ""}},
		"Podman, systemd":           {"/machine.slice/libpod-" + id + ".scope/container", Path{id, "", ""}},
		"Podman, rootless":          {"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + id + ".scope", Path{id, "", ""}},
		"Podman, cgroupfs":          {"/libpod_parent/libpod-" + id, Path{id, "", ""}},
		"Podman, monitor":           {"/machine.slice/libpod-conmon-" + id + ".scope", Path{}},
		"ECS":                       {"/ecs/0d5a6f5e3b8d4f1c9e7a2b4d6f8a0c1e/" + id, Path{id, "", ""}},
		"node in a container":       {"/docker/" + id + "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" + systemdPod + ".slice/cri-containerd-" + other + ".scope", Path{other, pod, other}},
		"seen from a namespace":     {"/../../pod" + pod + "/" + id, Path{id, pod, id}},
		"seen from a sibling":       {"/../cri-containerd-" + id + ".scope", Path{id, "", ""}},
		"too short":                 {"/docker/" + id[1:], Path{}},
		"too long":                  {"/docker/" + id + "0", Path{}},
		"upper case":                {"/docker/" + strings.ToUpper(id), Path{}},
		"a name that begins so too": {"/kubepods/podman/podcast.slice", Path{}},
		"dashes elsewhere":          {"/kubepods/pod5c9b1f0e3-a1d-4b64-9c5e-0a1b2c3d4e5f", Path{}},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, test.want, Parse(test.path)) })
	}
}

func TestParseAllocatesNothingForContainers(t *testing.T) {
	path := "/kubepods/besteffort/pod" + pod + "/" + id
	require.Zero(t, testing.AllocsPerRun(100, func() { Parse(path) }))
}

func FuzzParse(f *testing.F) {
	f.Add("/kubepods/besteffort/pod" + pod + "/" + id)
	f.Add("/kubepods.slice/kubepods-pod" + systemdPod + ".slice/cri-containerd-" + id + ".scope")
	f.Add("/../" + id + ":" + id + "//-pod.slice")
	f.Fuzz(func(t *testing.T, path string) {
		p := Parse(path)
		if p.ContainerID != "" && (len(p.ContainerID) != 64 || !strings.Contains(path, p.ContainerID)) {
			t.Errorf("%q: container %q", path, p.ContainerID)
		}
		if p.PodUID != "" && len(p.PodUID) != 32 && len(p.PodUID) != 36 {
			t.Errorf("%q: pod %q", path, p.PodUID)
		}
		if below := Parse(path + "/init.scope"); below != p {
			t.Errorf("%q: below it %+v, not %+v", path, below, p)
		}
		if above := Parse("/.." + path); strings.HasPrefix(path, "/") && above != p {
			t.Errorf("%q: from a namespace %+v, not %+v", path, above, p)
		}
	})
}
