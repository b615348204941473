package flowk8sprocessor

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube"
)

const (
	roleFile  = "../../deploy/kubernetes/rbac.yaml"
	generated = "# Generated from internal/kube by UPDATE_GOLDEN=1 go test -run TestRoles ./processor/flowk8sprocessor;\n# do not edit. "
	roleIntro = generated + "What the flow_k8s processor may read, and the account that may.\n"
	// chartRules has a file for each scope.
	chartRules = "../../deploy/helm/otelcol-flowlogs/rules/"
	readmeFile = "README.md"
	tableBegin = "do not edit. -->\n"
	tableEnd   = "<!-- end of generated -->"
)

// TestRoles keeps the manifests and the table as the watches need them.
func TestRoles(t *testing.T) {
	all := createDefaultConfig().(*Config)
	all.NamespaceLabels.Enabled = true
	rules := kube.Rules(all.kinds()...)
	node := createDefaultConfig().(*Config)
	node.Scope = ScopeNode

	readme, err := os.ReadFile(readmeFile)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(readme), tableBegin)
	require.True(t, ok)
	_, after, ok := strings.Cut(rest, tableEnd)
	require.True(t, ok)
	for file, want := range map[string]string{
		roleFile:                    roleIntro + kube.Manifest(rules),
		chartRules + "cluster.yaml": generated + "What the processor may read in scope cluster.\n" + kube.List(rules),
		chartRules + "node.yaml":    generated + "What the processor may read in scope node.\n" + kube.List(kube.Rules(node.kinds()...)),
		readmeFile:                  before + tableBegin + "\n" + kube.Table(rules) + "\n" + tableEnd + after,
	} {
		if os.Getenv("UPDATE_GOLDEN") != "" {
			require.NoError(t, os.WriteFile(file, []byte(want), 0o644))
		}
		got, err := os.ReadFile(file)
		require.NoError(t, err, "run UPDATE_GOLDEN=1 go test -run TestRoles ./processor/flowk8sprocessor")
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s is not what internal/kube declares: run UPDATE_GOLDEN=1 go test -run TestRoles ./processor/flowk8sprocessor\n%s", file, diff)
		}
	}
}
