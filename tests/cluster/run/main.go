// Command run starts a Kubernetes cluster for a person to try things on, says how
// to reach it, and runs until it is interrupted: `make cluster` builds and calls it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/cluster"
)

func main() {
	nodes := flag.Int("nodes", 1, "how many real nodes")
	fake := flag.Int("fake-nodes", 0, "how many nodes kwok plays")
	dual := flag.Bool("dual-stack", false, "IPv6 addresses beside those of IPv4")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *nodes, *fake, *dual); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, nodes, fake int, dual bool) error {
	c, err := cluster.Start(ctx, cluster.Options{
		ControllerManager: true, Scheduler: true, Kwok: fake > 0,
		Nodes: nodes, DualStack: dual, DNS: nodes > 0, NetworkPolicy: nodes > 0,
	})
	if err != nil {
		return err
	}
	defer func() {
		fmt.Println("stopping")
		if err := c.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	if fake > 0 {
		if err := c.AddFakeNodes(ctx, fake); err != nil {
			return err
		}
	}
	fmt.Printf(`
  export KUBECONFIG=%s
  alias kubectl=%s

Ctrl-C stops and removes everything.
`, c.Kubeconfig(), c.Kubectl())
	if nodes > 0 {
		fmt.Printf(`
The nodes have the image %s; pods name it with imagePullPolicy: Never.
Pods find services by name (DNS), and nodes drop what no NetworkPolicy allows.

`, cluster.NetpeerImage)
	}
	for i := range nodes {
		fmt.Printf("  %s: nsenter -t %d -m -n -u\n", c.NodeName(i), c.NodePID(i))
	}
	<-ctx.Done()
	return nil
}
