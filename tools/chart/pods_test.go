package main

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

func TestAgentsHaveNoMorePrivilegeThanIsSaid(t *testing.T) {
	spec := at(mustRender(t, object{}).find(t, "DaemonSet", "-agent"), "spec", "template", "spec").(object)
	if spec["hostNetwork"] != true || spec["hostPID"] != true || spec["hostIPC"] != nil {
		t.Errorf("the pod has %s", printed(spec))
	}
	want := decode(t, `
runAsUser: 0
runAsGroup: 0
readOnlyRootFilesystem: true
allowPrivilegeEscalation: false
seccompProfile: {type: RuntimeDefault}
capabilities: {drop: [ALL], add: [BPF, PERFMON, NET_ADMIN, SYS_PTRACE]}`)
	if got := at(spec, "containers", "securityContext"); !reflect.DeepEqual(got, any(want)) {
		t.Errorf("got %s, want %s", printed(got), printed(want))
	}
	var paths []string
	for _, v := range spec["volumes"].([]any) {
		if path, ok := at(v, "hostPath", "path").(string); ok {
			paths = append(paths, path)
		}
	}
	if got := strings.Join(paths, " "); got != "/var/lib/otelcol-flowlogs /sys/fs/cgroup" {
		t.Errorf("the node's paths are %s", got)
	}
}

// TestRolesAreTheGeneratedOnes has each component the rules of its scope.
func TestRolesAreTheGeneratedOnes(t *testing.T) {
	for text, scopes := range map[string]map[string]string{
		"mode: standalone":                                          {"agent": "node", "gateway": "cluster"},
		"{mode: otlp, otlp: {endpoint: a:1}}":                       {"agent": "cluster"},
		"{mode: otlp, otlp: {endpoint: a:1}, agent: {scope: node}}": {"agent": "node"},
		"{mode: elasticsearch, elasticsearch: {endpoint: 'https://a', writer: {secretName: w}, setup: {secretName: s}}}": {"agent": "cluster"},
	} {
		r := mustRender(t, decode(t, text))
		for component, scope := range scopes {
			var want []any
			if err := yaml.Unmarshal(readFile(t, filepath.Join(chart(), "rules", scope+".yaml")), &want); err != nil {
				t.Fatal(err)
			}
			if got := r.find(t, "ClusterRole", "-"+component)["rules"]; len(want) == 0 || !reflect.DeepEqual(got, any(want)) {
				t.Errorf("%s: the %s may %s, want %s", text, component, printed(got), printed(want))
			}
		}
	}
}

func TestTheVisualizerIsSeenByNobodyElseUnlessItAsksForALogin(t *testing.T) {
	endpoint := func(r rendered) (any, any) {
		visualizer := at(decode(t, r.configs(t)["gateway"]), "extensions", "flow_visualizer")
		return at(visualizer, "endpoint"), at(visualizer, "auth", "authenticator")
	}
	closed := mustRender(t, object{})
	if at, login := endpoint(closed); at != "127.0.0.1:8686" || login != nil || closed.find(t, "Service", "-visualizer") != nil {
		t.Errorf("it listens at %v with login %v", at, login)
	}
	open := mustRender(t, decode(t, "visualizer: {expose: true, htpasswd: {secretName: users}}"))
	if at, login := endpoint(open); at != "0.0.0.0:8686" || login != "basicauth" || open.find(t, "Service", "-visualizer") == nil {
		t.Errorf("it listens at %v with login %v", at, login)
	}
}

func TestOnlyModeStandaloneHasAGateway(t *testing.T) {
	for _, file := range []string{"otlp.yaml", "elasticsearch.yaml"} {
		for _, m := range mustRender(t, plain[file].values).objects {
			if strings.Contains(m.Content, "-gateway") {
				t.Errorf("%s: %s is for a gateway", file, m.Name)
			}
		}
	}
}

// TestNotesNameWhatIsThere looks up each object that the notes tell to ask for.
func TestNotesNameWhatIsThere(t *testing.T) {
	for name, values := range cases(t) {
		r := mustRender(t, values)
		if !strings.Contains(r.notes, "kubectl -n "+releaseName+" rollout status daemonset/") {
			t.Errorf("%s: the notes are\n%s", name, r.notes)
		}
		for word := range strings.FieldsSeq(r.notes) {
			for prefix, kind := range map[string]string{"daemonset/": "DaemonSet", "deployment/": "Deployment"} {
				if object, ok := strings.CutPrefix(word, prefix); ok && r.find(t, kind, object) == nil {
					t.Errorf("%s: the notes name %s, which is not there", name, word)
				}
			}
		}
	}
}
