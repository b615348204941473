package identity

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/cluster"
)

// TestRealPodsByTheirGroups has a kubelet and a container runtime make pods, and takes what
// a record says of their processes from where the receiver does.
func TestRealPodsByTheirGroups(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("real nodes need root")
	}
	s := newSite(t, cluster.Options{Nodes: 1})
	peer := func(name string, host bool) object {
		containers := func(of ...string) (list []object) {
			for _, c := range of {
				list = append(list, object{"name": c, "image": cluster.NetpeerImage, "imagePullPolicy": "Never", "args": []string{"serve"}})
			}
			return list
		}
		spec := object{"nodeName": s.NodeName(0), "hostNetwork": host, "containers": containers("main")}
		if !host {
			sidecar := containers("sidecar")
			sidecar[0]["restartPolicy"] = "Always"
			// Two servers in one network would be in each other's way: this one waits for an
			// answer that does not come.
			sidecar[0]["args"] = []string{"dial", "-network=udp", "-timeout=1h", "192.0.2.1:9"}
			spec["initContainers"] = sidecar
		}
		return object{"metadata": object{"name": name}, "spec": spec}
	}
	s.create(pods, peer("own-network", false))
	s.create(pods, peer("node-network", true))
	require.NoError(t, s.WaitPodsReady(t.Context(), "shop", 2))
	p, sink, _ := s.startProcessor(s.Kubeconfig(), oneNode(s.NodeName(0)))

	seen := make(map[string]string)
	for _, process := range s.netpeers() {
		record := between(s.NodeAddress(0).String()+":40000", "8.8.8.8:53")
		record.Process.Cgroup, record.NetworkNamespace = flow.Intern(process.group), process.namespace
		before := sink.LogRecordCount()
		require.NoError(t, p.ConsumeLogs(t.Context(), encode(record)))
		s.eventually("it is passed on", func() bool { return sink.LogRecordCount() > before })
		source, _ := s.read(sink)
		seen[source.Pod.String()+"/"+source.Container.String()] = source.Node.String()
	}
	node := s.NodeName(0)
	assert.Equal(t, map[string]string{"own-network/main": node, "own-network/sidecar": node, "node-network/main": node}, seen)
}

type process struct {
	group     string
	namespace uint32
}

// netpeers are the processes of pods of this cluster's node.
func (s *site) netpeers() (list []process) {
	s.t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cgroup")
	require.NoError(s.t, err)
	for _, file := range all {
		dir := filepath.Dir(file)
		text, err := os.ReadFile(file)
		name, _ := os.ReadFile(filepath.Join(dir, "comm"))
		info, statErr := os.Stat(filepath.Join(dir, "ns/net"))
		if err != nil || statErr != nil || strings.TrimSpace(string(name)) != "netpeer" {
			continue
		}
		_, group, ok := strings.Cut(string(text), "0::")
		if !ok {
			continue
		}
		group, _, _ = strings.Cut(group, "\n")
		if strings.Contains(group, s.NodeName(0)+"/") {
			list = append(list, process{group, uint32(info.Sys().(*syscall.Stat_t).Ino)})
		}
	}
	return list
}
