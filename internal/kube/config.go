package kube

import (
	"errors"
	"fmt"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Config says which cluster is watched, and how much of it. Equal Configs share a Cluster.
type Config struct {
	// Kubeconfig is the path of a kubeconfig file; empty for the service account of the
	// pod that the process runs in.
	Kubeconfig string
	// Context is the context of the file; empty for its current one.
	Context string
	// Node limits pods and nodes to one node; empty for all.
	Node string
	// Grace is how long what was deleted is still known.
	Grace time.Duration
}

const (
	userAgent = "otelcol-flowlogs"
	// requests and burst bound the look-ups of owners a second; watches are few.
	requests = 50
	burst    = 100
)

// client reads the credentials. It does not connect.
func (c *Config) client() (*rest.Config, error) {
	var config *rest.Config
	var err error
	if c.Kubeconfig == "" {
		if config, err = rest.InClusterConfig(); errors.Is(err, rest.ErrNotInCluster) {
			return nil, errors.New("this process runs in no pod of a cluster: name a kubeconfig file, or mount the service account's token")
		}
	} else {
		config, err = clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
			&clientcmd.ClientConfigLoadingRules{ExplicitPath: c.Kubeconfig},
			&clientcmd.ConfigOverrides{CurrentContext: c.Context}).ClientConfig()
	}
	if err != nil {
		return nil, fmt.Errorf("read the cluster's credentials: %w", err)
	}
	config.UserAgent = userAgent
	config.QPS, config.Burst = requests, burst
	return config, nil
}
