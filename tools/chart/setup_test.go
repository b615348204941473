package main

import (
	"fmt"
	"strings"
	"testing"
)

// TestOnlyTheSetupIsUnreadyForWhatAnExtensionSays has nobody restarted because Elasticsearch is
// away, and agents, which keep what they record, count as ready.
func TestOnlyTheSetupIsUnreadyForWhatAnExtensionSays(t *testing.T) {
	elasticsearch, standalone := mustRender(t, plain["elasticsearch.yaml"].values), mustRender(t, object{})
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
