package recycle

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

// answers is a server that gives prepared answers, by the beginning of the path, and keeps
// the requests that would change it.
type answers struct {
	by      map[string]string
	changes []string
}

func (a *answers) Perform(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet {
		a.changes = append(a.changes, r.Method+" "+r.URL.Path)
		return answer(http.StatusOK, `{"rolled_over": true}`), nil
	}
	best := ""
	for path := range a.by {
		if strings.Contains(r.URL.Path, path) && len(path) > len(best) {
			best = path
		}
	}
	if best == "" {
		return answer(http.StatusNotFound, `{}`), nil
	}
	return answer(http.StatusOK, a.by[best]), nil
}

func answer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body))}
}

// The parts of a server's answers that have to do with one data stream.
const (
	nodesAnswer     = `{"nodes":{"n":{"name":"one","timestamp":1790000000000,"roles":["data"],"fs":{"total":{"total_in_bytes":1000,"available_in_bytes":400}}}}}`
	watermarkAnswer = `{"defaults":{"cluster.routing.allocation.disk.watermark.high":"90%","cluster.routing.allocation.disk.watermark.high.max_headroom":"150GB"}}`
	streamsAnswer   = `{"data_streams":[{"name":"logs-k8s.flow-default","backing_indices":[".ds-logs-k8s.flow-default-2026.01.01-000001",".ds-logs-k8s.flow-default-2026.01.02-000002"]}]}`
	settingsAnswer  = `{".ds-logs-k8s.flow-default-2026.01.01-000001":{"settings":{"index.creation_date":"1780000000000"}},".ds-logs-k8s.flow-default-2026.01.02-000002":{"settings":{"index.creation_date":"1785000000000"}}}`
	oneShard        = `{"shards":{"0":[{"routing":{"primary":true,"node":"n"},"docs":{"count":7},"store":{"size_in_bytes":100}}]}}`
	statsAnswer     = `{"indices":{".ds-logs-k8s.flow-default-2026.01.01-000001":` + oneShard + `,".ds-logs-k8s.flow-default-2026.01.02-000002":` + oneShard + `}}`
)

func ordinary() map[string]string {
	return map[string]string{
		"/_nodes/stats/fs": nodesAnswer, "/_cluster/settings": watermarkAnswer,
		"/_resolve/index/logs-k8s.flow-": streamsAnswer, "/_settings/index": settingsAnswer, "/_stats/": statsAnswer,
		"/_index_template/": `{"index_templates":[{"name":"logs-k8s.flow"}]}`,
	}
}

func TestLook(t *testing.T) {
	p, strange, err := server{&answers{by: ordinary()}}.look(t.Context(), Scope{})
	require.NoError(t, err)
	assert.Empty(t, strange)
	bytes := map[string]int64{"n": 100}
	assert.Equal(t, Picture{
		Now:   time.UnixMilli(1790000000000),
		Nodes: []Node{{ID: "n", Name: "one", Total: 1000, Used: 600, High: 900, Begins: true}},
		Streams: []Stream{{
			Name: "logs-k8s.flow-default", Class: schema.Allowed,
			Old:     []Index{{Name: ".ds-logs-k8s.flow-default-2026.01.01-000001", Created: time.UnixMilli(1780000000000), Ended: time.UnixMilli(1785000000000), Documents: 7, Bytes: bytes, Shard: 100}},
			Written: Index{Name: ".ds-logs-k8s.flow-default-2026.01.02-000002", Created: time.UnixMilli(1785000000000), Documents: 7, Bytes: bytes, Shard: 100},
		}},
	}, p)
}

// TestWhatIsStrangeIsKept has limits by which everything would go, and a server that says
// one thing differently.
func TestWhatIsStrangeIsKept(t *testing.T) {
	first, second := ".ds-logs-k8s.flow-default-2026.01.01-000001", ".ds-logs-k8s.flow-default-2026.01.02-000002"
	for name, test := range map[string]struct{ path, old, now string }{
		"an index without a creation date":                {"/_settings/index", `"index.creation_date":"1780000000000"`, `"x":"y"`},
		"the next one without a creation date":            {"/_settings/index", `"index.creation_date":"1785000000000"`, `"x":"y"`},
		"a creation date that is none":                    {"/_settings/index", "1785000000000", "yesterday"},
		"the next one is older":                           {"/_settings/index", "1785000000000", "1770000000000"},
		"a mounted snapshot":                              {"/_settings/index", `"1780000000000"`, `"1780000000000","index.store.type":"snapshot"`},
		"an index that was added by hand":                 {"/_resolve/index/logs-k8s.flow-", first, "my-index"},
		"a partially mounted index":                       {"/_resolve/index/logs-k8s.flow-", first, "partial-" + first},
		"a backing index of another stream":               {"/_resolve/index/logs-k8s.flow-", first, ".ds-logs-nginx-default-2026.01.01-000001"},
		"generations out of order":                        {"/_resolve/index/logs-k8s.flow-", second, ".ds-logs-k8s.flow-default-2026.01.02-000000"},
		"an index twice":                                  {"/_resolve/index/logs-k8s.flow-", second, first},
		"another stream":                                  {"/_resolve/index/logs-k8s.flow-", `"name":"logs-k8s.flow-default"`, `"name":"logs-k8s.flows"`},
		"a stream of another class":                       {"/_resolve/index/logs-k8s.flow-", `"name":"logs-k8s.flow-default"`, `"name":"logs-k8s.flow.denied-default"`},
		"a namespace that cannot be":                      {"/_resolve/index/logs-k8s.flow-", `"name":"logs-k8s.flow-default"`, `"name":"logs-k8s.flow-a-b"`},
		"a namespace with templates of its own":           {"/_index_template/", "logs-k8s.flow", "logs-k8s.flow-default"},
		"no size":                                         {"/_stats/", `"store":{"size_in_bytes":100}`, `"store":{}`},
		"a negative size":                                 {"/_stats/", `"size_in_bytes":100`, `"size_in_bytes":-100`},
		"a size that no disk has":                         {"/_stats/", `"size_in_bytes":100`, `"size_in_bytes":9000000000000000000`},
		"no shards":                                       {"/_stats/", oneShard, `{"shards":{}}`},
		"no time":                                         {"/_nodes/stats/fs", `"timestamp":1790000000000,`, ``},
		"a time before the index was":                     {"/_nodes/stats/fs", `1790000000000`, `1700000000000`},
		"no node":                                         {"/_nodes/stats/fs", `"n":`, `"m":5,"n":`},
		"a disk that has more room than it has":           {"/_nodes/stats/fs", `"available_in_bytes":400`, `"available_in_bytes":4000`},
		"no watermark":                                    {"/_cluster/settings", `"90%"`, `null`},
		"a watermark that is none":                        {"/_cluster/settings", `"90%"`, `"a lot"`},
		"an answer that is cut off":                       {"/_settings/index", `}}}`, `}`},
		"settings that are objects":                       {"/_settings/index", `"1785000000000"`, `{}`},
		"an answer of something else that answers for it": {"/_stats/", statsAnswer, `<html>`},
	} {
		t.Run(name, func(t *testing.T) {
			a := answers{by: ordinary()}
			changed := strings.ReplaceAll(a.by[test.path], test.old, test.now)
			require.NotEqual(t, a.by[test.path], changed)
			a.by[test.path] = changed
			limits := Limits{Size: 1, Start: 0.01, Stop: 0.001, Classes: map[schema.Class]ClassLimits{schema.Allowed: {Age: time.Hour}}}
			_, _ = New(&a, Options{Limits: limits}).Round(t.Context())
			for _, change := range a.changes {
				assert.NotContains(t, change, http.MethodDelete)
			}
		})
	}
	a := answers{by: ordinary()}
	_, err := New(&a, Options{Limits: Limits{Size: 1}}).Round(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"DELETE /" + first, "POST /logs-k8s.flow-default/_rollover"}, a.changes, "or else the test says nothing")
}

func TestWatermark(t *testing.T) {
	for _, test := range []struct {
		high, headroom string
		total, want    int64
	}{
		{"90%", "", 1000, 900},
		{"0.9", "-1", 1000, 900},
		{"90.5%", "", 1000, 905},
		{"90%", "50b", 1000, 950},
		{"90%", "500b", 1000, 900},
		{"2kb", "", 10240, 8192},
		{"500TB", "", 1 << 40, 1<<40 - 500<<40},
	} {
		w, err := parseWatermark(test.high, test.headroom)
		require.NoError(t, err, test.high)
		assert.Equal(t, test.want, w.used(test.total), test.high)
	}
	for _, bad := range []string{"", "%", "150%", "-5%", "gb", "-1gb", "NaN", "NaN%", "1e300tb", "Infgb"} {
		_, err := parseWatermark(bad, "")
		assert.Error(t, err, bad)
	}
	assert.EqualValues(t, 1000, watermark{off: true, share: 0.1, headroom: -1}.used(1000))
}

// FuzzLook gives answers of all kinds: none makes it take for an old index of ours what is
// not one.
func FuzzLook(f *testing.F) {
	f.Add(streamsAnswer, settingsAnswer, statsAnswer, nodesAnswer, watermarkAnswer)
	f.Add(strings.ReplaceAll(streamsAnswer, "-000002", "-000000"), settingsAnswer, statsAnswer, nodesAnswer, watermarkAnswer)
	f.Add(streamsAnswer, `{"x":{"settings":null}}`, `{"indices":{"x":{"shards":{"0":[null]}}}}`, `{"nodes":{"n":null}}`, `{"defaults":null}`)
	f.Fuzz(func(t *testing.T, streams, settings, stats, nodes, watermarks string) {
		a := answers{by: ordinary()}
		a.by["/_resolve/index/logs-k8s.flow-"], a.by["/_settings/index"], a.by["/_stats/"] = streams, settings, stats
		a.by["/_nodes/stats/fs"], a.by["/_cluster/settings"] = nodes, watermarks
		p, _, err := server{&a}.look(t.Context(), Scope{})
		if err != nil {
			return
		}
		var named struct {
			Streams []struct {
				Name    string
				Indices []string `json:"backing_indices"`
			} `json:"data_streams"`
		}
		require.NoError(t, json.Unmarshal([]byte(streams), &named))
		written := map[string]bool{}
		for _, s := range named.Streams {
			if n := len(s.Indices); n > 0 {
				written[s.Indices[n-1]] = true
			}
		}
		for _, s := range p.Streams {
			require.True(t, s.Written.Name == "" || generationOf(s.Name, s.Written.Name) >= 0, s.Written.Name)
			for _, index := range s.Old {
				require.False(t, written[index.Name], "%s is written to", index.Name)
				require.True(t, strings.HasPrefix(index.Name, ".ds-logs-k8s.flow-"), index.Name)
				require.False(t, index.Ended.Before(index.Created))
				require.GreaterOrEqual(t, index.Size(), int64(0))
			}
		}
	})
}
