//go:build linux

package elastictest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/flowstoretest"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/memstore"
)

// TestAgentsAreFoundHoweverLongTheyAreSilent has some that gave signs of life in the last
// minutes, among which the reader looks first, some that did not, and some of both that share
// the name of a host.
func TestAgentsAreFoundHoweverLongTheyAreSilent(t *testing.T) {
	const namespace = "agents"
	server := prepare(t, schema.Options{Namespace: namespace})
	s, reference := open(t, server, schema.ECS, namespace, server.Admin), &memstore.Store{}
	now, batch := time.Now(), &flow.Batch{}
	sign := func(host, cluster string, ago ...time.Duration) {
		for _, ago := range ago {
			batch.Agents = append(batch.Agents, flow.Agent{
				ID:       flow.ID{Node: 1, Epoch: 1, Counter: uint64(len(batch.Agents) + 1)},
				Observer: flow.Observer{Host: flow.InternKnown(host), Node: flow.InternKnown(host), Cluster: flow.InternKnown(cluster)},
				Time:     now.Add(-ago).UnixNano(), Started: now.Add(-1000 * time.Hour).UnixNano(), Interval: int64(5 * time.Second),
			})
		}
	}
	sign("live", "east", 0, 5*time.Second, 10*time.Second, time.Hour)
	sign("live", "west", 5*time.Hour, 6*time.Hour, 7*time.Hour)
	sign("new", "", time.Second)
	sign("slow", "", time.Minute, 20*time.Minute, 40*time.Minute)
	sign("silent", "", time.Hour, 2*time.Hour, 3*time.Hour)
	sign("", "", 2*time.Hour)
	sign("", "east", time.Second, 2*time.Second)
	sign("gone", "east", 500*time.Hour)
	for _, to := range []flowstore.Writer{s, reference} {
		require.NoError(t, to.Write(t.Context(), batch))
	}
	for name, ago := range map[string]time.Duration{"ever": 2000 * time.Hour, "a day": 24 * time.Hour, "90 minutes": 90 * time.Minute, "now": 3 * time.Second} {
		flowstoretest.SameAnswer(t, reference, s, "since "+name, func(r flowstore.Reader) ([][]flow.Agent, error) {
			return r.Agents(t.Context(), now.Add(-ago).UnixNano())
		})
	}
}
