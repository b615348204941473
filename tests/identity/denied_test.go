package identity

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/cluster"
)

func TestDeniedIsNamedAndCured(t *testing.T) {
	s := newSite(t, cluster.Options{})
	s.pod("web-1", "node-1", time.Now().Add(-time.Minute), []string{"10.244.0.1"}, nil)
	user, err := s.User("collector")
	require.NoError(t, err)
	c := s.acquire(kube.Config{Kubeconfig: user.Kubeconfig()}, everything...)
	s.eventually("waiting is of no use", c.Settled)
	pods := status(c, kube.Pods)
	assert.True(t, pods.Denied)
	assert.ErrorContains(t, pods.Err, "pods: the cluster denies it: allow the collector's account the verb")
	assert.ErrorContains(t, pods.Err, "on pods, as deploy/kubernetes/rbac.yaml does")
	assert.ErrorContains(t, status(c, kube.EndpointSlices).Err, "endpointslices.discovery.k8s.io")

	manifest, err := os.ReadFile("../../deploy/kubernetes/rbac.yaml")
	require.NoError(t, err)
	s.grant("collector", string(manifest))
	s.eventually("the role is enough for everything", func() bool {
		return !slices.ContainsFunc(c.Status(), func(s kube.Status) bool { return !s.Synced || s.Err != nil })
	})
	assert.Equal(t, "web-1", who(c, "10.244.0.1"))
}

// TestWhatIsDeniedIsNamedAndTheRestGoesOn has an account that may not read all, which may
// come later.
func TestWhatIsDeniedIsNamedAndTheRestGoesOn(t *testing.T) {
	s := newSite(t, cluster.Options{})
	s.networkSets()
	s.create(calicoGlobalSets, networkSet("GlobalNetworkSet", "partners", "198.51.100.0/24"))
	s.pod("web-1", "node-1", time.Now().Add(-time.Hour), []string{"10.244.0.1"}, s.jobOfCronJob("backup-1", "backup"))
	user, err := s.User("collector")
	require.NoError(t, err)
	denied := []string{"networksets", "globalnetworksets", "jobs"}
	some := slices.DeleteFunc(kube.Rules(everything...), func(r kube.Rule) bool { return slices.Contains(denied, r.Resources[0]) })
	s.grant("collector", kube.Manifest(some))
	p, sink, health := s.startProcessor(user.Kubeconfig(), nil)
	a := &asker{p, sink}
	flow := between("10.244.0.1:40000", "198.51.100.7:443")

	health.await(t, "it may not read them", func(e *componentstatus.Event) bool {
		return e.Status() == componentstatus.StatusRecoverableError && needs(e.Err(), "list|watch", "networksets.crd.projectcalico.org") &&
			needs(e.Err(), "list|watch", "globalnetworksets.crd.projectcalico.org") && needs(e.Err(), "get", "jobs.batch")
	})
	source, destination := a.ask(s, flow)
	assert.Equal(t, [3]string{"web-1", "Job", "backup-1"}, [3]string{source.Pod.String(), source.WorkloadKind.String(), source.WorkloadName.String()}, "true as far as it goes")
	assert.False(t, destination.Network.Known())

	s.remove("/apis/rbac.authorization.k8s.io/v1/clusterroles/otelcol-flowlogs")
	s.grant("collector", kube.Manifest(kube.Rules(everything...)))
	health.await(t, "all is well", func(e *componentstatus.Event) bool { return e.Status() == componentstatus.StatusOK })
	s.eventually("all is known", func() bool {
		source, destination := a.ask(s, flow)
		return source.WorkloadKind.String() == "CronJob" && destination.Network.String() == "partners"
	})
}

// needs reports whether an error names a verb that the account needs on a resource.
func needs(err error, verb, resource string) bool {
	return regexp.MustCompile(fmt.Sprintf(`the cluster denies it: allow the collector's account the verb (%s) on %s, as deploy/kubernetes/rbac\.yaml does`,
		verb, regexp.QuoteMeta(resource))).MatchString(err.Error())
}
