// Command demo shows what an installation is like: a Kubernetes cluster of two nodes on
// this machine, the chart, a web shop that talks, and the address of the Flow Visualizer.
// It runs from the root of the repository until it is interrupted, and leaves nothing;
// `make demo` makes the image that it needs, and calls it.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path"
	"strconv"
	"syscall"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/cluster"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/release"
)

var options = cluster.Options{Nodes: 2, DNS: true, NetworkPolicy: true}

const (
	namespace = "otelcol-flowlogs"
	gateway   = "deployment/otelcol-flowlogs-gateway"
	agents    = "daemonset/otelcol-flowlogs-agent"
)

func main() {
	archive := flag.String("image", "bin/otelcol-flowlogs.tar", "archive of the image")
	port := flag.Int("port", 8686, "port of this machine for the Flow Visualizer; 0 is any that is free")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *archive, *port); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, archive string, port int) (err error) {
	say("starting a Kubernetes cluster of %d nodes; its programs are built the first time, which takes some minutes", options.Nodes)
	c, err := cluster.Start(ctx, options)
	if err != nil {
		return err
	}
	defer func() {
		say("stopping")
		if stopped := c.Stop(); err == nil {
			err = stopped
		}
	}()
	address, err := show(ctx, c, archive, port)
	if err != nil {
		return err
	}
	fmt.Printf(`
  Flow Visualizer    http://%s/

  export KUBECONFIG=%s
  alias kubectl=%s

Ctrl-C stops and removes everything.
`, address, c.Kubeconfig(), c.Kubectl())
	<-ctx.Done()
	return nil
}

// show installs the chart and the application, and returns where the Flow Visualizer is.
func show(ctx context.Context, c *cluster.Cluster, archive string, port int) (address string, err error) {
	say("installing the chart")
	if err := c.LoadArchive(ctx, archive); err != nil {
		return "", fmt.Errorf("%w; `make image` writes it", err)
	}
	if err := install(ctx, c); err != nil {
		return "", err
	}
	say("starting a web shop")
	bank, err := serveBank(ctx, c.MachineAddress().String())
	if err != nil {
		return "", err
	}
	objects, err := manifests(bank)
	if err != nil {
		return "", err
	}
	if _, err := c.RunKubectl(ctx, objects, "apply", "-f", "-"); err != nil {
		return "", err
	}
	for _, w := range shop {
		if w.kind == "CronJob" {
			continue
		}
		if err := rollout(ctx, c, w.namespace, w.kind+"/"+w.name); err != nil {
			return "", err
		}
	}
	for i := range options.Nodes {
		go shopAt(ctx, net.JoinHostPort(c.NodeAddress(i).String(), strconv.Itoa(ingressPort)))
	}
	return c.ForwardPort(ctx, namespace, gateway, port, 8686)
}

// install applies the chart and waits until its workloads are ready.
func install(ctx context.Context, c *cluster.Cluster) error {
	manifests, err := release.Template(ctx, ".", fmt.Sprintf(`
clusterName: demo
networks:
  - {name: outside, cidrs: [%s/32]}
agent:
  # The nodes share a kernel: each agent has the sockets of its own node only.
  cgroupRoot: %s/${env:K8S_NODE_NAME}
gateway:
  persistence: {enabled: false}
`, c.MachineAddress(), path.Dir(c.NodeCgroup(0))))
	if err != nil {
		return err
	}
	if _, err := c.RunKubectl(ctx, "", "create", "namespace", namespace); err != nil {
		return err
	}
	if _, err := c.RunKubectl(ctx, manifests, "apply", "-f", "-"); err != nil {
		return err
	}
	for _, workload := range []string{gateway, agents} {
		if err := rollout(ctx, c, namespace, workload); err != nil {
			return err
		}
	}
	return nil
}

// rollout waits until the pods of a workload are ready.
func rollout(ctx context.Context, c *cluster.Cluster, namespace, workload string) error {
	_, err := c.RunKubectl(ctx, "", "-n", namespace, "rollout", "status", workload, "--timeout=3m")
	return err
}

// say prints what happens now.
func say(format string, args ...any) {
	fmt.Printf("%s  %s\n", time.Now().Format(time.TimeOnly), fmt.Sprintf(format, args...))
}
