package kube

import (
	"fmt"
	"strings"
)

// account is the name of the service account, its role and their binding, in a namespace
// of that name.
const account = "otelcol-flowlogs"

// Manifest prints rules as the role of the collector's service account, and that account.
func Manifest(rules []Rule) string {
	var b strings.Builder
	fmt.Fprintf(&b, `apiVersion: v1
kind: Namespace
metadata:
  name: %[1]s
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: %[1]s
  namespace: %[1]s
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: %[1]s
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: %[1]s
subjects:
  - kind: ServiceAccount
    name: %[1]s
    namespace: %[1]s
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: %[1]s
rules:
`, account)
	for line := range strings.Lines(List(rules)) {
		b.WriteString("  " + line)
	}
	return b.String()
}

// List prints rules as the list that a role has.
func List(rules []Rule) string {
	var b strings.Builder
	for _, r := range rules {
		fmt.Fprintf(&b, "# %s\n- apiGroups: [%s]\n  resources: [%s]\n  verbs: [%s]\n", r.For, quoted(r.Groups), strings.Join(r.Resources, ", "), strings.Join(r.Verbs, ", "))
	}
	return b.String()
}

func quoted(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = `"` + s + `"`
	}
	return strings.Join(out, ", ")
}

// Table prints rules for a reader.
func Table(rules []Rule) string {
	var b strings.Builder
	b.WriteString("| API group | Resource | Verbs | For |\n| --- | --- | --- | --- |\n")
	for _, r := range rules {
		groups := make([]string, len(r.Groups))
		for i, g := range r.Groups {
			if groups[i] = "`" + g + "`"; g == "" {
				groups[i] = "core"
			}
		}
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s |\n", strings.Join(groups, ", "), strings.Join(r.Resources, "`, `"), strings.Join(r.Verbs, ", "), r.For)
	}
	return b.String()
}
