//go:build linux

package elastictest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension/internal/recycle"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

const day = 24 * time.Hour

// later is a client of a server whose clock is ahead: what it has is older by that much.
type later struct {
	esapi.Transport
	by time.Duration
}

func (l *later) Perform(r *http.Request) (*http.Response, error) {
	resp, err := l.Transport.Perform(r)
	if err != nil || r.URL.Path != "/_nodes/stats/fs" || l.by == 0 {
		return resp, err
	}
	var answer struct {
		Nodes map[string]map[string]any `json:"nodes"`
	}
	text, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err == nil {
		err = json.Unmarshal(text, &answer)
	}
	if err != nil {
		return nil, err
	}
	for _, node := range answer.Nodes {
		node["timestamp"] = int64(node["timestamp"].(float64)) + l.by.Milliseconds()
	}
	text, err = json.Marshal(answer)
	resp.Body = io.NopCloser(bytes.NewReader(text))
	return resp, err
}

// recycler is one for the user of the role, in a namespace, and its client.
func (c cluster) recycler(t *testing.T, namespace string, options recycle.Options) (*recycle.Recycler, *later) {
	t.Helper()
	options.Scope.Namespace = namespace
	client := &later{Transport: c.transport(t, users["flowlogs_recycler"])}
	return recycle.New(client, options), client
}

// fill has a data stream have n indices, each with a document, the last of which is
// written to.
func (c cluster) fill(t *testing.T, stream string, n int) {
	t.Helper()
	c.write(t, stream)
	for range n - 1 {
		require.NoError(t, c.As(c.Admin).Do(t.Context(), http.MethodPost, "/"+stream+"/_rollover", nil, nil))
		c.write(t, stream)
	}
}

// left returns the generations of the indices of a data stream.
func (c cluster) left(t *testing.T, stream string) []int {
	t.Helper()
	var left []int
	for _, index := range c.backing(t, stream) {
		var generation int
		_, err := fmt.Sscanf(index[strings.LastIndex(index, "-")+1:], "%06d", &generation)
		require.NoError(t, err)
		left = append(left, generation)
	}
	return left
}

// recycleOnce makes a round that must succeed.
func recycleOnce(t *testing.T, r *recycle.Recycler) recycle.Result {
	t.Helper()
	result, err := r.Round(t.Context())
	require.NoError(t, err)
	assert.Empty(t, result.Strange)
	return result
}

func TestDocumentsGoWhenTheyAreTooOld(t *testing.T) {
	c := newCluster(t)
	round(t, c.setup(t, "age", "flowlogs_setup"))
	allowed, denied := schema.ECS.Stream(schema.Allowed, "age"), schema.ECS.Stream(schema.Denied, "age")
	c.fill(t, allowed, 3)
	c.fill(t, denied, 2)
	r, client := c.recycler(t, "age", recycle.Options{Limits: recycle.Limits{Classes: map[schema.Class]recycle.ClassLimits{
		schema.Allowed: {Age: 8 * day}, schema.Denied: {Age: 400 * day},
	}}})

	assert.Empty(t, recycleOnce(t, r).Deleted, "they are new")
	client.by = 9 * day
	result := recycleOnce(t, r)
	require.Len(t, result.Deleted, 2)
	assert.Equal(t, recycle.ByAge, result.Deleted[0].Reason)
	assert.EqualValues(t, 1, result.Deleted[0].Index.Documents)
	assert.Positive(t, result.Deleted[0].Index.Size())
	left := c.left(t, allowed)
	require.Len(t, left, 2, "what was written to has ended")
	assert.Equal(t, 3, left[0])
	assert.Equal(t, []int{1, 2}, c.left(t, denied))
	client.by = 18 * day
	assert.Len(t, recycleOnce(t, r).Deleted, 1, "and goes once it is too old, although nobody writes any more")
	assert.Equal(t, left[1:], c.left(t, allowed))
	c.write(t, allowed)
}

func TestTheOldestGoWhenThereIsTooMuch(t *testing.T) {
	c := newCluster(t)
	round(t, c.setup(t, "size", "flowlogs_setup"))
	allowed, denied := schema.ECS.Stream(schema.Allowed, "size"), schema.ECS.Stream(schema.Denied, "size")
	c.fill(t, denied, 3)
	c.fill(t, allowed, 3)
	seen, _ := c.recycler(t, "size", recycle.Options{DryRun: true})
	var usage recycle.Usage
	for _, s := range c.measured(t, seen, 6).Picture.Streams {
		usage.Add(&s)
	}
	r, _ := c.recycler(t, "size", recycle.Options{Limits: recycle.Limits{Size: usage.Bytes - 1}})
	require.Len(t, recycleOnce(t, r).Deleted, 1)
	assert.Equal(t, []int{2, 3}, c.left(t, allowed)[:2], "allowed flows go first")
	assert.Equal(t, []int{1, 2, 3}, c.left(t, denied)[:3])
}

// measured returns a round that knows the size of n indices: the server measures every
// ten seconds.
func (c cluster) measured(t *testing.T, r *recycle.Recycler, n int64) (result recycle.Result) {
	t.Helper()
	require.Eventually(t, func() bool {
		result = recycleOnce(t, r)
		var usage recycle.Usage
		for _, s := range result.Picture.Streams {
			usage.Add(&s)
			if s.Written.Size() == 0 {
				return false
			}
		}
		return usage.Indices == n
	}, patience, moment)
	return result
}

func TestADryRunChangesNothing(t *testing.T) {
	c := newCluster(t)
	round(t, c.setup(t, "dry", "flowlogs_setup"))
	stream := schema.ECS.Stream(schema.Allowed, "dry")
	c.fill(t, stream, 3)
	r, client := c.recycler(t, "dry", recycle.Options{DryRun: true, Limits: recycle.Limits{Size: 1, Classes: map[schema.Class]recycle.ClassLimits{schema.Allowed: {Age: day}}}})
	client.by = 9 * day
	result := recycleOnce(t, r)
	assert.Len(t, result.Plan.Delete, 2)
	assert.Len(t, result.Plan.RollOver, 1)
	assert.Empty(t, result.Deleted)
	assert.Empty(t, result.RolledOver)
	assert.Equal(t, []int{1, 2, 3}, c.left(t, stream))
}

func TestOnlyBackingIndicesOfOurStreamsGo(t *testing.T) {
	c := newCluster(t)
	round(t, c.setup(t, "", "flowlogs_setup"))
	round(t, c.setup(t, "tenant", "flowlogs_setup"))
	ours, tenant := schema.ECS.Stream(schema.Allowed, "foreign"), schema.ECS.Stream(schema.Allowed, "tenant")
	c.fill(t, ours, 3)
	c.fill(t, tenant, 3)
	r, _ := c.recycler(t, "", recycle.Options{Limits: recycle.Limits{Size: 1}})
	result, err := r.Round(t.Context())
	require.NoError(t, err)
	for _, s := range result.Picture.Streams {
		assert.NotEqual(t, tenant, s.Name, "its namespace has templates of its own, and whoever put them sees to it")
	}
	assert.Equal(t, []int{1, 2, 3}, c.left(t, tenant))
	assert.NotContains(t, c.left(t, ours), 1)
}

func TestSeveralRecyclersDoNoHarm(t *testing.T) {
	c := newCluster(t)
	round(t, c.setup(t, "several", "flowlogs_setup"))
	stream := schema.ECS.Stream(schema.Allowed, "several")
	c.fill(t, stream, 5)
	limits := recycle.Limits{Classes: map[schema.Class]recycle.ClassLimits{schema.Allowed: {Age: 80 * day}}}
	const many = 4
	results := make(chan recycle.Result, many)
	errs := make(chan error, many)
	for range many {
		r, client := c.recycler(t, "several", recycle.Options{Limits: limits})
		client.by = 81 * day
		go func() {
			result, err := r.Round(context.WithoutCancel(t.Context()))
			results <- result
			errs <- err
		}()
	}
	deleted := 0
	for range many {
		require.NoError(t, <-errs)
		deleted += len((<-results).Deleted)
	}
	assert.Equal(t, 4, deleted, "each once")
	assert.Equal(t, 5, c.left(t, stream)[0])
}
