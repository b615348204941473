package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestConfigurationsAreTheExamples compares what the chart runs with the examples for
// Kubernetes. What differs, and must, is listed.
func TestConfigurationsAreTheExamples(t *testing.T) {
	standalone, elasticsearch := mustRender(t, object{}).configs(t), mustRender(t, plain["elasticsearch.yaml"].values).configs(t)
	for example, c := range map[string]struct {
		config  string
		differs []string
	}{
		"agent-kubernetes.yaml": {standalone["agent"], []string{
			"exporters.otlp_grpc.endpoint", // the release's gateway
			"extensions.file_storage.directory",
			"service.telemetry.metrics.level", // nothing else may need the port on the node
		}},
		"gateway-kubernetes.yaml": {standalone["gateway"], []string{
			"extensions.flow_store.directory",
			"extensions.flow_store.max_age", // values
			"extensions.flow_store.max_size",
			"extensions.flow_visualizer.endpoint",
			"processors.flow_k8s.networks", // values
			"service.telemetry.metrics.level",
		}},
		"elasticsearch-kubernetes.yaml": {elasticsearch["agent"], []string{
			"exporters.flow_elasticsearch.endpoint", // values
			"exporters.flow_elasticsearch.tls.ca_file",
			"exporters.flow_elasticsearch.dead_letter.file",
			"extensions.basicauth.client_auth.username_file", // the mounted secret
			"extensions.basicauth.client_auth.password_file",
			"extensions.file_storage.directory",
			"service.telemetry.metrics.level",
		}},
	} {
		ours, theirs := flat(decode(t, c.config)), flat(readYAML(t, filepath.Join(root, "distribution/examples", example)))
		for _, path := range c.differs {
			if reflect.DeepEqual(ours[path], theirs[path]) {
				t.Errorf("%s: %s does not differ from the example any more", example, path)
			}
			delete(ours, path)
			delete(theirs, path)
		}
		for path, v := range ours {
			if !reflect.DeepEqual(v, theirs[path]) {
				t.Errorf("%s: %s is %s in the chart, %s in the example", example, path, printed(v), printed(theirs[path]))
			}
			delete(theirs, path)
		}
		for path, v := range theirs {
			t.Errorf("%s: the example has %s: %s, the chart has not", example, path, printed(v))
		}
	}
}

func TestAgentsAreTakenToBeEverywhereWhereNobodyKnowsBetter(t *testing.T) {
	for text, want := range map[string]any{
		"mode: standalone": nil,
		"{mode: standalone, agent: {scope: cluster}}": nil,
		"mode: otlp":          "all",
		"mode: elasticsearch": "all",
		"{mode: elasticsearch, agent: {scope: node}}":                                     nil,
		"{mode: otlp, agent: {scope: node}}":                                              nil,
		"{mode: otlp, agent: {nodeSelector: {flows: 'true'}}}":                            nil,
		"{mode: otlp, agent: {tolerations: [{key: a, operator: Exists}]}}":                nil,
		"{mode: otlp, agent: {affinity: {nodeAffinity: {}}}}":                             nil,
		"{mode: otlp, agent: {config: {processors: {flow_k8s: {observed_nodes: seen}}}}}": "seen",
	} {
		values := decode(t, text)
		values["otlp"] = object{"endpoint": "collector.example:4317"}
		values["elasticsearch"] = plain["elasticsearch.yaml"].values["elasticsearch"]
		agent := decode(t, mustRender(t, values).configs(t)["agent"])
		if got := at(agent, "processors", "flow_k8s", "observed_nodes"); got != want {
			t.Errorf("%s: observed_nodes is %v, want %v", text, got, want)
		}
	}
}

// flat names what is in an object by the keys that lead there; lists are one value.
func flat(o object) object {
	out := object{}
	for key, v := range o {
		inner, ok := v.(object)
		if !ok {
			out[key] = v
			continue
		}
		for below, v := range flat(inner) {
			out[key+"."+below] = v
		}
	}
	return out
}

// TestTheCollectorTakesTheConfigurations has the built binary validate them.
func TestTheCollectorTakesTheConfigurations(t *testing.T) {
	binary := os.Getenv("FLOWLOGS_BINARY")
	if binary == "" {
		binary = filepath.Join(root, "bin/otelcol-flowlogs")
	}
	if _, err := os.Stat(binary); err != nil {
		t.Fatalf("no binary to test: %v; run make build, or set FLOWLOGS_BINARY", err)
	}
	for name, values := range cases(t) {
		r := mustRender(t, values)
		for component, text := range r.configs(t) {
			file := filepath.Join(t.TempDir(), "config.yaml")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			args := []string{"validate"}
			for _, arg := range arguments(t, r, component) {
				args = append(args, strings.Replace(arg, "/etc/otelcol-flowlogs/config/config.yaml", file, 1))
			}
			cmd := exec.Command(binary, args...)
			cmd.Env = append(os.Environ(), "K8S_NODE_NAME=node", "OTLP_HEADER_0=a", "OTLP_HEADER_1=b")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s, %s: %v\n%s%s", name, component, err, out, text)
			}
		}
	}
}

// arguments are those that the pods of a component start the collector with.
func arguments(t *testing.T, r rendered, component string) (args []string) {
	t.Helper()
	kind := "Deployment"
	if component == "agent" {
		kind = "DaemonSet"
	}
	for _, arg := range at(r.find(t, kind, "-"+component), "spec", "template", "spec", "containers", "args").([]any) {
		args = append(args, arg.(string))
	}
	return args
}

func TestConfigurationOfAUserGoesOver(t *testing.T) {
	configs := mustRender(t, decode(t, `
agent: {config: {receivers: {flowlog: {interval: 1m}}, service: {pipelines: {logs: {exporters: [debug]}}}}}
gateway: {config: {extensions: {flow_store: {memory_limit: 1GiB}}}}`)).configs(t)
	agent, gateway := decode(t, configs["agent"]), decode(t, configs["gateway"])
	for want, got := range map[string]any{
		"1m":                        at(agent, "receivers", "flowlog", "interval"),
		"[debug]":                   at(agent, "service", "pipelines", "logs", "exporters"),
		"[flowlog]":                 at(agent, "service", "pipelines", "logs", "receivers"),
		"1GiB":                      at(gateway, "extensions", "flow_store", "memory_limit"),
		"/var/lib/otelcol-flowlogs": at(gateway, "extensions", "flow_store", "directory"),
	} {
		if fmt.Sprint(got) != want {
			t.Errorf("got %v, want %s", got, want)
		}
	}
}

// TestValuesStayWhatTheyAre has values that YAML would read as something else.
func TestValuesStayWhatTheyAre(t *testing.T) {
	r := mustRender(t, decode(t, `
mode: otlp
clusterName: "1e3"
otlp: {endpoint: "[::1]:4317", headers: [{name: "on", secretName: s, key: k}]}`))
	agent := decode(t, r.configs(t)["agent"])
	want := `"[::1]:4317" {"on":"${env:OTLP_HEADER_0}"} "1e3"`
	exporter := at(agent, "exporters", "otlp_grpc")
	got := printed(at(exporter, "endpoint")) + " " + printed(at(exporter, "headers")) + " " + printed(at(agent, "processors", "resource", "attributes", "value"))
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAgentsGoByTheControlGroupOfTheirNode(t *testing.T) {
	for text, want := range map[string]any{
		"{}": nil,
		"agent: {cgroupRoot: '/nodes/${env:K8S_NODE_NAME}'}": "/nodes/${env:K8S_NODE_NAME}",
	} {
		agent := decode(t, mustRender(t, decode(t, text)).configs(t)["agent"])
		if got := at(agent, "receivers", "flowlog", "cgroup_root"); got != want {
			t.Errorf("%s: the receiver has %v, want %v", text, got, want)
		}
	}
}

func TestMemoryLimitsFollowTheResources(t *testing.T) {
	r := mustRender(t, decode(t, "agent: {resources: {limits: {memory: 1Gi}}}"))
	if got := at(decode(t, r.configs(t)["agent"]), "processors", "memory_limiter"); printed(got) != `{"check_interval":"1s","limit_mib":512,"spike_limit_mib":128}` {
		t.Errorf("the limiter has %s", printed(got))
	}
	if env := printed(at(r.find(t, "DaemonSet", "-agent"), "spec", "template", "spec", "containers", "env")); !strings.Contains(env, `"819MiB"`) {
		t.Errorf("the environment is %s", env)
	}
}
