package identity

import (
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowk8sprocessor"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/cluster"
)

// TestRealPods has a kubelet and a container runtime make pods, and takes what a record
// says of their processes from where the receiver does. It runs its parts on one
// cluster, one after the other.
func TestRealPods(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("real nodes need root")
	}
	s := newSite(t, cluster.Options{Nodes: 1})
	onNode, gateway := s.startAsker(oneNode(s.NodeName(0))), s.startAsker(nil)
	part := func(name string, test func(*site)) {
		t.Run(name, func(t *testing.T) { test(&site{s.Cluster, t}) })
	}
	part("every sort of container by its group", func(s *site) { containersByGroup(s, onNode) })
	part("without an address yet", func(s *site) { noAddressYet(s, onNode, gateway) })
	part("terminating", func(s *site) { terminating(s, onNode, gateway) })
	part("an address that a job had", func(s *site) { addressOfJob(s, gateway) })
}

func containersByGroup(s *site, onNode *asker) {
	s.create(pods, s.peer("own-network", func(spec object) {
		sidecar := netpeer("sidecar", idle...)
		sidecar["restartPolicy"] = "Always"
		spec["initContainers"] = []object{sidecar}
	}))
	s.create(pods, s.peer("node-network", onNodeNetwork))
	s.create(pods, s.peer("initializing", func(spec object) {
		spec["initContainers"] = []object{netpeer("prepare", idle...)}
	}))
	for name, edit := range map[string]func(object){"static": nil, "static-agent": onNodeNetwork} {
		s.staticPeer(name, edit)
	}

	const kind = "Pod"
	node := s.NodeName(0)
	want := map[string][3]string{
		"own-network/main":     {node, kind, "own-network"},
		"own-network/sidecar":  {node, kind, "own-network"},
		"node-network/main":    {node, kind, "node-network"},
		"initializing/prepare": {node, kind, "initializing"},
		// The kubelet adds the node's name to what the manifest says.
		"static-" + node + "/main":       {node, kind, "static"},
		"static-agent-" + node + "/main": {node, kind, "static-agent"},
	}
	var seen map[string][3]string
	defer func() { s.t.Logf("containers seen: %v", seen) }()
	s.eventually("each container has its name", func() bool {
		seen = make(map[string][3]string)
		for _, process := range s.netpeers("") {
			source, _ := onNode.ask(s, process.flow(between(s.NodeAddress(0).String()+":40000", "8.8.8.8:53")))
			seen[source.Pod.String()+"/"+source.Container.String()] = [3]string{source.Node.String(), source.WorkloadKind.String(), source.WorkloadName.String()}
		}
		return maps.Equal(want, seen)
	})

	mirror := s.get("static-" + node)
	hash := mirror.Metadata.Annotations["kubernetes.io/config.hash"]
	require.NotEqual(s.t, hash, mirror.Metadata.UID)
	processes := s.netpeers(hash)
	require.Len(s.t, processes, 1, "its group is called after the manifest")
	source, _ := onNode.ask(s, processes[0].flow(between(mirror.Status.PodIP+":40000", "8.8.8.8:53")))
	assert.Equal(s.t, mirror.Metadata.UID, source.PodUID.String(), "the one that the API server knows it by")

	assert.Equal(s.t, "Pending", s.get("initializing").Status.Phase)
}

// noAddressYet has a pod wait for a volume: its group is there, its network is not.
func noAddressYet(s *site, onNode, gateway *asker) {
	pod := s.peer("waiting", func(spec object) {
		spec["volumes"] = []object{{"name": "settings", "configMap": object{"name": "later"}}}
		spec["containers"].([]object)[0]["volumeMounts"] = []object{{"name": "settings", "mountPath": "/settings"}}
	})
	uid := s.create(pods, pod).Metadata.UID
	early := process{group: "/kubepods/besteffort/pod" + uid}.flow(between("10.244.0.250:40000", "8.8.8.8:53"))
	s.eventually("its group is enough", func() bool {
		source, _ := onNode.ask(s, early)
		return source.Pod.String() == "waiting" && source.Uncertain.Empty()
	})
	require.Empty(s.t, s.get("waiting").Status.PodIP)

	s.create("/api/v1/namespaces/shop/configmaps", object{"metadata": object{"name": "later"}})
	s.eventually("it gets an address", func() bool { return s.get("waiting").Status.PodIP != "" })
	s.named(gateway, "waiting")
	source, _ := onNode.ask(s, early)
	assert.Equal(s.t, "waiting", source.Pod.String(), "the flow from before keeps its name")
}

// terminating has a pod that was deleted go on for as long as its grace period is.
func terminating(s *site, onNode, gateway *asker) {
	uid := s.create(pods, s.peer("leaving", func(spec object) {
		spec["terminationGracePeriodSeconds"] = 600
		spec["containers"].([]object)[0]["lifecycle"] = object{"preStop": object{"sleep": object{"seconds": 600}}}
	})).Metadata.UID
	s.eventually("it runs", func() bool { return s.get("leaving").running() && len(s.netpeers(uid)) == 1 })
	s.named(gateway, "leaving")
	require.NoError(s.t, s.Admin().Do(s.t.Context(), http.MethodDelete, pods+"/leaving", nil, nil))
	leaving := s.get("leaving")
	require.NotEmpty(s.t, leaving.Metadata.DeletionTimestamp)

	address := leaving.Status.PodIP
	source, _ := onNode.ask(s, s.netpeers(uid)[0].flow(at(time.Now(), address+":40000", "8.8.8.8:53")))
	assert.Equal(s.t, [2]string{"leaving", "main"}, [2]string{source.Pod.String(), source.Container.String()})
	assert.Empty(s.t, source.Uncertain.Strings())
	last := s.named(gateway, "leaving")
	s.remove(pods + "/leaving")
	s.eventually("it is gone", func() bool {
		_, destination := gateway.ask(s, at(time.Now(), "8.8.8.8:53", address+":8080"))
		return !destination.Pod.Known()
	})
	_, destination := gateway.ask(s, last)
	assert.Equal(s.t, "leaving", destination.Pod.String(), "what it did is its own")
}

// addressOfJob has the network plugin give a completed job's address to another pod, while
// the job's pod is still there.
func addressOfJob(s *site, gateway *asker) {
	s.create("/apis/batch/v1/namespaces/shop/jobs", object{"metadata": object{"name": "backup"}, "spec": object{"template": object{
		"spec": s.peer("", func(spec object) {
			spec["restartPolicy"] = "Never"
			// Long enough for a second in which it surely runs: the API tells seconds.
			spec["containers"] = []object{netpeer("main", "dial", "-network=udp", "-timeout=5s", "192.0.2.1:9")}
		})["spec"],
	}}})
	var done realPod
	s.eventually("its pod completes", func() bool {
		done = s.first("job-name=backup")
		return done.Status.Phase == "Succeeded" && s.netpeers(done.Metadata.UID) == nil
	})
	address := done.Status.PodIP
	lease := "/var/lib/cni/networks/pods/" + address
	s.eventually("its network goes", func() bool { return s.NodeCommand(0, "test", "-e", lease).Run() != nil })
	_, destination := gateway.ask(s, at(time.Now(), "8.8.8.8:53", address+":8080"))
	assert.False(s.t, destination.Pod.Known(), "nobody has it")
	// The plugin gives the addresses one after the other, and would be a while coming back.
	before := netip.MustParseAddr(address).Prev().String()
	require.NoError(s.t, s.NodeCommand(0, "sh", "-c", "printf %s "+before+" >/var/lib/cni/networks/pods/last_reserved_ip.0").Run())
	s.create(pods, s.peer("heir", nil))
	s.eventually("another gets its address", func() bool { return s.get("heir").running() })
	require.Equal(s.t, address, s.get("heir").Status.PodIP)

	now := s.named(gateway, "heir")
	then := at(done.Status.ContainerStatuses[0].State.Terminated.StartedAt.Add(2*time.Second), "8.8.8.8:53", address+":8080")
	_, destination = gateway.ask(s, then)
	assert.Equal(s.t, [3]string{done.Metadata.Name, "Job", "backup"},
		[3]string{destination.Pod.String(), destination.WorkloadKind.String(), destination.WorkloadName.String()}, "an older flow is the job's")
	both := then
	both.End = now.End
	_, destination = gateway.ask(s, both)
	assert.False(s.t, destination.Pod.Known())
	assert.Equal(s.t, []string{flow.UncertainAmbiguous}, destination.Uncertain.Strings())
}

// idle is what a process does that has nothing to do: it waits for an answer that does not
// come. Two servers in one network would be in each other's way.
var idle = []string{"dial", "-network=udp", "-timeout=1h", "192.0.2.1:9"}

func netpeer(container string, args ...string) object {
	return object{"name": container, "image": cluster.NetpeerImage, "imagePullPolicy": "Never", "args": args}
}

// peer is a pod of the node with one container. edit may change its spec.
func (s *site) peer(name string, edit func(spec object)) object {
	spec := object{"nodeName": s.NodeName(0), "containers": []object{netpeer("main", idle...)}}
	if edit != nil {
		edit(spec)
	}
	return object{"metadata": object{"name": name}, "spec": spec}
}

// staticPeer gives the node the manifest of a peer.
func (s *site) staticPeer(name string, edit func(spec object)) {
	s.t.Helper()
	pod := s.peer(name, edit)
	pod["apiVersion"], pod["kind"] = "v1", "Pod"
	pod["metadata"].(object)["namespace"] = "shop"
	require.NoError(s.t, s.StaticPod(0, name, pod))
}

func onNodeNetwork(spec object) { spec["hostNetwork"] = true }

// asker is a processor that is asked about one flow at a time.
type asker struct {
	processor.Logs
	sink *consumertest.LogsSink
}

func (s *site) startAsker(change func(*flowk8sprocessor.Config)) *asker {
	p, sink, _ := s.startProcessor(s.Kubeconfig(), change)
	return &asker{p, sink}
}

// ask returns what is known of the ends of a flow once it is passed on.
func (a *asker) ask(s *site, f flow.Flow) (source, destination flow.Kubernetes) {
	return a.askAgain(s, encode(f))
}

// askAgain is ask for a flow that another may have been asked about before.
func (a *asker) askAgain(s *site, logs plog.Logs) (source, destination flow.Kubernetes) {
	a.sink.Reset()
	require.NoError(s.t, a.ConsumeLogs(s.t.Context(), logs))
	s.eventually("it is passed on", func() bool { return a.sink.LogRecordCount() > 0 })
	return s.read(a.sink)
}

// at is a flow of one moment.
func at(when time.Time, source, destination string) flow.Flow {
	f := between(source, destination)
	f.Start, f.End = when.UnixNano(), when.UnixNano()
	return f
}

// named waits until a pod is known by its address, and returns a flow to it that was.
func (s *site) named(a *asker, pod string) (f flow.Flow) {
	s.t.Helper()
	s.eventually(pod+" is known by its address", func() bool {
		f = at(time.Now(), "8.8.8.8:53", s.get(pod).Status.PodIP+":8080")
		_, destination := a.ask(s, f)
		return destination.Pod.String() == pod && destination.Uncertain.Empty()
	})
	return f
}

// realPod is what the tests read of a pod that a kubelet tells of.
type realPod struct {
	Metadata struct {
		Name, UID, DeletionTimestamp string
		Annotations                  map[string]string
	}
	Status struct {
		Phase, PodIP      string
		ContainerStatuses []struct {
			State struct {
				Running    *struct{}
				Terminated *struct{ StartedAt time.Time }
			}
		}
	}
}

// running reports whether the first container runs.
func (p *realPod) running() bool {
	return len(p.Status.ContainerStatuses) > 0 && p.Status.ContainerStatuses[0].State.Running != nil
}

func (s *site) get(pod string) *realPod {
	s.t.Helper()
	var p realPod
	require.NoError(s.t, s.Admin().Do(s.t.Context(), http.MethodGet, pods+"/"+pod, nil, &p))
	return &p
}

// first is the first pod with a label, empty if there is none.
func (s *site) first(label string) realPod {
	s.t.Helper()
	var list struct{ Items []realPod }
	require.NoError(s.t, s.Admin().Do(s.t.Context(), http.MethodGet, pods+"?labelSelector="+url.QueryEscape(label), nil, &list))
	if len(list.Items) == 0 {
		return realPod{}
	}
	return list.Items[0]
}

type process struct {
	group     string
	namespace uint32
}

// flow is f as the receiver has it of the process.
func (p process) flow(f flow.Flow) flow.Flow {
	f.Process.Cgroup, f.NetworkNamespace = flow.Intern(p.group), p.namespace
	return f
}

// netpeers are the processes of pods of this cluster's node, or of the one whose group has
// an id in its name.
func (s *site) netpeers(id string) (list []process) {
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
		if strings.Contains(group, s.NodeName(0)+"/") && strings.Contains(group, id) {
			list = append(list, process{group, uint32(info.Sys().(*syscall.Stat_t).Ino)})
		}
	}
	return list
}
