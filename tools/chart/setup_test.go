package main

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// withSetup are values of mode elasticsearch, with those of Kibana as YAML.
func withSetup(t *testing.T, kibana string) object {
	t.Helper()
	return object{"mode": "elasticsearch", "elasticsearch": object{
		"endpoint": "https://a.example:9200", "writer": object{"secretName": "w"}, "setup": object{"secretName": "s"}, "kibana": decode(t, kibana),
	}}
}

func TestTheSetupPutsDashboardsIntoAKibanaThatIsNamed(t *testing.T) {
	for kibana, want := range map[string]struct {
		config string // of Kibana
		login  string // of its own
		agent  []string
		setup  []string
	}{
		"{}": {"", "", []string{"w"}, []string{"s"}},
		"{endpoint: 'https://kibana.example:5601/base'}": {"{endpoint: 'https://kibana.example:5601/base'}", "", []string{"w"}, []string{"s"}},
		"{endpoint: 'https://k', space: team-1, tls: {caSecretName: ca}, secretName: k}": {
			"{endpoint: 'https://k', space: team-1, tls: {ca_file: /etc/otelcol-flowlogs/kibana-ca/ca.crt}, auth: {authenticator: basicauth/kibana}}",
			"{client_auth: {username_file: /etc/otelcol-flowlogs/elasticsearch-kibana/username, password_file: /etc/otelcol-flowlogs/elasticsearch-kibana/password}}",
			[]string{"w"}, []string{"s", "k", "ca"},
		},
		"{endpoint: 'https://k', secretName: k, login: apiKey}": {
			"{endpoint: 'https://k', auth: {authenticator: bearertokenauth/kibana}}",
			"{scheme: ApiKey, filename: /etc/otelcol-flowlogs/elasticsearch-kibana/api_key}",
			[]string{"w"}, []string{"s", "k"},
		},
	} {
		r := mustRender(t, withSetup(t, kibana))
		setup := decode(t, r.configs(t)["setup"])
		got, _ := at(setup, "extensions", "flow_elasticsearch", "kibana").(object)
		if want := decode(t, want.config); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %s, want %s", kibana, printed(got), printed(want))
		}
		if authenticator, ok := at(got, "auth", "authenticator").(string); ok {
			if login := at(setup, "extensions", authenticator); !reflect.DeepEqual(login, any(decode(t, want.login))) {
				t.Errorf("%s: the login is %s", kibana, printed(login))
			}
			if used := at(setup, "service", "extensions").([]any); !slices.Contains(used, any(authenticator)) {
				t.Errorf("%s: the extensions are %v", kibana, used)
			}
		}
		pods := map[string]object{"agent": r.find(t, "DaemonSet", "-agent"), "setup": r.find(t, "Deployment", "-setup")}
		for who, want := range map[string][]string{"agent": want.agent, "setup": want.setup} {
			if got := secrets(t, pods[who]); !slices.Equal(got, want) {
				t.Errorf("%s: the %s has the secrets %v, want %v", kibana, who, got, want)
			}
		}
		mounts := printed(at(pods["setup"], "spec", "template", "spec", "containers", "volumeMounts"))
		for path, v := range flat(setup) {
			if file := fmt.Sprint(v); strings.HasPrefix(file, "/etc/otelcol-flowlogs/") && !strings.Contains(mounts, strconv.Quote(filepath.Dir(file))) {
				t.Errorf("%s: %s is %s, which is not mounted: %s", kibana, path, file, mounts)
			}
		}
	}
}

// TestOnlyTheSetupIsUnreadyForWhatAnExtensionSays has nobody restarted because Elasticsearch is
// away, and agents, which keep what they record, count as ready.
func TestOnlyTheSetupIsUnreadyForWhatAnExtensionSays(t *testing.T) {
	elasticsearch, standalone := mustRender(t, withSetup(t, "{}")), mustRender(t, object{})
	for component, c := range map[string]struct {
		r         rendered
		kind      string
		readiness bool
	}{
		"agent":   {elasticsearch, "DaemonSet", false},
		"gateway": {standalone, "Deployment", false},
		"setup":   {elasticsearch, "Deployment", true},
	} {
		hears := hearing(decode(t, c.r.configs(t)[component]))
		container := at(c.r.find(t, c.kind, "-"+component), "spec", "template", "spec", "containers")
		for probe, want := range map[string]bool{"startupProbe": false, "livenessProbe": false, "readinessProbe": c.readiness} {
			if got, ok := hears[portOf(container, at(container, probe, "httpGet", "port"))]; !ok || got != want {
				t.Errorf("%s: the %s depends on what extensions say: %v, want %v; it asks a health check: %v", component, probe, got, want, ok)
			}
		}
	}
}

// hearing are the ports of the health checks, and whether each depends on what extensions say
// of themselves.
func hearing(config object) map[string]bool {
	ports := map[string]bool{}
	for name, check := range at(config, "extensions").(object) {
		if !strings.HasPrefix(name, "health_check") {
			continue
		}
		endpoint, ok := at(check, "endpoint").(string)
		if !ok {
			endpoint = at(check, "http", "endpoint").(string)
		}
		ports[endpoint[strings.LastIndex(endpoint, ":")+1:]] = at(check, "component_health", "include_recoverable_errors") == true
	}
	return ports
}

// portOf is the number of a container's port, which may be given by its name.
func portOf(container, port any) string {
	named, _ := at(container, "ports").([]any)
	for _, p := range named {
		if at(p, "name") == port {
			port = at(p, "containerPort")
		}
	}
	return fmt.Sprint(port)
}
