package identity

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/extension/extensiontest"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/cluster"
)

// leases is the path of those of the tests; moment is between two looks at a thing.
const (
	leases = "/apis/coordination.k8s.io/v1/namespaces/shop/leases"
	moment = 20 * time.Millisecond
)

// mayElect gives a user what an election takes, and nothing else.
func (s *site) mayElect(user string) *cluster.Client {
	s.t.Helper()
	const rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/"
	s.apply(rbac+"roles", object{"metadata": object{"name": "elect"}, "rules": []object{
		{"apiGroups": []string{"coordination.k8s.io"}, "resources": []string{"leases"}, "verbs": []string{"create"}},
		{"apiGroups": []string{"coordination.k8s.io"}, "resources": []string{"leases"}, "resourceNames": []string{"flows"}, "verbs": []string{"get", "update"}},
	}})
	s.apply(rbac+"rolebindings", object{
		"metadata": object{"name": user},
		"roleRef":  object{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "elect"},
		"subjects": []object{{"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}},
	})
	client, err := s.User(user)
	require.NoError(s.t, err)
	return client
}

// candidate is an elector and what it has been told.
type candidate struct {
	leads   atomic.Bool
	refused atomic.Value // the last error
	stop    func()
}

// newCandidate starts one, which ends with the test.
func newCandidate(t *testing.T, kubeconfig string) *candidate {
	t.Helper()
	e, err := kube.NewElector(kube.Config{Kubeconfig: kubeconfig}, "shop", "flows")
	require.NoError(t, err)
	c := &candidate{}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.Run(ctx, func(ctx context.Context) {
			c.leads.Store(true)
			<-ctx.Done()
			c.leads.Store(false)
		}, func(_ string, err error) {
			if err != nil {
				c.refused.Store(err.Error())
			}
		})
	}()
	c.stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(c.stop)
	return c
}

func TestElection(t *testing.T) {
	s := newSite(t, cluster.Options{})
	may := s.mayElect("elector").Kubeconfig()
	leading := func(candidates ...*candidate) (n int) {
		for _, c := range candidates {
			if c.leads.Load() {
				n++
			}
		}
		return n
	}

	t.Run("one leads, and another when it stops", func(t *testing.T) {
		a, b := newCandidate(t, may), newCandidate(t, may)
		require.Eventually(t, func() bool { return leading(a, b) == 1 }, patience, moment)
		if b.leads.Load() {
			a, b = b, a
		}
		a.stop()
		require.Eventually(t, b.leads.Load, patience, moment)
		assert.False(t, a.leads.Load())
	})
	t.Run("who has been taken the Lease away no longer leads", func(t *testing.T) {
		a := newCandidate(t, may)
		require.Eventually(t, a.leads.Load, patience, moment)
		s.patch(leases+"/flows", object{"spec": object{"holderIdentity": "somebody", "renewTime": time.Now().UTC().Format("2006-01-02T15:04:05.000000Z07:00")}})
		require.Eventually(t, func() bool { return !a.leads.Load() }, patience, moment)
		require.Eventually(t, a.leads.Load, patience, moment, "somebody gives no sign of life")
	})
	t.Run("nobody leads whom the API server does not answer", func(t *testing.T) {
		a := newCandidate(t, may)
		require.Eventually(t, a.leads.Load, patience, moment)
		require.NoError(t, s.PauseAPIServer())
		require.Eventually(t, func() bool { return !a.leads.Load() }, patience, moment)
		require.NoError(t, s.ResumeAPIServer())
		require.Eventually(t, a.leads.Load, patience, moment)
	})
	t.Run("a right that is missing is told", func(t *testing.T) {
		stranger, err := s.User("stranger")
		require.NoError(t, err)
		a := newCandidate(t, stranger.Kubeconfig())
		require.Eventually(t, func() bool { return a.refused.Load() != nil }, patience, moment)
		assert.Contains(t, a.refused.Load(), `cannot get resource "leases"`)
	})
}

// TestOneOfTwoExtensionsWorks has two collectors set an Elasticsearch up, each by a login of
// its own, by which the server tells them apart.
func TestOneOfTwoExtensionsWorks(t *testing.T) {
	s := newSite(t, cluster.Options{})
	var requests [2]atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var n int
		user, _, _ := r.BasicAuth()
		if _, err := fmt.Sscanf(user, "collector-%d", &n); err != nil {
			t.Errorf("unexpected user %q", user)
		}
		requests[n].Add(1)
		http.Error(w, "", http.StatusServiceUnavailable) // so that it is asked again
	}))
	t.Cleanup(server.Close)
	may := s.mayElect("elector").Kubeconfig()
	var collectors [2]component.Component
	for n := range collectors {
		factory := flowelasticsearchextension.NewFactory()
		config := factory.CreateDefaultConfig().(*flowelasticsearchextension.Config)
		config.Connection.HTTP.Endpoint = server.URL
		config.Connection.User, config.Connection.Password = fmt.Sprintf("collector-%d", n), "password"
		config.LeaderElection = configoptional.Some(flowelasticsearchextension.LeaderElectionConfig{LeaseName: "flows", LeaseNamespace: "shop", Kubeconfig: may})
		var err error
		collectors[n], err = factory.Create(t.Context(), extensiontest.NewNopSettings(flowelasticsearchextension.Type), config)
		require.NoError(t, err)
		require.NoError(t, collectors[n].Start(t.Context(), componenttest.NewNopHost()))
		t.Cleanup(func() { require.NoError(t, collectors[n].Shutdown(context.Background())) })
	}
	var leader int
	require.Eventually(t, func() bool {
		for n := range requests {
			if requests[n].Load() >= 3 {
				leader = n
				return true
			}
		}
		return false
	}, patience, moment)
	follower := 1 - leader
	assert.Zero(t, requests[follower].Load(), "it stands by")
	require.NoError(t, collectors[leader].Shutdown(t.Context()))
	before := requests[leader].Load()
	require.Eventually(t, func() bool { return requests[follower].Load() >= 3 }, patience, moment)
	assert.Equal(t, before, requests[leader].Load())
}
