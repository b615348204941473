//go:build linux

package elastictest_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/document"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow/flowtest"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/elasticsearch"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/flowdocuments"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/workload"
)

var shared elasticsearch.Shared

func TestMain(m *testing.M) { shared.Main(m) }

// TestEveryDocumentIsIndexedWhole puts the templates of each form, writes documents of every
// kind, and asks the server what it made of them.
func TestEveryDocumentIsIndexedWhole(t *testing.T) {
	server := shared.Get(t)
	for _, m := range []schema.Mapping{schema.ECS, schema.OTel} {
		for _, mode := range []schema.IndexMode{schema.LogsDB, schema.Standard} {
			t.Run(fmt.Sprintf("%s in %s", m, mode), func(t *testing.T) {
				namespace := m.String() + "." + mode.String()
				c := newCluster(t, server, schema.Options{Mapping: m, Mode: mode, Namespace: namespace})
				sent := c.index(t, document.Options{Mapping: m, Namespace: namespace, CommunityID: true})
				for _, class := range schema.Classes() {
					stream := m.Stream(class, namespace)
					assert.Equal(t, sent[stream], c.count(t, stream, `{"match_all":{}}`), stream)
					assert.Zero(t, c.count(t, stream, `{"exists":{"field":"_ignored"}}`), "%s has values that it ignored", stream)
					c.compareTypes(t, m, class, stream)
				}
			})
		}
	}
}

// cluster is a server with the templates of one form.
type cluster struct{ *elasticsearch.Client }

func newCluster(t testing.TB, server *elasticsearch.Server, o schema.Options) cluster {
	t.Helper()
	c := cluster{server.As(server.Admin)}
	flowdocuments.PutTemplates(t, c.Client, o)
	return c
}

// index writes the golden documents, some thousand records of the reference workload, random
// ones and a rejection, and returns how many went to each stream.
func (c cluster) index(t *testing.T, o document.Options) map[string]int {
	t.Helper()
	encoder, err := document.NewEncoder(o)
	require.NoError(t, err)
	b := bulk{encoder: encoder, sent: make(map[string]int)}
	for _, logs := range golden(t) {
		b.add(t, logs)
	}
	w := workload.New(1, workload.Default())
	for b.n < 4000 {
		for _, batch := range w.Next() {
			b.add(t, flow.Encode(&batch, w.Now()))
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	for i := range 500 {
		f := flowtest.Flow(r)
		f.ID = flow.ID{Node: 9, Epoch: 9, Counter: uint64(i + 1)}
		b.add(t, flow.Encode(&flow.Batch{Flows: []flow.Flow{f}}, w.Now()))
	}
	doc, target := encoder.AppendRejection(nil, &document.Rejection{
		Time: w.Now(), Type: document.NotAFlow, Message: "log record with the event name device.boot is no flow record", Original: []byte(strings.Repeat(`{"a":"é"}`, 10000)),
		Target: document.Target{Stream: "logs-k8s.flow-default", ID: "1-2-3"},
	})
	b.line(target, doc)
	b.send(t, c)
	return b.sent
}

// bulk is the body of a request: so many documents, of which so many go to each stream, and the
// length of all of them.
type bulk struct {
	encoder   *document.Encoder
	request   flowdocuments.Bulk
	n, length int
	sent      map[string]int
	seen      map[string]bool
}

func (b *bulk) add(t testing.TB, logs plog.Logs) {
	t.Helper()
	require.NoError(t, flowdocuments.Encode(b.encoder, logs, b.line))
}

// line adds a document, or not, where it was added before: golden cases share records.
func (b *bulk) line(target document.Target, doc []byte) {
	if key := target.Stream + target.ID; target.ID != "" {
		if b.seen[key] {
			return
		}
		if b.seen == nil {
			b.seen = make(map[string]bool)
		}
		b.seen[key] = true
	}
	b.request.Add(target, doc)
	b.n++
	b.length += len(doc)
	b.sent[target.Stream]++
}

// send sends the request, of which nothing may be refused.
func (b *bulk) send(t testing.TB, c cluster) {
	t.Helper()
	require.NoError(t, b.request.Send(t.Context(), c.Client))
}

// golden returns the inputs of the document package's golden cases.
func golden(t *testing.T) []plog.Logs {
	t.Helper()
	paths, err := filepath.Glob("../testdata/*/input.json")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	var all []plog.Logs
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		logs, err := new(plog.JSONUnmarshaler).UnmarshalLogs(text)
		require.NoError(t, err)
		all = append(all, logs)
	}
	return all
}

func (c cluster) count(t *testing.T, stream, query string) int {
	t.Helper()
	var answer struct{ Count int }
	require.NoError(t, c.Do(t.Context(), http.MethodPost, "/"+stream+"/_count", `{"query":`+query+`}`, &answer))
	return answer.Count
}

// compareTypes asks the server for the type of every field.
func (c cluster) compareTypes(t *testing.T, m schema.Mapping, class schema.Class, stream string) {
	t.Helper()
	var answer struct {
		Fields map[string]map[string]struct {
			Metadata bool `json:"metadata_field"`
		}
	}
	require.NoError(t, c.Do(t.Context(), http.MethodGet, "/"+stream+"/_field_caps?fields=*&filters=-metadata,-parent", nil, &answer))
	want := make(map[string]string)
	for _, f := range m.FieldsOf(class) {
		if f.Path == schema.ID {
			continue
		}
		for _, name := range append(slices.Clone(f.Aliases), f.Path) {
			want[name] = f.Type
		}
		if m == schema.OTel && f.Attribute != nil {
			want[f.Attribute.Name] = f.Type // passed through
		}
	}
	for name, typ := range want {
		assert.Contains(t, answer.Fields[name], typ, name)
		assert.Len(t, answer.Fields[name], 1, name)
	}
	for name, types := range answer.Fields {
		if _, known := want[name]; !known && !strings.HasPrefix(name, schema.Labels+".") && m == schema.ECS {
			t.Errorf("%s: %s is not in the schema: %v", stream, name, types)
		}
	}
}

// TestWhatPeopleSearchForIsFound holds the names that each of them knows.
func TestWhatPeopleSearchForIsFound(t *testing.T) {
	const namespace = "search"
	c := newCluster(t, shared.Get(t), schema.Options{Namespace: namespace})
	encoder, err := document.NewEncoder(document.Options{Namespace: namespace})
	require.NoError(t, err)
	b := bulk{encoder: encoder, sent: make(map[string]int)}
	for _, logs := range golden(t) {
		b.add(t, logs)
	}
	b.send(t, c)
	flows := "logs-k8s.flow*-" + namespace
	for query, want := range map[string]int{
		`{"term":{"event.type":"denied"}}`:                                                 1,
		`{"term":{"flow.action":"deny"}}`:                                                  1,
		`{"term":{"action":"deny"}}`:                                                       1,
		`{"term":{"source.ip":"203.0.113.0/24"}}`:                                          1,
		`{"term":{"source_ip":"203.0.113.9"}}`:                                             1,
		`{"term":{"destination.ip":"fe80::1"}}`:                                            1,
		`{"term":{"related.ip":"10.42.8.14"}}`:                                             1,
		`{"term":{"source.addresses":"10.42.8.0/24"}}`:                                     1,
		`{"term":{"source.k8s.pod.labels":"app.kubernetes.io/name=cart"}}`:                 4,
		`{"term":{"source_labels":"app.kubernetes.io/name=cart"}}`:                         4,
		`{"term":{"labels.team":"record"}}`:                                                1,
		`{"range":{"source.bytes":{"gte":9223372036854775807}}}`:                           1,
		`{"range":{"flow.start":{"gte":"2026-11-30T00:53:20.123456789Z"}}}`:                4,
		`{"range":{"flow.start":{"gte":"2026-11-30T00:53:20.12345679Z"}}}`:                 0,
		`{"ids":{"values":["1a2b3c4d-6748b0c5-1268"]}}`:                                    1,
		`{"range":{"@timestamp":{"gte":"2026-11-30T00:53:30Z","lt":"2026-11-30T00:54Z"}}}`: 5,
	} {
		assert.Equal(t, want, c.count(t, flows, query), query)
	}
	assert.Equal(t, 2, c.count(t, "logs-k8s.observer-"+namespace, `{"exists":{"field":"event.action"}}`))
}

// TestADocumentThatIsSentAgainIsKnown is what exactly-once rests on.
func TestADocumentThatIsSentAgainIsKnown(t *testing.T) {
	const namespace = "again"
	c := newCluster(t, shared.Get(t), schema.Options{Namespace: namespace})
	encoder, err := document.NewEncoder(document.Options{Namespace: namespace})
	require.NoError(t, err)
	b := bulk{encoder: encoder, sent: make(map[string]int)}
	f := flow.Flow{ID: flow.ID{Node: 1, Epoch: 2, Counter: 3}, Start: 1, End: int64(time.Hour)}
	b.add(t, flow.Encode(&flow.Batch{Flows: []flow.Flow{f}}, time.Unix(1, 0)))
	b.send(t, c)
	require.Equal(t, 1, b.n)
	var refused *elasticsearch.StatusError
	require.ErrorAs(t, b.request.Send(t.Context(), c.Client), &refused)
	assert.Equal(t, http.StatusConflict, refused.Status)
}
