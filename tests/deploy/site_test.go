package deploy

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/cluster"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/release"
)

const (
	// root is the top of the repository.
	root = "../.."
	// patience bounds every wait for something that happens by itself.
	patience = 2 * time.Minute
	// image is what the chart asks for unless it is told otherwise.
	image = "otelcol-flowlogs:0.1.0"
)

type object = cluster.Object

// site is a cluster whose nodes have the image of the built binary.
type site struct {
	*cluster.Cluster
	t *testing.T
}

func newSite(t *testing.T, nodes int) *site {
	t.Helper()
	return newSiteWith(t, cluster.Options{Nodes: nodes})
}

func newSiteWith(t *testing.T, options cluster.Options) *site {
	t.Helper()
	archive := writeImage(t)
	s := &site{cluster.New(t, options), t}
	require.NoError(t, s.LoadArchive(t.Context(), archive))
	t.Cleanup(func() {
		if t.Failed() {
			s.showLogs()
		}
	})
	return s
}

// showLogs shows the ends of the logs of the release's pods, which go with the cluster.
func (s *site) showLogs() {
	for _, component := range []string{"gateway", "agent", "setup"} {
		// The test's own context is over.
		out, err := s.RunKubectl(context.Background(), "", "-n", namespace, "logs", "--prefix", "--tail=40",
			"-l", "app.kubernetes.io/component="+component)
		s.t.Logf("the logs of %ss (%v):\n%s", component, err, out)
	}
}

// binary is the one that `make build` left or FLOWLOGS_BINARY names; its path is
// absolute or begins at the root.
func binary() string {
	if path := os.Getenv("FLOWLOGS_BINARY"); path != "" {
		return path
	}
	return "bin/otelcol-flowlogs"
}

// writeImage writes the image of the binary as `make image` does.
func writeImage(t *testing.T) string {
	t.Helper()
	archive := filepath.Join(t.TempDir(), "image.tar")
	printed, err := release.WriteImage(t.Context(), root, binary(), archive)
	require.NoError(t, err)
	require.Contains(t, printed, image)
	return archive
}

// kubectl runs a command of kubectl with a text as its standard input.
func (s *site) kubectl(stdin string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	return s.RunKubectl(ctx, stdin, args...)
}

// eventually waits until try succeeds.
func (s *site) eventually(what string, try func() error) {
	s.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := try()
		if err == nil {
			return
		}
		require.True(s.t, time.Now().Before(deadline), "%s: %v", what, err)
		time.Sleep(200 * time.Millisecond)
	}
}

func (s *site) apply(what, manifests string) {
	s.t.Helper()
	_, err := s.kubectl(manifests, "apply", "-f", "-")
	require.NoError(s.t, err, what)
}

// secret makes a secret in the release's namespace.
func (s *site) secret(name string, data map[string]string) {
	s.t.Helper()
	s.apply(name, encode(object{
		"apiVersion": "v1", "kind": "Secret", "metadata": object{"name": name, "namespace": namespace}, "stringData": data,
	}))
}

// rollout waits until a workload of the release is ready; if it is not, it shows why.
func (s *site) rollout(workload string) {
	s.t.Helper()
	if _, err := s.kubectl("", "-n", namespace, "rollout", "status", workload, "--timeout=90s"); err != nil {
		pods, _ := s.kubectl("", "-n", namespace, "describe", "pods")
		logs, _ := s.kubectl("", "-n", namespace, "logs", workload, "--tail=50")
		require.NoError(s.t, err, "%s\n%s", pods, logs)
	}
}

// forward forwards a port of this machine to the Flow Visualizer until the test ends.
func (s *site) forward(workload string) visualizer {
	s.t.Helper()
	address, err := s.ForwardPort(s.t.Context(), namespace, workload, 0, 8686)
	require.NoError(s.t, err)
	return visualizer{"http://" + address}
}

// podIP is the address of a pod of the shop.
func (s *site) podIP(pod string) string {
	s.t.Helper()
	address, err := s.kubectl("", "-n", "shop", "get", "pod", pod, "-o", "jsonpath={.status.podIP}")
	require.NoError(s.t, err)
	return address
}
