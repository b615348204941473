package main

import (
	"fmt"
	"strings"
)

// plain says which manifests are committed, for those who do without Helm: by file,
// with what a reader is told and the values.
var plain = map[string]struct {
	about  string
	values map[string]any
}{
	"standalone.yaml": {
		`Mode standalone: agents on every node send flows to one gateway, which stores and
# shows them. The gateway needs a default storage class.`,
		map[string]any{"mode": "standalone"},
	},
	"elasticsearch.yaml": {
		`Mode elasticsearch: agents on every node write flows to Elasticsearch, which one more
# pod sets up. Replace https://elasticsearch.example:9200 by yours, and make three secrets:
# flowlogs-writer and flowlogs-setup with username and password, elasticsearch-ca with
# ca.crt. docs/install.md says how, and which roles they need.`,
		map[string]any{"mode": "elasticsearch", "elasticsearch": map[string]any{
			"endpoint": "https://elasticsearch.example:9200",
			"tls":      map[string]any{"caSecretName": "elasticsearch-ca"},
			"writer":   map[string]any{"secretName": "flowlogs-writer"},
			"setup":    map[string]any{"secretName": "flowlogs-setup"},
		}},
	},
	"otlp.yaml": {
		`Mode otlp: agents on every node send flows to an OTLP endpoint by gRPC with TLS.
# Replace collector.example:4317 by yours.`,
		map[string]any{"mode": "otlp", "otlp": map[string]any{"endpoint": "collector.example:4317"}},
	},
}

// namespace lets agents have what Pod Security Standards deny everybody else.
const namespace = `apiVersion: v1
kind: Namespace
metadata:
  name: ` + releaseName + `
  labels:
    pod-security.kubernetes.io/enforce: privileged
`

// manifests renders what is committed, by file.
func manifests(dir string) (map[string]string, error) {
	texts := map[string]string{}
	for file, p := range plain {
		r, err := render(dir, p.values)
		if err != nil {
			return nil, fmt.Errorf("render %s: %w", file, err)
		}
		texts[file] = "# Rendered from " + chartDir + " by make generate-manifests; do not edit.\n# " + p.about + "\n" +
			namespace + withoutHelm(stream(r.objects))
	}
	return texts, nil
}

// withoutHelm leaves out the labels that say that Helm looks after the objects.
func withoutHelm(manifests string) string {
	var b strings.Builder
	for line := range strings.Lines(manifests) {
		if label := strings.TrimSpace(line); !strings.HasPrefix(label, "app.kubernetes.io/managed-by: ") && !strings.HasPrefix(label, "helm.sh/chart: ") {
			b.WriteString(line)
		}
	}
	return b.String()
}
