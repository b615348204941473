//go:build linux

package elastictest_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/flowstoretest"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/meter"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/workload"
)

// BenchmarkReader asks for a page of 1,000 records, for the agents of a day, and begins to
// watch: with the first 60,000 records of the reference workload, and signs of life that 100
// agents gave every five seconds for five hours.
func BenchmarkReader(b *testing.B) {
	const records, agents, interval, signs = 60_000, 100, 5 * time.Second, 5 * time.Hour
	namespace := fmt.Sprintf("bench%d", time.Now().UnixNano()) // new streams each time
	server := prepare(b, schema.Options{Namespace: namespace})
	s := open(b, server, schema.ECS, namespace, server.Admin)
	w := workload.New(1, workload.Default())
	for n := 0; n < records; {
		for _, batch := range w.Next() {
			require.NoError(b, s.Write(b.Context(), &batch))
			n += batch.Len()
		}
	}
	began, now := time.Now().Add(-signs), time.Now()
	id := flow.ID{Node: 1, Epoch: 1}
	for at := began; at.Before(now); {
		batch := &flow.Batch{}
		for ; batch.Len() < 10_000 && at.Before(now); at = at.Add(interval) {
			for n := range agents {
				id.Counter++
				host := flow.Intern(fmt.Sprintf("node-%d", n))
				batch.Agents = append(batch.Agents, flow.Agent{
					ID: id, Observer: flow.Observer{Host: host, Node: host}, Time: at.UnixNano(), Started: began.UnixNano(), Interval: int64(interval),
					Engines: []flow.Engine{{Name: "tcp", On: true}, {Name: "datagram", On: true}, {Name: "drops", On: true}}, Records: id.Counter,
				})
			}
		}
		require.NoError(b, s.Write(b.Context(), batch))
	}
	for name, ask := range map[string]func(){
		"page": func() {
			page, err := s.Flows(b.Context(), flowstore.FlowsQuery{Selection: flowstoretest.Everything, Limit: 1000})
			require.NoError(b, err)
			require.Len(b, page.Flows, 1000)
		},
		"agents": func() {
			found, err := s.Agents(b.Context(), now.Add(-24*time.Hour).UnixNano())
			require.NoError(b, err)
			require.Len(b, found, agents)
		},
		"watch": func() {
			ctx, cancel := context.WithCancel(b.Context())
			events := s.Watch(ctx)
			cancel()
			for range events { // until it has ended
			}
		},
	} {
		b.Run(name, func(b *testing.B) {
			ask() // once, so that caches and code are warm
			m, before := meter.Start(), server.ProcessorTime(b)
			for b.Loop() {
				ask()
			}
			m.Each(b, "reader", 1)
			b.ReportMetric(float64((server.ProcessorTime(b)-before).Nanoseconds())/float64(b.N), "server-cpu-ns/op")
		})
	}
}
