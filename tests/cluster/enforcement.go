package cluster

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/cluster/enforcer/rules"
)

const (
	enforcerUser       = "network-policy-enforcer"
	enforcerKubeconfig = "enforcer.kubeconfig"
)

// buildEnforcer returns the program that enforces NetworkPolicy. It is of this module,
// so the go command knows best whether what an earlier cluster built is up to date.
func buildEnforcer(ctx context.Context) (string, error) {
	root, err := repository()
	if err != nil {
		return "", err
	}
	path := filepath.Join(root, ".cache/cluster/enforcer")
	cmd := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", path, "./tests/cluster/enforcer")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the enforcer of NetworkPolicy: %w\n%s", err, out)
	}
	return path, nil
}

// permitEnforcers lets the enforcers of all nodes read what they need.
func (c *Cluster) permitEnforcers(ctx context.Context) error {
	const rbac = "/apis/rbac.authorization.k8s.io/v1/"
	read := []string{"list", "watch"}
	err := c.admin.Do(ctx, http.MethodPost, rbac+"clusterroles", Object{
		"metadata": Object{"name": enforcerUser},
		"rules": []Object{
			{"apiGroups": []string{""}, "resources": []string{"namespaces", "pods"}, "verbs": read},
			{"apiGroups": []string{"networking.k8s.io"}, "resources": []string{"networkpolicies"}, "verbs": read},
		},
	}, nil)
	if err != nil {
		return err
	}
	return c.admin.Do(ctx, http.MethodPost, rbac+"clusterrolebindings", Object{
		"metadata": Object{"name": enforcerUser},
		"roleRef":  Object{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": enforcerUser},
		"subjects": []Object{{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": enforcerUser}},
	}, nil)
}

// startEnforcers returns when every node enforces the policies there are.
func (c *Cluster) startEnforcers(ctx context.Context) error {
	program, err := buildEnforcer(ctx)
	if err != nil {
		return err
	}
	if err := c.permitEnforcers(ctx); err != nil {
		return err
	}
	p, err := c.ca.client(enforcerUser)
	if err != nil {
		return err
	}
	for _, n := range c.nodes {
		if err := writeKubeconfig(n.file(enforcerKubeconfig), c.url(), c.ca.pem, p); err != nil {
			return err
		}
		cmd := c.NodeCommand(n.index, program, "--kubeconfig="+n.file(enforcerKubeconfig), "--node="+n.name)
		if n.enforcer, err = c.startOn(n, "enforcer", cmd); err != nil {
			return err
		}
	}
	for _, n := range c.nodes {
		err := n.enforcer.Ready(ctx, patience, "no rules on its node", func(ctx context.Context) error {
			list := c.NodeCommand(n.index, "nft", append([]string{"list", "table"}, strings.Fields(rules.Table)...)...)
			out, err := list.CombinedOutput()
			if err != nil {
				return fmt.Errorf("nft list table: %w: %s", err, out)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
