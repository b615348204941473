//go:build linux

package elastictest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/exporter/flowelasticsearchexporter"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/elasticsearch"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/flowdocuments"
)

// patience is how long a test waits for what takes a moment: a server that starts on a
// machine with other things to do.
const patience = 3 * time.Minute

var shared = elasticsearch.Shared{Options: elasticsearch.Options{Security: true, TLS: true}}

func TestMain(m *testing.M) {
	if text := os.Getenv(exporterVariable); text != "" {
		if err := runExporter(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	shared.Main(m)
}

// writer is the role that the README gives the exporter.
const writer = `
flow_writer:
  indices:
    - names: ['logs-k8s.*']
      privileges: [create_doc, auto_configure]
`

// rig is a server with the templates for one namespace, and an exporter that may do no more
// than write.
type rig struct {
	*elasticsearch.Client
	server *elasticsearch.Server
	target
	*collector
}

// newRig puts the templates for a namespace, of indices that refuse what does not fit.
func newRig(t testing.TB, server *elasticsearch.Server, namespace string) *rig {
	t.Helper()
	r := &rig{Client: server.As(server.Admin), server: server}
	flowdocuments.PutTemplates(t, r.Client, schema.Options{Mode: schema.Standard, Namespace: namespace})
	server.SetRoles(t, writer)
	user := server.SetUser(t, "writer-"+namespace, "flow_writer")
	r.target = target{
		URL: server.URL, CA: string(server.CA), User: user.Name, Password: user.Password,
		Namespace: namespace, Directory: t.TempDir(),
	}
	return r
}

// start starts the exporter, with a queue that outlives it.
func (r *rig) start(t testing.TB, change ...func(*flowelasticsearchexporter.Config)) {
	t.Helper()
	var err error
	r.collector, err = start(t.Context(), r.target, change...)
	require.NoError(t, err)
}

func (r *rig) stop(t testing.TB) {
	t.Helper()
	require.NoError(t, r.collector.stop())
}

func (r *rig) stream(c schema.Class) string { return schema.ECS.Stream(c, r.Namespace) }

// push exports records of these numbers, whose ids are 1-1-NUMBER.
func (r *rig) push(t *testing.T, from, n int) {
	t.Helper()
	require.NoError(t, r.ConsumeLogs(t.Context(), flows(from, n, nil)))
}

func flows(from, n int, change func(*flow.Flow)) plog.Logs {
	batch := flow.Batch{}
	for i := range n {
		f := flow.Flow{ID: flow.ID{Node: 1, Epoch: 1, Counter: uint64(from + i)}, Action: flow.Allow, End: time.Now().UnixNano()}
		if change != nil {
			change(&f)
		}
		batch.Flows = append(batch.Flows, f)
	}
	return flow.Encode(&batch, time.Now())
}

// await waits until a stream has n documents, and then that it has no more and which these
// are: those of the numbers 1 to n.
func (r *rig) await(t *testing.T, c schema.Class, n int) {
	t.Helper()
	require.Eventually(t, func() bool { return r.count(t, c) >= n }, patience, 50*time.Millisecond, "documents in %s", r.stream(c))
	require.Equal(t, n, r.count(t, c))
	var numbers []int
	for after := ""; len(numbers) < n; {
		var page struct {
			Hits struct {
				Hits []struct {
					ID   string            `json:"_id"`
					Sort []json.RawMessage `json:"sort"`
				}
			}
		}
		require.NoError(t, r.Do(t.Context(), http.MethodPost, "/"+r.stream(c)+"/_search",
			`{"_source":false,"size":10000,"sort":["@timestamp","_doc"]`+after+`}`, &page))
		require.NotEmpty(t, page.Hits.Hits)
		for _, hit := range page.Hits.Hits {
			number, err := strconv.ParseInt(strings.TrimPrefix(hit.ID, "1-1-"), 16, 32)
			require.NoError(t, err)
			numbers = append(numbers, int(number))
		}
		last := page.Hits.Hits[len(page.Hits.Hits)-1].Sort
		after = `,"search_after":[` + string(last[0]) + `,` + string(last[1]) + `]`
	}
	slices.Sort(numbers)
	for i, number := range numbers {
		require.Equal(t, i+1, number)
	}
}

// count is how many documents a stream has; 0 too where it cannot be asked now.
func (r *rig) count(t testing.TB, c schema.Class) int {
	var answer struct{ Count int }
	path := "/" + r.stream(c)
	if r.Do(t.Context(), http.MethodPost, path+"/_refresh", nil, nil) != nil {
		return 0
	}
	if r.Do(t.Context(), http.MethodGet, path+"/_count", nil, &answer) != nil {
		return 0
	}
	return answer.Count
}
