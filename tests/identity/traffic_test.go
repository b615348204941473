package identity

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/cluster"
)

// binary is the collector that `make build` makes.
const binary = "../../bin/otelcol-flowlogs"

// TestTheBinaryNamesRealTraffic has pods and the node call a pod, and looks for what the
// shipped collector records of it on that node. It runs its parts on one cluster.
func TestTheBinaryNamesRealTraffic(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("capturing needs root")
	}
	if _, err := os.Stat(binary); err != nil {
		t.Fatalf("there is no collector: run make build: %v", err)
	}
	s := newSite(t, cluster.Options{Nodes: 1})
	s.patch("/api/v1/nodes/"+s.NodeName(0), object{"metadata": object{"labels": object{"topology.kubernetes.io/zone": "zone-a"}}})
	server := s.peer("server", func(spec object) {
		c := netpeer("main", "serve")
		c["readinessProbe"] = object{"tcpSocket": object{"port": 8080}, "periodSeconds": 1}
		spec["containers"] = []object{c}
	})
	server["metadata"].(object)["labels"] = object{"app": "server"}
	s.create(pods, server)
	service := func(name string, spec object) created {
		spec["selector"] = object{"app": "server"}
		return s.create("/api/v1/namespaces/shop/services", object{"metadata": object{"name": name}, "spec": spec})
	}
	svc := service("front", object{"ports": []object{{"name": "echo", "port": 80, "targetPort": 8080}}})
	service("headless", object{"clusterIP": "None", "ports": []object{{"name": "raw", "port": 8080}}})
	require.NoError(t, s.WaitPodsReady(t.Context(), "shop", 1))
	out := s.collect()
	part := func(name string, test func(*site)) {
		t.Run(name, func(t *testing.T) { test(&site{s.Cluster, t}) })
	}
	part("a pod through a service", func(s *site) { throughService(s, out, svc.Spec.ClusterIP+":80") })
	direct := s.get("server").Status.PodIP + ":8080"
	part("an init container, past the service", func(s *site) {
		s.create(pods, s.peer("late", func(spec object) { spec["initContainers"] = []object{netpeer("prepare", dialing(direct)...)} }))
		f := s.reported(out, "late", flow.ReporterSource)
		assert.Equal(s.t, "prepare", f.Source.Kubernetes.Container.String())
		asked := f.Destination.Kubernetes.Service
		assert.Equal(s.t, [2]string{"headless", "raw"}, [2]string{asked.Name.String(), asked.PortName.String()}, "by its own address")
		assert.Equal(s.t, "late", s.reported(out, "late", flow.ReporterDestination).Source.Kubernetes.Pod.String())
	})
	part("a static pod in its node's network", func(s *site) {
		s.staticPeer("caller", func(spec object) {
			onNodeNetwork(spec)
			spec["containers"] = []object{netpeer("main", dialing(direct)...)}
		})
		source := s.reported(out, "caller-"+s.NodeName(0), flow.ReporterSource).Source.Kubernetes
		assert.Equal(s.t, [3]string{"main", "Pod", "caller"}, [3]string{source.Container.String(), source.WorkloadKind.String(), source.WorkloadName.String()})
	})
	part("the kubelet's probes", func(s *site) { probes(s, out) })
}

// dialing is a client that goes on for longer than a test.
func dialing(address string) []string {
	return []string{"dial", "-count=1000000", "-hold=200ms", address}
}

func throughService(s *site, out, service string) {
	// It fails, and is started again, until kube-proxy has written its rules.
	s.create(pods, s.peer("client", func(spec object) { spec["containers"] = []object{netpeer("main", dialing(service)...)} }))
	source, destination := s.reported(out, "client", flow.ReporterSource), s.reported(out, "client", flow.ReporterDestination)
	for _, f := range []flow.Flow{source, destination} {
		for _, end := range []struct {
			flow.Endpoint
			pod string
		}{{f.Source, "client"}, {f.Destination, "server"}} {
			k := end.Kubernetes
			if assert.NotNil(s.t, k, f.Reporter) {
				assert.Equal(s.t, end.pod, k.Pod.String())
				assert.Equal(s.t, [4]string{"shop", "Pod", s.NodeName(0), "zone-a"}, [4]string{k.Namespace.String(), k.WorkloadKind.String(), k.Node.String(), k.Zone.String()})
				assert.Equal(s.t, flow.EndpointPod, end.Type)
				assert.Empty(s.t, k.Uncertain.Strings())
			}
		}
	}
	assert.Equal(s.t, "main", source.Source.Kubernetes.Container.String(), "by its cgroup")
	assert.Equal(s.t, "main", destination.Destination.Kubernetes.Container.String())
	asked := source.Destination.Kubernetes.Service
	assert.Equal(s.t, [2]string{"front", "echo"}, [2]string{asked.Name.String(), asked.PortName.String()}, "what was asked for, by the connection tracker")
}

// probes come from the address that the node has on the bridge of its pods, which the API
// does not tell.
func probes(s *site, out string) {
	for _, reporter := range []flow.Reporter{flow.ReporterSource, flow.ReporterDestination} {
		f := s.found(out, "a probe", func(f *flow.Flow) bool {
			return f.Reporter == reporter && f.Destination.Port == 8080 && f.Source.Address.String() == "10.244.0.1" && f.Source.Kubernetes != nil && !f.Source.Kubernetes.Pod.Known()
		})
		k := f.Source.Kubernetes
		assert.Equal(s.t, [2]string{s.NodeName(0), "zone-a"}, [2]string{k.Node.String(), k.Zone.String()}, reporter)
		assert.Equal(s.t, flow.EndpointHost, f.Source.Type)
		assert.Empty(s.t, k.Uncertain.Strings())
	}
}

// reported waits for a connection from a pod to the server that an end reports, and that
// the receiver has the cgroup of: it looks for new ones once in an interval.
func (s *site) reported(out, pod string, by flow.Reporter) flow.Flow {
	s.t.Helper()
	return s.found(out, "a connection of "+pod, func(f *flow.Flow) bool {
		return f.Reporter == by && f.Transport == flow.TransportTCP && f.Destination.Port == 8080 && f.Process.Cgroup.Known() &&
			f.Source.Kubernetes != nil && f.Source.Kubernetes.Pod.String() == pod
	})
}

// found waits for a record.
func (s *site) found(out, what string, is func(*flow.Flow) bool) (found flow.Flow) {
	s.t.Helper()
	s.eventually(what+" is recorded", func() bool {
		for _, f := range decodeFile(s.t, out) {
			if is(&f) {
				found = f
				return true
			}
		}
		return false
	})
	return found
}

// collect runs the collector until the test ends, and returns the file that it writes.
func (s *site) collect() string {
	s.t.Helper()
	dir := s.t.TempDir()
	out := filepath.Join(dir, "flows.jsonl")
	config := filepath.Join(dir, "config.yaml")
	require.NoError(s.t, os.WriteFile(config, fmt.Appendf(nil, `
receivers:
  flowlog: {interval: 1s}
processors:
  flow_k8s:
    auth: {type: kubeconfig, kubeconfig: %s}
    node: %s
    wait: {lag: 10m} # what is passed on is sure: nothing has waited in vain
exporters:
  file: {path: %s}
service:
  pipelines:
    logs: {receivers: [flowlog], processors: [flow_k8s], exporters: [file]}
  telemetry: {metrics: {level: none}}
`, s.Kubeconfig(), s.NodeName(0), out), 0o600))
	var log bytes.Buffer
	path, err := filepath.Abs(binary)
	require.NoError(s.t, err)
	// On the node, as a pod of a DaemonSet is: the connection tracker is the node's.
	cmd := s.NodeCommand(0, path, "--config="+config)
	cmd.Stdout, cmd.Stderr = &log, &log
	require.NoError(s.t, cmd.Start())
	s.t.Cleanup(func() {
		assert.NoError(s.t, cmd.Process.Signal(syscall.SIGTERM))
		kill := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		assert.NoError(s.t, cmd.Wait())
		kill.Stop()
		if s.t.Failed() {
			s.t.Log(log.String())
		}
	})
	return out
}

// decodeFile reads what has been written so far.
func decodeFile(t *testing.T, path string) (flows []flow.Flow) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		return nil // not yet
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		logs, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(lines.Bytes())
		if err != nil {
			continue // the last one is being written
		}
		batch, rejected := flow.Decode(logs)
		require.NoError(t, rejected.Err())
		flows = append(flows, batch.Flows...)
	}
	return flows
}
