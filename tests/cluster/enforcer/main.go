// Command enforcer makes a node of the test cluster drop what no NetworkPolicy allows.
// It runs in the node's network namespace, as kube-proxy does, and owns one nft table.
// Its rules stay when it ends: they go with the namespace.
//
// A policy is in force within a second of its change, and for a pod once the API
// server knows the pod's address. Connections that are open stay open, which
// Kubernetes leaves to the implementation.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "whose user may list and watch pods, namespaces and network policies")
	node := flag.String("node", "", "name of the node whose pods to isolate")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *kubeconfig, *node); err != nil {
		fmt.Fprintln(os.Stderr, "enforcer:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, kubeconfig, node string) error {
	if kubeconfig == "" || node == "" {
		return errors.New("say -kubeconfig and -node")
	}
	if err := bridgedPacketsPass(); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	o, err := newObjects(config)
	if err != nil {
		return err
	}
	if err := o.start(ctx); err != nil {
		return err
	}
	enforce(ctx, node, o)
	return nil
}

// bridgedPacketsPass returns an error where nft would not see packets between two pods
// of the node.
func bridgedPacketsPass() error {
	for _, tables := range []string{"iptables", "ip6tables"} { // and those of nft
		file := "/proc/sys/net/bridge/bridge-nf-call-" + tables
		value, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("packets that a bridge forwards pass no rule: load the kernel module br_netfilter: %w", err)
		}
		if strings.TrimSpace(string(value)) != "1" {
			return fmt.Errorf("packets that a bridge forwards pass no rule: write 1 to %s", file)
		}
	}
	return nil
}
