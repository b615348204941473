package filtering

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// knowOwnNode makes of s what agents send whose flow_k8s has the scope of a node: pods and
// nodes elsewhere are addresses.
func (s *Sample) knowOwnNode() {
	for i := range s.Batch.Flows {
		f := &s.Batch.Flows[i]
		for _, e := range []*flow.Endpoint{&f.Source, &f.Destination} {
			if e.Kubernetes != nil && e.Kubernetes.Node != f.Observer.Node {
				e.Kubernetes, e.Type = nil, flow.EndpointNetwork
			}
		}
	}
}

func TestFiltersForAgentsNeedNoFarEnd(t *testing.T) {
	processors := documented(t)
	for _, id := range []string{
		"filter/loopback", "filter/ports", "filter/node_local", "filter/health_checks", "filter/dns", "filter/second_reports",
	} {
		t.Run(id, func(t *testing.T) {
			sample := NewSample(time.Now())
			sample.knowOwnNode()
			assert.Equal(t, sample.without(removedBy[id]), keys(run(t, id, processors[id], sample).left))
		})
	}
}

func TestFiltersByIdentityPartReportsOnAgents(t *testing.T) {
	processors := documented(t)
	for _, id := range []string{"filter/namespaces", "filter/labels"} {
		sample := NewSample(time.Now())
		sample.knowOwnNode()
		assert.NotEmpty(t, sample.parted(run(t, id, processors[id], sample).left), id)
	}
}
