package deploy

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// silence is after how long a flow of UDP has ended, and how long after its start an
// agent cannot tell whether a flow of a socket that was there before is new.
const silence = 10 * time.Second

// agents are the settings that the scenario needs in each mode.
func (a *application) agents(config string) string {
	return fmt.Sprintf(`
networks: [{name: %s, cidrs: [%s/32]}]
agent:
  cgroupRoot: %s/${env:K8S_NODE_NAME}
  config:
    receivers:
      flowlog:
        interval: 1s
        engines: {datagram: {idle_timeout: {udp: %[4]s, icmp: %[4]s, other: %[4]s}}}
`, outsideNetwork, a.machine.address, nodesCgroup, silence) + config
}

// uninstall deletes what was applied when the test ends, with its pods, so that the next
// finds none.
func (a *application) uninstall(manifests string) {
	a.t.Cleanup(func() {
		if a.t.Failed() {
			a.showLogs() // while there are any
		}
		cmd := exec.Command(a.Kubectl(), "--kubeconfig="+a.Kubeconfig(), "delete", "--cascade=foreground", "--timeout="+patience.String(), "-f", "-")
		cmd.Stdin = strings.NewReader(manifests)
		out, err := cmd.CombinedOutput()
		require.NoError(a.t, err, "%s", out)
	})
}

// throughStore has the agents send to a gateway, whose API is asked.
func (a *application) throughStore() func() ([]attributes, error) {
	a.t.Helper()
	a.volume(0)
	a.uninstall(a.install(a.agents(`
    exporters: {otlp_grpc: {endpoint: "` + gatewayAddress + `:4317"}}
gateway: {service: {clusterIP: ` + gatewayAddress + `}}
`)))
	api := a.forward("deployment/otelcol-flowlogs-gateway")
	a.eventually("an agent on every node says that nothing is missing", func() error { return api.complete(2) })
	return func() ([]attributes, error) { return pages[attributes](api, "all", "") }
}

// throughOTLP has the agents send to a collector of this machine, which writes a file.
func (a *application) throughOTLP() func() ([]attributes, error) {
	a.t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(a.MachineAddress().String(), "0"))
	require.NoError(a.t, err)
	endpoint := listener.Addr().String()
	require.NoError(a.t, listener.Close())
	dir := a.t.TempDir()
	config, file := filepath.Join(dir, "collector.yaml"), filepath.Join(dir, "flows.json")
	require.NoError(a.t, os.WriteFile(config, fmt.Appendf(nil, `
receivers: {otlp: {protocols: {grpc: {endpoint: "%s"}}}}
exporters: {file: {path: %s, flush_interval: 100ms}}
service:
  pipelines: {logs: {receivers: [otlp], exporters: [file]}}
  telemetry: {metrics: {level: none}}
`, endpoint, file), 0o600))
	collector := exec.Command(binary(), "--config="+config)
	collector.Dir = root
	var log bytes.Buffer
	collector.Stdout, collector.Stderr = &log, &log
	require.NoError(a.t, collector.Start())
	a.t.Cleanup(func() {
		_ = collector.Process.Kill()
		_ = collector.Wait()
		if a.t.Failed() {
			a.t.Logf("the second collector says:\n%s", &log)
		}
	})
	a.uninstall(a.installed(a.agents(`
mode: otlp
otlp: {endpoint: "`+endpoint+`", tls: {insecure: true}}
`), "daemonset/otelcol-flowlogs-agent"))
	return func() ([]attributes, error) { return exported(file) }
}

// exported reads what the file exporter wrote; of the last line there may be a part.
func exported(file string) (all []attributes, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(bytes.NewReader(text[:bytes.LastIndexByte(text, '\n')+1]))
	lines.Buffer(nil, len(text)+1)
	var decoder plog.JSONUnmarshaler
	for lines.Scan() {
		logs, err := decoder.UnmarshalLogs(lines.Bytes())
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		all = append(all, attributesOf(logs)...)
	}
	return all, lines.Err()
}

// attributesOf are those of flows, of the record and its resource.
func attributesOf(logs plog.Logs) (all []attributes) {
	for _, resource := range logs.ResourceLogs().All() {
		for _, scope := range resource.ScopeLogs().All() {
			for _, record := range scope.LogRecords().All() {
				if record.EventName() != flow.EventFlow {
					continue
				}
				a := attributes(resource.Resource().Attributes().AsRaw())
				for name, value := range record.Attributes().All() {
					a[name] = value.AsRaw()
				}
				all = append(all, a)
			}
		}
	}
	return all
}
