package flowelasticsearchextension

import (
	"errors"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube"
)

// LeaderElectionConfig says which Lease of a Kubernetes cluster the collectors ask for of
// which one is to work.
type LeaderElectionConfig struct {
	// LeaseName is the name of the Lease. Default: flow-elasticsearch. Collectors that set
	// different servers up need different ones.
	LeaseName string `mapstructure:"lease_name"`
	// LeaseNamespace is the namespace it is in. Default: that of the pod.
	LeaseNamespace string `mapstructure:"lease_namespace"`
	// Kubeconfig is the path of a kubeconfig file, for a collector outside of the cluster.
	// Default: none; the service account of the pod.
	Kubeconfig string `mapstructure:"kubeconfig"`
}

func defaultLeaderElection() LeaderElectionConfig {
	return LeaderElectionConfig{LeaseName: "flow-elasticsearch"}
}

// Validate implements confmap.Validator.
func (c *LeaderElectionConfig) Validate() error {
	if c.LeaseName == "" {
		return errors.New("lease_name is empty: name a Lease, such as flow-elasticsearch")
	}
	if c.Kubeconfig != "" && c.LeaseNamespace == "" {
		return errors.New("lease_namespace is needed with kubeconfig: there is no pod whose namespace it could be")
	}
	return nil
}

func (c *LeaderElectionConfig) elector() (elector, error) {
	return kube.NewElector(kube.Config{Kubeconfig: c.Kubeconfig}, c.LeaseNamespace, c.LeaseName)
}
