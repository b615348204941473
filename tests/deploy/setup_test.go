package deploy

import (
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/kibana/kibanatest"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/elasticsearch"
)

// setups are the pods that set Elasticsearch and Kibana up, of which one works.
const setups = "app.kubernetes.io/component=setup"

// setupOf is what the pods of the setup are compared with.
type setupOf struct {
	*site
	server *elasticsearch.Client // as who may do everything
	kibana *kibanatest.Server
	// killed is the identity of the leader that was killed.
	killed string
}

// standIn is a Kibana at the machine's address, which lets one user in. It returns the values
// of the chart for it.
func (s *site) standIn() (kibana *kibanatest.Server, values string) {
	s.t.Helper()
	const user = "flowlogs-kibana"
	password := rand.Text()
	kibana = kibanatest.NewServer()
	listening := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, _ := r.BasicAuth(); u != user || p != password {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		kibana.ServeHTTP(w, r)
	}))
	address := net.IP(s.MachineAddress().AsSlice())
	cert, key := certificate(s.t, address)
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	require.NoError(s.t, err)
	listening.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	require.NoError(s.t, listening.Listener.Close())
	listening.Listener, err = net.Listen("tcp", net.JoinHostPort(address.String(), "0"))
	require.NoError(s.t, err)
	listening.StartTLS()
	s.t.Cleanup(listening.Close)
	s.secret("kibana-ca", map[string]string{"ca.crt": cert})
	s.secret(user, map[string]string{"username": user, "password": password})
	return kibana, `{endpoint: "` + listening.URL + `", tls: {caSecretName: kibana-ca}, secretName: ` + user + `}`
}

// leader is who has the Lease, and in which pod.
func (s *setupOf) leader() (identity, pod string, err error) {
	identity, err = s.kubectl("", "-n", namespace, "get", "lease", "otelcol-flowlogs-setup", "-o", "jsonpath={.spec.holderIdentity}")
	if err == nil && identity == "" {
		err = errors.New("nobody leads")
	}
	pod, _, _ = strings.Cut(identity, "_")
	return identity, pod, err
}

// waitsForItsRights checks that who leads is not ready as long as a privilege is missing, and
// that who stands by is.
func (s *setupOf) waitsForItsRights() {
	s.t.Helper()
	s.eventually("the leader is not ready, the other is", func() error {
		_, leader, err := s.leader()
		if err != nil {
			return err
		}
		failed, err := s.kubectl("", "-n", namespace, "get", "events", "--field-selector=reason=Unhealthy,involvedObject.name="+leader, "-o", "jsonpath={.items[*].message}")
		if err != nil {
			return err
		}
		ready, err := s.kubectl("", "-n", namespace, "get", "pods", "-l", setups, "-o",
			`jsonpath={range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}`)
		if err != nil {
			return err
		}
		if !strings.Contains(failed, "Readiness probe failed: HTTP probe failed with statuscode: 500") ||
			!strings.Contains(ready, leader+" False\n") || strings.Count(ready, " True\n") != 1 || strings.Count(ready, "\n") != 2 {
			return fmt.Errorf("of %s probes say %q; ready are\n%s", leader, failed, ready)
		}
		return nil
	})
}

// isDoneByOne checks that only the leader worked, and what came of it.
func (s *setupOf) isDoneByOne() {
	s.t.Helper()
	_, leader, err := s.leader()
	require.NoError(s.t, err)
	pods, err := s.containers(namespace, setups)
	require.NoError(s.t, err)
	require.Len(s.t, pods, 2)
	for _, pod := range pods {
		logs, err := s.kubectl("", "-n", namespace, "logs", pod.name)
		require.NoError(s.t, err)
		require.Contains(s.t, logs, "one collector works on Elasticsearch, the others stand by")
		require.Equal(s.t, pod.name == leader, strings.Contains(logs, "Elasticsearch is set up for flow records"), "%s, where %s leads:\n%s", pod.name, leader, logs)
	}
	committed, err := os.ReadFile(filepath.Join(root, "deploy/kibana/ecs.ndjson"))
	require.NoError(s.t, err)
	s.eventually("Kibana has the dashboards", func() error {
		if got, want := len(s.kibana.Objects()), strings.Count(string(committed), "\n"); got != want {
			return fmt.Errorf("it has %d of %d objects", got, want)
		}
		return nil
	})
	require.Contains(s.t, s.kibana.Objects(), "dashboard flowlogs-overview")
}

// lostTemplate is one that the scenario does without: nothing is rejected in it.
const lostTemplate = "/_index_template/logs-k8s.rejected"

// losesItsLeader takes a template away and kills who would put it again.
func (s *setupOf) losesItsLeader() {
	s.t.Helper()
	var leader string
	var err error
	s.killed, leader, err = s.leader()
	require.NoError(s.t, err)
	pods, err := s.containers(namespace, setups)
	require.NoError(s.t, err)
	require.NoError(s.t, s.server.Do(s.t.Context(), http.MethodDelete, lostTemplate, nil, nil))
	for _, pod := range pods {
		if pod.name == leader {
			s.kill(pod.pid)
			return
		}
	}
	require.Fail(s.t, "the leader does not run", "%s is not of %+v", leader, pods)
}

// isTakenOver fails until another one has done what the leader would have.
func (s *setupOf) isTakenOver() error {
	identity, leader, err := s.leader()
	if err != nil {
		return err
	}
	if identity == s.killed {
		return fmt.Errorf("%s leads, which was killed", identity)
	}
	if err := s.server.Do(s.t.Context(), http.MethodGet, lostTemplate, nil, nil); err != nil {
		return err
	}
	logs, err := s.kubectl("", "-n", namespace, "logs", leader)
	if err != nil {
		return err
	}
	if !strings.Contains(logs, "Kibana has the data views and dashboards") {
		return fmt.Errorf("%s has not looked at Kibana:\n%s", leader, logs)
	}
	const once = 2 // the objects, and the tag that says that all are there
	if n := s.kibana.Imports(); n != once {
		return fmt.Errorf("dashboards were put by %d requests, not %d", n, once)
	}
	return nil
}
