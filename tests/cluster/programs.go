package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// What can be built; a cluster builds only what its options ask for.
var (
	kubernetesBinaries = binaries{
		name: "kubernetes", module: "kubernetes", packages: []string{"."},
		about: "Kubernetes", of: "k8s.io/kubernetes", first: "about ten minutes",
		ldflags: kubernetesVersion,
		finish:  linkKubernetes,
	}
	etcdBinaries = binaries{
		name: "etcd", module: "runtime", packages: []string{"go.etcd.io/etcd/server/v3"},
		about: "etcd", of: "go.etcd.io/etcd/server/v3", first: "a minute",
		// The go command names a binary after its folder.
		finish: func(_ context.Context, _, dir string) error {
			return os.Rename(filepath.Join(dir, "server"), filepath.Join(dir, "etcd"))
		},
	}
	kwokBinaries = binaries{
		name: "kwok", module: "kwok", packages: []string{"sigs.k8s.io/kwok/cmd/kwok"},
		about: "kwok", of: "sigs.k8s.io/kwok", first: "a minute",
		finish: copyStages,
	}
	// CoreDNS shares the modules of Kubernetes in the same versions, and so what has been
	// compiled for that.
	corednsBinaries = binaries{
		name: "coredns", module: "coredns", packages: []string{"."},
		about: "CoreDNS", of: "github.com/coredns/coredns", first: "half a minute",
		finish: writeDNSImage,
	}
	containerdBinaries = binaries{
		name: "containerd", module: "runtime", packages: []string{
			"github.com/containerd/containerd/v2/cmd/containerd",
			"github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
			"github.com/containerd/containerd/v2/cmd/ctr",
			"github.com/containernetworking/plugins/plugins/ipam/host-local",
			"github.com/containernetworking/plugins/plugins/main/bridge",
			"github.com/containernetworking/plugins/plugins/main/loopback",
			"github.com/containernetworking/plugins/plugins/meta/portmap",
		},
		about: "containerd", of: "github.com/containerd/containerd/v2", first: "two minutes",
		tags: "no_btrfs,no_devmapper,no_zfs",
	}
	// runc is C in part; its seccomp filters need libseccomp to be built with.
	runcBinaries = binaries{
		name: "runc", module: "runtime", packages: []string{"github.com/opencontainers/runc"},
		about: "runc", of: "github.com/opencontainers/runc", first: "half a minute",
		cgo: true, tags: "netgo,osusergo,seccomp",
		ldflags: func(string) string { return " -extldflags -static" },
	}
)

// kubernetesPrograms are the names that tests/cluster/kubernetes answers to.
var kubernetesPrograms = []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl"}

// kubernetesVersion tells the programs their version, which their release builds
// put in the same way.
func kubernetesVersion(version string) string {
	major, rest, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	var flags strings.Builder
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		for _, value := range []string{"gitVersion=" + version, "gitMajor=" + major, "gitMinor=" + minor, "gitTreeState=clean"} {
			fmt.Fprintf(&flags, " -X %s.%s", pkg, value)
		}
	}
	return flags.String()
}

func linkKubernetes(_ context.Context, _, dir string) error {
	for _, name := range kubernetesPrograms {
		if err := os.Symlink("kubernetes", filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// stages are the folders of kwok's module that say how fake nodes and pods live:
// nodes that are ready at once and renew their lease, pods that run at once.
var stages = []string{"node/fast", "node/heartbeat-with-lease", "pod/fast"}

// stagesFile is their name beside the kwok binary; kwok does nothing without.
const stagesFile = "stages.yaml"

func copyStages(ctx context.Context, module, dir string) error {
	cmd := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok")
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("find the module of kwok: %w", err)
	}
	var all strings.Builder
	for _, stage := range stages {
		files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "kustomize/stage", stage, "*.yaml"))
		if err != nil {
			return err
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			if strings.Contains(string(text), "\nkind: Stage\n") {
				fmt.Fprintf(&all, "---\n%s\n", text)
			}
		}
	}
	if all.Len() == 0 {
		return fmt.Errorf("kwok's module has no stages in kustomize/stage")
	}
	return os.WriteFile(filepath.Join(dir, stagesFile), []byte(all.String()), 0o644)
}
