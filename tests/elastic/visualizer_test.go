//go:build linux

package elastic_test

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/elasticsearch"
)

const roles = `
reads_shop:
  indices:
    - names: ["logs-k8s.*-shop"]
      privileges: [read, view_index_metadata]
reads_one_stream:
  indices:
    - names: ["logs-k8s.flow-shop"]
      privileges: [read]
reads_lab:
  indices:
    - names: ["logs-k8s.*-lab"]
      privileges: [read, view_index_metadata]
reads_all:
  indices:
    - names: ["logs-k8s.*"]
      privileges: [read, view_index_metadata]
reads_nothing:
  cluster: [monitor]
`

// flows are between two namespaces of Kubernetes.
func flows(node uint32, n int, namespaces [2]string) *flow.Batch {
	batch := &flow.Batch{}
	now := time.Now().UnixNano()
	for i := range n {
		f := flow.Flow{
			ID:    flow.ID{Node: node, Epoch: 1, Counter: uint64(i + 1)},
			Start: now - int64(i)*1e9, End: now - int64(i)*1e9,
			Reporter: flow.ReporterSource, Action: flow.Allow, Transport: flow.TransportTCP,
			Connections: flow.Connections{Seen: 1, Started: 1, Completed: 1},
		}
		f.Source.Kubernetes = &flow.Kubernetes{Namespace: flow.Intern(namespaces[0])}
		f.Destination.Kubernetes = &flow.Kubernetes{Namespace: flow.Intern(namespaces[1])}
		f.Source.Bytes = 100
		batch.Flows = append(batch.Flows, f)
	}
	return batch
}

// TestElasticsearchDecidesWhatAPersonSees has flows of two tenants, each in data streams of
// their own, and people who may read one, the other, both, or some of the documents.
func TestElasticsearchDecidesWhatAPersonSees(t *testing.T) {
	r := start(t)
	r.SetRoles(t, roles)
	shop, lab := r.SetUser(t, "ann", "reads_shop"), r.SetUser(t, "bob", "reads_lab")
	stream := r.SetUser(t, "sue", "reads_one_stream")
	all, nothing := r.SetUser(t, "eve", "reads_all"), r.SetUser(t, "dan", "reads_nothing")
	r.export(t, "shop", flows(1, 5, [2]string{"front", "payments"}))
	r.export(t, "lab", flows(2, 3, [2]string{"lab", "lab"}))

	count := func(as elasticsearch.User) int {
		response, body := r.ask(t, as, "/flows")
		if response.StatusCode != http.StatusOK {
			return -1
		}
		return len(body["flows"].([]any))
	}
	require.Eventually(t, func() bool { return count(all) == 8 }, patience, moment, "a refresh takes a second")

	t.Run("each user their own", func(t *testing.T) {
		for user, want := range map[*elasticsearch.User]struct {
			flows      int
			namespaces []string
		}{
			&shop:   {5, []string{"front", "payments"}},
			&stream: {5, []string{"front", "payments"}},
			&lab:    {3, []string{"lab"}},
			&all:    {8, []string{"front", "lab", "payments"}},
		} {
			assert.Equal(t, want.flows, count(*user), user.Name)
			_, groups := r.ask(t, *user, "/groups?by=source.k8s.namespace.name")
			assert.EqualValues(t, want.flows, groups["total"].(map[string]any)["records"], user.Name)
			_, histogram := r.ask(t, *user, "/histogram")
			records := 0.0
			for _, bucket := range histogram["buckets"].([]any) {
				records += bucket.(map[string]any)["allow"].(map[string]any)["records"].(float64)
			}
			assert.EqualValues(t, want.flows, records, user.Name)
			var seen []string
			for _, end := range []string{"source", "destination"} {
				_, values := r.ask(t, *user, "/values?field="+end+".k8s.namespace.name")
				for _, v := range values["values"].([]any) {
					seen = append(seen, v.(map[string]any)["value"].(string))
				}
			}
			slices.Sort(seen)
			assert.Equal(t, want.namespaces, slices.Compact(seen), user.Name)
			_, status := r.ask(t, *user, "/status")
			assert.EqualValues(t, want.flows, status["store"].(map[string]any)["records"], user.Name)
			response, _ := r.ask(t, *user, "/losses")
			assert.Equal(t, http.StatusOK, response.StatusCode, user.Name)
		}
	})

	t.Run("a page that another began shows nothing more", func(t *testing.T) {
		_, first := r.ask(t, all, "/flows?limit=1")
		_, rest := r.ask(t, lab, fmt.Sprintf("/flows?cursor=%s", first["next"]))
		for _, f := range rest["flows"].([]any) {
			assert.Equal(t, "lab", f.(map[string]any)["source.k8s.namespace.name"])
		}
	})

	t.Run("who does not log in is asked to", func(t *testing.T) {
		for _, path := range []string{"/flows", "/flows.csv", "/groups", "/histogram", "/values?field=flow.action", "/losses", "/status", "/stream"} {
			for _, user := range []elasticsearch.User{{}, {Name: shop.Name, Password: "guess"}, {Name: "nobody", Password: "x"}} {
				response, body := r.ask(t, user, path)
				assert.Equal(t, http.StatusUnauthorized, response.StatusCode, "%s %q", path, user.Name)
				assert.Contains(t, response.Header.Get("WWW-Authenticate"), "Basic ", path)
				assert.Equal(t, "no-store", response.Header.Get("Cache-Control"))
				assert.Equal(t, "unauthenticated", body["error"].(map[string]any)["code"])
			}
		}
	})

	t.Run("who may see nothing is told", func(t *testing.T) {
		response, body := r.ask(t, nothing, "/flows")
		assert.Equal(t, http.StatusForbidden, response.StatusCode)
		assert.Equal(t, "forbidden", body["error"].(map[string]any)["code"])
		assert.Contains(t, body["error"].(map[string]any)["message"], "grant read")
	})

	t.Run("documents by their namespace", func(t *testing.T) {
		require.NoError(t, r.As(r.Admin).Do(t.Context(), http.MethodPost, "/_license/start_trial?acknowledge=true", nil, nil))
		text, err := os.ReadFile("../../deploy/elasticsearch/namespace-reader.yml")
		require.NoError(t, err)
		r.SetRoles(t, strings.ReplaceAll(string(text), "shop", "payments"))
		payments := r.SetUser(t, "pat", "flowlogs_reader_of_payments")
		assert.Equal(t, 5, count(payments))
		_, values := r.ask(t, payments, "/values?field=source.k8s.namespace.name")
		assert.Len(t, values["values"], 1)
		response, _ := r.ask(t, payments, "/status")
		assert.Equal(t, http.StatusOK, response.StatusCode)
	})
}
