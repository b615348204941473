//go:build linux

package elastictest_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/flowstoretest"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/memstore"
)

// TestContract holds the reader to what every store is held to. It takes thousands of
// searches, and so has indices that store their sources: to make one up takes logsdb three
// times as long.
func TestContract(t *testing.T) {
	for _, m := range []schema.Mapping{schema.ECS, schema.OTel} {
		t.Run(m.String(), func(t *testing.T) {
			server := prepare(t, schema.Options{Mapping: m, Mode: schema.Standard})
			t.Parallel() // the suite waits for the server half of the time
			opened := 0
			flowstoretest.Run(t, flowstoretest.Backend{
				Open: func(t *testing.T) flowstoretest.Store {
					opened++
					return open(t, server, m, fmt.Sprintf("contract%d", opened), server.Admin)
				},
				Keep: keep,
			})
		})
	}
}

// TestLogsDBReadsBackWhole: sources that are made up of columns say the same.
func TestLogsDBReadsBackWhole(t *testing.T) {
	for _, m := range []schema.Mapping{schema.ECS, schema.OTel} {
		t.Run(m.String(), func(t *testing.T) {
			const namespace = "logsdb"
			server := prepare(t, schema.Options{Mapping: m, Namespace: namespace})
			s, reference, g := open(t, server, m, namespace, server.Admin), &memstore.Store{}, flowstoretest.NewGenerator(70)
			g.Keep = keep
			batch := g.Batch(500)
			for _, to := range []flowstore.Writer{s, reference} {
				if err := to.Write(t.Context(), batch); err != nil {
					t.Fatal(err)
				}
			}
			flowstoretest.Same(t, reference, s)
			for _, name := range []string{"process.executable.name", "source.address", "destination.domains", "destination.k8s.pod.labels"} {
				flowstoretest.SameAnswer(t, reference, s, name, func(r flowstore.Reader) (flowstore.Groups, error) {
					return r.Groups(t.Context(), flowstore.GroupsQuery{Selection: flowstoretest.Everything, By: []*flow.Field[flow.Flow]{flow.Flows.Lookup(name)}, Limit: 1000})
				})
			}
		})
	}
}

// keep leaves in lists what documents have: addresses that are some, as they print, and each
// value once.
func keep(f *flow.Flow) {
	if f.Aggregation == nil {
		return
	}
	aggregation := *f.Aggregation
	for i, l := range flow.Listings() {
		seen := make(map[string]bool)
		values := slices.DeleteFunc(aggregation.Lists[i].Values, func(s string) bool {
			addr, err := netip.ParseAddr(s)
			isNone := strings.HasSuffix(l.Of, ".address") && (err != nil || addr.Unmap().WithZone("").String() != s)
			before := seen[s]
			seen[s] = true
			return isNone || before
		})
		if len(values) == 0 {
			values = nil
		}
		aggregation.Lists[i].Values = values
	}
	f.Aggregation = &aggregation
}
