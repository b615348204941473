package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/filtering"
)

// TestFilteringExampleStoresWhatItPromises sends a record of every kind to the shipped
// example, without a cluster, and asks what it stored. Aggregation, last in its pipeline, is
// taken out: what it makes cannot be told by the records' ids.
func TestFilteringExampleStoresWhatItPromises(t *testing.T) {
	config, err := filepath.Abs(filepath.Join(root, "distribution", "examples", "filtering.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	otlp := freeAddress(t)
	c := startAt(t, freeAddress(t), t.TempDir(), "--config="+config, "--set=processors.flow_k8s.auth.type=none",
		"--set=service.pipelines.logs.processors="+withoutAggregation(t, config),
		"--set=receivers.otlp.protocols.http.endpoint="+otlp, "--set=receivers.otlp.protocols.grpc.endpoint="+freeAddress(t),
		"--set=extensions.health_check.endpoint="+freeAddress(t), "--set=service.telemetry.metrics.level=none").ready()

	sample := filtering.NewSample(time.Now())
	export(t, otlp, &sample.Batch)

	var got struct{ Flows []map[string]any }
	c.eventually("the flows are stored", func() error {
		if err := c.get("/api/v1/flows", url.Values{"reporter": {"all"}, "limit": {"1000"}}, &got); err != nil {
			return err
		}
		if len(got.Flows) == 0 {
			return errors.New("no flows yet")
		}
		return nil
	})
	stored := map[string]map[string]any{}
	for _, f := range got.Flows {
		stored[sample.Name(fmt.Sprint(f["flow.id"]))] = f
	}
	if diff := cmp.Diff(leftByTheExample, slices.Sorted(maps.Keys(stored))); diff != "" {
		t.Errorf("what is stored differs (-want +got):\n%s", diff)
	}
	for name, want := range map[string]map[string]any{
		"web to db, source":             {"process.executable.name": "nginx", "process.pid": nil, "source.address": "10.244.1.10"},
		"client to web":                 {"source.address": "203.0.113.0"},
		"IPv6 client to web":            {"source.address": "2001:db8::"},
		"client to web by another node": {"source.address": "192.168.7.2", "source.original.address": "203.0.113.0"},
	} {
		for attribute, value := range want {
			if got := stored[name][attribute]; got != value {
				t.Errorf("%s: %s is %v, want %v", name, attribute, got, value)
			}
		}
	}

	var agents struct{ Agents []struct{ Host string } }
	var losses struct{ Total struct{ Connections int } }
	if err := errors.Join(c.get("/api/v1/status", nil, &agents), c.get("/api/v1/losses", nil, &losses)); err != nil {
		t.Fatal(err)
	}
	if len(agents.Agents) != 1 || losses.Total.Connections != 3 {
		t.Errorf("the agent and what it lost are not known: %+v, %+v", agents, losses)
	}
	if code := c.stop(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

// withoutAggregation returns the processors of a configuration's pipeline, as YAML, but the
// last, which has to be flow_aggregation.
func withoutAggregation(t *testing.T, config string) string {
	t.Helper()
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, name := range parseYAML(t, string(text))["service"].(map[string]any)["pipelines"].(map[string]any)["logs"].(map[string]any)["processors"].([]any) {
		names = append(names, name.(string))
	}
	last := len(names) - 1
	if names[last] != "flow_aggregation" {
		t.Fatalf("the last processor is %s", names[last])
	}
	return "[" + strings.Join(names[:last], ",") + "]"
}

// export sends a batch by OTLP to the receiver at an address.
func export(t *testing.T, address string, batch *flow.Batch) {
	t.Helper()
	body, err := plogotlp.NewExportRequestFromLogs(flow.Encode(batch, time.Now())).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	if err := status(http.Post("http://"+address+"/v1/logs", "application/x-protobuf", bytes.NewReader(body))); err != nil {
		t.Fatal(err)
	}
}

// leftByTheExample are the flows of the sample that no filter in its pipeline removes.
var leftByTheExample = []string{
	"IPv6 client to web",
	"client to web",
	"client to web by another node",
	"client to web, no room",
	"db to its replica, destination",
	"db to its replica, source",
	"folded",
	"ingress to web, destination",
	"ingress to web, source",
	"kubelet to web, given up",
	"kubelet to web, refused",
	"not known yet",
	"report to replica, denied, destination",
	"report to replica, denied, source",
	"web asks dns, denied",
	"web over loopback, refused",
	"web to api",
	"web to api, denied",
	"web to api, small",
	"web to db, destination",
	"web to db, given up",
	"web to db, idle, destination",
	"web to db, idle, source",
	"web to db, small, destination",
	"web to db, small, source",
	"web to db, source",
	"web to mirror",
}
