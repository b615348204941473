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

// TestTheBinaryNamesRealTraffic has a pod call another through a service, and looks for what
// the shipped collector records of it on that node.
func TestTheBinaryNamesRealTraffic(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("capturing needs root")
	}
	if _, err := os.Stat(binary); err != nil {
		t.Fatalf("there is no collector: run make build: %v", err)
	}
	s := newSite(t, cluster.Options{Nodes: 1})
	peer := func(name string, args ...string) {
		s.create(pods, object{"metadata": object{"name": name, "labels": object{"app": name}}, "spec": object{
			"nodeName":   s.NodeName(0),
			"containers": []object{{"name": "peer", "image": cluster.NetpeerImage, "imagePullPolicy": "Never", "args": args}},
		}})
	}
	peer("server", "serve")
	svc := s.create("/api/v1/namespaces/shop/services", object{"metadata": object{"name": "front"}, "spec": object{
		"selector": object{"app": "server"}, "ports": []object{{"name": "echo", "port": 80, "targetPort": 8080}},
	}})
	require.NoError(t, s.WaitPodsReady(t.Context(), "shop", 1))
	out := s.collect()
	// It fails, and is started again, until kube-proxy has written its rules.
	peer("client", "dial", "-count=100", "-hold=200ms", svc.Spec.ClusterIP+":80")

	var source, destination flow.Flow
	s.eventually("both ends report the connection", func() bool {
		for _, f := range decodeFile(t, out) {
			if f.Transport != flow.TransportTCP || f.Destination.Port != 8080 {
				continue
			}
			switch f.Reporter {
			case flow.ReporterSource:
				source = f
			case flow.ReporterDestination:
				destination = f
			}
		}
		return source.End != 0 && destination.End != 0
	})
	for _, f := range []flow.Flow{source, destination} {
		for _, end := range []struct {
			flow.Endpoint
			pod string
		}{{f.Source, "client"}, {f.Destination, "server"}} {
			k := end.Kubernetes
			if assert.NotNil(t, k, f.Reporter) {
				assert.Equal(t, end.pod, k.Pod.String())
				assert.Equal(t, [3]string{"shop", "Pod", s.NodeName(0)}, [3]string{k.Namespace.String(), k.WorkloadKind.String(), k.Node.String()})
				assert.Equal(t, flow.EndpointPod, end.Type)
				assert.Empty(t, k.Uncertain.Strings())
			}
		}
	}
	assert.Equal(t, "peer", source.Source.Kubernetes.Container.String(), "by its cgroup")
	assert.Equal(t, "peer", destination.Destination.Kubernetes.Container.String())
	service := source.Destination.Kubernetes.Service
	assert.Equal(t, [2]string{"front", "echo"}, [2]string{service.Name.String(), service.PortName.String()}, "what was asked for, by the connection tracker")
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
