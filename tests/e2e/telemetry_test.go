package e2e

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMetricsHaveTheNamesThatAreDocumented asks the shipped binary for its own metrics.
func TestMetricsHaveTheNamesThatAreDocumented(t *testing.T) {
	metrics := freeAddress(t)
	host, port, err := net.SplitHostPort(metrics)
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "config.yaml")
	text := `
receivers: {flowlog: {}}
processors: {flow_aggregation: {}}
exporters:
  flow_store: {store: flow_store}
  flow_elasticsearch: {endpoint: "http://` + freeAddress(t) + `"}
extensions:
  flow_store: {directory: "${env:FLOWLOGS_DATA}"}
  flow_visualizer: {store: flow_store, endpoint: "${env:FLOWLOGS_LISTEN}"}
service:
  extensions: [flow_store, flow_visualizer]
  pipelines: {logs: {receivers: [flowlog], processors: [flow_aggregation], exporters: [flow_store, flow_elasticsearch]}}
  telemetry: {metrics: {level: normal, readers: [{pull: {exporter: {prometheus: {host: ` + host + `, port: ` + port + `}}}}]}}
`
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := startAt(t, freeAddress(t), t.TempDir(), "--config="+config).ready()
	c.eventually("each component tells of itself by the name of its type", func() error {
		resp, err := http.Get("http://" + metrics + "/metrics")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			return err
		}
		var missing []error
		for _, prefix := range []string{"otelcol_flowlog_", "otelcol_flow_aggregation_", "otelcol_flow_store_", "otelcol_flow_elasticsearch_"} {
			if !strings.Contains(string(text), "\n"+prefix) {
				missing = append(missing, errors.New("no metric begins with "+prefix))
			}
		}
		return errors.Join(missing...)
	})
}
