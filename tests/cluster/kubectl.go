package cluster

import (
	"bufio"
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// RunKubectl runs kubectl as the administrator, with a text as its standard input, and
// returns what it prints, errors included.
func (c *Cluster) RunKubectl(ctx context.Context, stdin string, args ...string) (string, error) {
	cmd := c.kubectl(ctx, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("kubectl %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), err
}

// ForwardPort forwards a port of this machine's loopback address to that of a workload,
// such as "deployment/web", until the context ends or the pod that it found goes. Local is
// 0 for any that is free. It returns the address, "127.0.0.1:" and the port.
func (c *Cluster) ForwardPort(ctx context.Context, namespace, workload string, local, port int) (address string, err error) {
	ports := fmt.Sprintf("%d:%d", local, port)
	cmd := c.kubectl(ctx, "-n", namespace, "port-forward", workload, ports)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	address, _, ok := strings.Cut(strings.TrimPrefix(line, "Forwarding from "), " -> ")
	if err != nil || !ok {
		_ = cmd.Process.Kill()
		return "", fmt.Errorf("kubectl port-forward %s %s: %w: %s%s", workload, ports, cmd.Wait(), line, stderr.String())
	}
	go func() { _ = cmd.Wait() }() // it ends with the context
	return address, nil
}

func (c *Cluster) kubectl(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, c.Kubectl(), append([]string{"--kubeconfig=" + c.Kubeconfig()}, args...)...)
}
