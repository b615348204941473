package main

import (
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// secrets are those that a pod mounts, and that its environment has.
func secrets(t *testing.T, workload object) []string {
	t.Helper()
	spec := at(workload, "spec", "template", "spec").(object)
	var names []string
	for _, v := range spec["volumes"].([]any) {
		if name, ok := at(v, "secret", "secretName").(string); ok {
			names = append(names, name)
		}
	}
	if strings.Contains(printed(spec["containers"]), "secretKeyRef") {
		names = append(names, "the environment's")
	}
	return names
}

func TestEachLogsInToElasticsearchWithItsOwnSecret(t *testing.T) {
	r := mustRender(t, plain["elasticsearch.yaml"].values)
	for who, c := range map[string]struct {
		workload object
		want     []string
	}{
		"agent": {r.find(t, "DaemonSet", "-agent"), []string{"flowlogs-writer", "elasticsearch-ca"}},
		"setup": {r.find(t, "Deployment", "-setup"), []string{"flowlogs-setup", "elasticsearch-ca"}},
	} {
		if got := secrets(t, c.workload); !slices.Equal(got, c.want) {
			t.Errorf("%s: has the secrets %v, want %v", who, got, c.want)
		}
	}
}

func TestLoginsAreReadWhereTheirSecretsAreMounted(t *testing.T) {
	for login, want := range map[string]struct{ extension, options string }{
		"basic":  {"basicauth", `{"client_auth":{"password_file":"/etc/otelcol-flowlogs/elasticsearch-WHO/password","username_file":"/etc/otelcol-flowlogs/elasticsearch-WHO/username"}}`},
		"apiKey": {"bearertokenauth", `{"filename":"/etc/otelcol-flowlogs/elasticsearch-WHO/api_key","scheme":"ApiKey"}`},
	} {
		r := mustRender(t, object{"mode": "elasticsearch", "elasticsearch": object{
			"endpoint": "https://a.example:9200",
			"writer":   object{"secretName": "w", "login": login},
			"setup":    object{"secretName": "s", "login": login},
		}})
		for component, c := range map[string]struct{ kind, who, client string }{
			"agent": {"DaemonSet", "writer", "exporters"},
			"setup": {"Deployment", "setup", "extensions"},
		} {
			config := decode(t, r.configs(t)[component])
			if got, want := printed(at(config, "extensions", want.extension)), strings.ReplaceAll(want.options, "WHO", c.who); got != want {
				t.Errorf("%s, %s: the login is %s, want %s", component, login, got, want)
			}
			if got := at(config, c.client, "flow_elasticsearch", "auth", "authenticator"); got != want.extension {
				t.Errorf("%s, %s: logs in by %v", component, login, got)
			}
			if got := at(config, "service", "extensions").([]any); !slices.Contains(got, any(want.extension)) {
				t.Errorf("%s, %s: the extensions are %v", component, login, got)
			}
			pod := at(r.find(t, c.kind, "-"+component), "spec", "template", "spec")
			mounts := printed(at(pod, "containers", "volumeMounts"))
			if path := `"/etc/otelcol-flowlogs/elasticsearch-` + c.who + `"`; !strings.Contains(mounts, path) {
				t.Errorf("%s, %s: mounts %s, not %s", component, login, mounts, path)
			}
		}
	}
}

func TestWhoSetsElasticsearchUpMayDoNothingElse(t *testing.T) {
	r := mustRender(t, plain["elasticsearch.yaml"].values)
	spec := at(r.find(t, "Deployment", "-setup"), "spec", "template", "spec").(object)
	for field, want := range map[string]any{
		"automountServiceAccountToken": false, "serviceAccountName": nil,
		"hostNetwork": nil, "hostPID": nil, "hostIPC": nil,
	} {
		if got := spec[field]; got != want {
			t.Errorf("%s is %v, want %v", field, got, want)
		}
	}
	want := decode(t, `
pod: {runAsNonRoot: true, runAsUser: 10001, runAsGroup: 10001, seccompProfile: {type: RuntimeDefault}}
container: {readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}`)
	got := object{"pod": spec["securityContext"], "container": at(spec, "containers", "securityContext")}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %s, want %s", printed(got), printed(want))
	}
	for _, kind := range []string{"ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Service"} {
		if r.find(t, kind, "-setup") != nil {
			t.Errorf("it has a %s", kind)
		}
	}
}

// TestSeveralSetupsElectOne looks whether what the configuration asks for is what the role
// allows.
func TestSeveralSetupsElectOne(t *testing.T) {
	r := mustRender(t, readYAML(t, filepath.Join(chart(), "ci", "elasticsearch-recycle-values.yaml")))
	lease := at(decode(t, r.configs(t)["setup"]), "extensions", "flow_elasticsearch", "leader_election", "lease_name")
	role, binding := r.find(t, "Role", "-setup"), r.find(t, "RoleBinding", "-setup")
	want := decode(t, `rules:
- {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [create]}
- {apiGroups: [coordination.k8s.io], resources: [leases], resourceNames: [`+lease.(string)+`], verbs: [get, update]}`)["rules"]
	if got := role["rules"]; !reflect.DeepEqual(got, want) {
		t.Errorf("the role has %s, want %s", printed(got), printed(want))
	}
	account := at(r.find(t, "ServiceAccount", "-setup"), "metadata", "name")
	spec := at(r.find(t, "Deployment", "-setup"), "spec", "template", "spec").(object)
	if spec["serviceAccountName"] != account || spec["automountServiceAccountToken"] != true || at(binding, "subjects", "name") != account {
		t.Errorf("the pods run as %v, with a token %v; the role is for %v; the account is %v", spec["serviceAccountName"], spec["automountServiceAccountToken"], at(binding, "subjects", "name"), account)
	}
}

// TestRetentionIsStatedOnce has the days that Elasticsearch and recycling go by.
func TestRetentionIsStatedOnce(t *testing.T) {
	r := mustRender(t, readYAML(t, filepath.Join(chart(), "ci", "elasticsearch-recycle-values.yaml")))
	setup := decode(t, r.configs(t)["setup"])
	want := decode(t, `
lifecycle: {allowed: {days: 14}, denied: {days: 365, min_days: 365}, observer: {days: 8}, rejected: {days: 30}}
recycle: {max_size: 200GiB, disk: {start_percent: 80, stop_percent: 70}, dry_run: false}`)
	for key, want := range want {
		if got := at(setup, "extensions", "flow_elasticsearch", key); !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %s, want %s", key, printed(got), printed(want))
		}
	}
}

func TestAnotherInstallationMaySetElasticsearchUp(t *testing.T) {
	r := mustRender(t, readYAML(t, filepath.Join(chart(), "ci", "elasticsearch-writer-values.yaml")))
	for _, m := range r.objects {
		if strings.Contains(m.Content, "-setup") {
			t.Errorf("%s is for the setup", m.Name)
		}
	}
}

// TestOneNamespaceIsSetUpAlone has the templates of a namespace leave those of others be.
func TestOneNamespaceIsSetUpAlone(t *testing.T) {
	for namespace, want := range map[string]any{"default": nil, "production": "production"} {
		r := mustRender(t, object{"mode": "elasticsearch", "elasticsearch": object{
			"endpoint": "https://a.example:9200", "namespace": namespace,
			"writer": object{"secretName": "w"}, "setup": object{"secretName": "s"},
		}})
		configs := r.configs(t)
		if got := at(decode(t, configs["setup"]), "extensions", "flow_elasticsearch", "namespace"); got != want {
			t.Errorf("%s: sets up namespace %v, want %v", namespace, got, want)
		}
		if got := at(decode(t, configs["agent"]), "exporters", "flow_elasticsearch", "namespace"); got != namespace {
			t.Errorf("%s: agents write to namespace %v", namespace, got)
		}
	}
}

func TestTheLifecycleIsThatOfTheExample(t *testing.T) {
	setup := decode(t, mustRender(t, plain["elasticsearch.yaml"].values).configs(t)["setup"])
	example := readYAML(t, filepath.Join(root, "distribution/examples/elasticsearch-gateway.yaml"))
	path := []string{"extensions", "flow_elasticsearch", "lifecycle"}
	if got, want := at(setup, path...), at(example, path...); want == nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %s, want %s", printed(got), printed(want))
	}
}
