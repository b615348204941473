//go:build linux

package elastictest_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/document"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow/flowtest"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/elasticsearch"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/flowdocuments"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/workload"
)

// data is what is stored: the records that there are, in the streams of one namespace.
type data struct {
	*elasticsearch.Client
	mapping   schema.Mapping
	namespace string
	flows     []flow.Flow
}

// store writes some thousand records of the reference workload, some of what that has none of,
// losses and signs of life.
func store(t *testing.T, server *elasticsearch.Server, m schema.Mapping) *data {
	t.Helper()
	d := &data{Client: server.As(server.Admin), mapping: m, namespace: "kibana." + m.String()}
	flowdocuments.PutTemplates(t, d.Client, schema.Options{Mapping: m, Namespace: d.namespace})
	w := workload.New(1, workload.Default())
	for len(d.flows) < 6000 {
		for _, batch := range w.Next() {
			for i := range batch.Flows {
				batch.Flows[i].Observer.Cluster = flow.Intern("production")
			}
			d.write(t, &batch, w.Now())
		}
	}
	d.write(t, &flow.Batch{Flows: rare(w.Now())}, w.Now())
	d.write(t, observers(w.Now()), w.Now())
	return d
}

// rare are records of what the workload has none of, and random ones: of every attribute, and
// of every combination of reporter, mark and action.
func rare(at time.Time) []flow.Flow {
	r := rand.New(rand.NewPCG(1, 1))
	flows := make([]flow.Flow, 400)
	for i := range flows {
		f := flowtest.Flow(r)
		f.ID = flow.ID{Node: 9, Epoch: 9, Counter: uint64(i + 1)}
		f.Start, f.End = at.Add(-time.Second).UnixNano(), at.UnixNano()
		// Random amounts would drown the others, and lose digits as numbers of JavaScript.
		for _, amount := range []*uint64{
			&f.Source.Bytes, &f.Destination.Bytes, &f.Source.Packets, &f.Destination.Packets,
			&f.Connections.Started, &f.Connections.Reset, &f.Connections.TimedOut, &f.Connections.Abandoned,
		} {
			*amount %= 1000
		}
		flows[i] = f
	}
	return flows
}

func observers(at time.Time) *flow.Batch {
	var b flow.Batch
	for i := range uint64(3) {
		o := flow.Observer{Host: flow.Intern(fmt.Sprint("machine-", i)), Node: flow.Intern(fmt.Sprint("node-", i)), Cluster: flow.Intern("production")}
		for n := range uint64(4) {
			b.Agents = append(b.Agents, flow.Agent{
				ID: flow.ID{Node: 7, Epoch: uint32(i), Counter: n + 1}, Observer: o, Time: at.Add(-time.Duration(n) * 5 * time.Second).UnixNano(),
				Started: at.Add(-time.Hour).UnixNano(), Interval: int64(5 * time.Second), Version: "0.1.0",
				Engines: []flow.Engine{{Name: "tcp", On: true}, {Name: "dns", Detail: "not asked for"}}, Connections: 100 + i, Records: 1000 * (n + 1), Lost: 4,
				CPUTime: int64(time.Minute), Memory: 50 << 20,
			})
		}
		b.Losses = append(b.Losses, flow.Loss{
			ID: flow.ID{Node: 8, Epoch: uint32(i), Counter: 1}, Observer: o, Start: at.Add(-time.Second).UnixNano(), End: at.UnixNano(),
			Stage: flow.StageRingBuffer, Unit: flow.UnitConnections, Count: lostEach,
		})
	}
	return &b
}

// lostEach is what each of the three observers lost.
const lostEach = 4

// write sends a batch, of which nothing may be refused.
func (d *data) write(t *testing.T, batch *flow.Batch, at time.Time) {
	t.Helper()
	encoder, err := document.NewEncoder(document.Options{Mapping: d.mapping, Namespace: d.namespace})
	require.NoError(t, err)
	var request flowdocuments.Bulk
	require.NoError(t, flowdocuments.Encode(encoder, flow.Encode(batch, at), request.Add))
	require.NoError(t, request.Send(t.Context(), d.Client))
	d.flows = append(d.flows, batch.Flows...)
}
