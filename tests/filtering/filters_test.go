package filtering

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// allowedInside are the allowed flows within the cluster.
var allowedInside = []string{
	"web to db", "db to its replica", "prometheus to web", "prometheus to coredns", "report to replica", "web to web over loopback",
	"kubelet to web", "node to prometheus", "web asks dns", "web asks dns in vain", "web to db, small", "web to db, idle", "ingress to web",
	"web to db, given up", "kubelet to web, given up",
}

// removedBy says for each filter which records it removes; a connection stands for both of
// its reports. All others stay.
var removedBy = map[string][]string{
	"filter/namespaces": {
		"prometheus to web", "prometheus to coredns", "web asks dns", "web asks dns in vain", "node to prometheus",
	},
	"filter/inside_namespaces": {"prometheus to coredns"},
	"filter/labels":            {"report to replica"},
	"filter/ports":             {"prometheus to web"},
	"filter/denied_only": append([]string{
		"web to api", "web to api, small", "web to mirror", "client to web", "IPv6 client to web", "balancer to web", "client to web by another node",
		"not known yet", "folded",
	}, allowedInside...),
	"filter/internet_noise": {"client to node, no listener"},
	"filter/health_checks":  {"kubelet to web", "balancer to web"},
	"filter/dns":            {"web asks dns", "web asks dns in vain, destination"},
	"filter/domains":        {"web to mirror"},
	"filter/node_local": {
		"web to web over loopback", "kubelet to web", "web asks dns", "web asks dns in vain", "ingress to web", "kubelet to web, given up",
	},
	"filter/loopback":        {"web to web over loopback"},
	"filter/within_workload": {"db to its replica", "web to web over loopback"},
	"filter/small":           {"kubelet to web", "web to db, small"},
	"filter/external_only": append([]string{
		"client to web by another node", "not known yet",
	}, allowedInside...),
	"filter/second_reports": {
		"web to web over loopback, destination", "kubelet to web, destination", "web asks dns, destination",
		"web asks dns in vain, destination", "ingress to web, destination",
	},
}

// parting are the filters that may treat the two reports of a connection differently, which
// the document says of them.
var parting = []string{"filter/dns", "filter/second_reports"}

func TestFilters(t *testing.T) {
	processors := documented(t)
	for id, removed := range removedBy {
		t.Run(id, func(t *testing.T) {
			sample := NewSample(time.Now())
			r := run(t, id, processors[id], sample)
			require.NoError(t, r.err)
			assert.Empty(t, r.warnings, "a warning for each record floods the log")
			if diff := cmp.Diff(sample.without(removed), keys(r.left)); diff != "" {
				t.Errorf("what stays differs (-want +got):\n%s", diff)
			}
			for _, name := range []string{"loss", "agent"} {
				assert.Contains(t, r.left, name)
			}
			if !slices.Contains(parting, id) {
				assert.Empty(t, sample.parted(r.left), "the two reports of these connections do not share one fate")
			}
			untouched(t, sample, r.left)
		})
	}
}

// TestSecondReportsCountNowhere holds that views that count once lose nothing.
func TestSecondReportsCountNowhere(t *testing.T) {
	sample := NewSample(time.Now())
	left := run(t, "filter/second_reports", documented(t)["filter/second_reports"], sample).left
	for _, f := range sample.Batch.Flows {
		if _, stays := left[sample.Name(f.ID.String())]; !stays {
			assert.False(t, f.CountsOnce(), sample.Name(f.ID.String()))
		}
	}
}

// without returns the names of all records but these; a connection stands for both reports.
func (s *Sample) without(removed []string) []string {
	names := s.Names()
	for _, name := range removed {
		before := len(names)
		names = slices.DeleteFunc(names, func(n string) bool {
			return n == name || slices.Contains(s.Connections, name) && (n == name+", source" || n == name+", destination")
		})
		if len(names) == before {
			panic("there is no record to remove by the name of " + name)
		}
	}
	slices.Sort(names)
	return names
}

// parted returns the connections of which one report stays and the other goes.
func (s *Sample) parted(left map[string]map[string]any) []string {
	var parted []string
	for _, name := range s.Connections {
		_, source := left[name+", source"]
		_, destination := left[name+", destination"]
		if source != destination {
			parted = append(parted, name)
		}
	}
	return parted
}

// untouched checks that a filter changes nothing in what it lets pass.
func untouched(t *testing.T, sample *Sample, left map[string]map[string]any) {
	t.Helper()
	before := byName(t, sample, flow.Encode(&sample.Batch, time.Now()))
	for name, attrs := range left {
		if diff := cmp.Diff(before[name], attrs); diff != "" {
			t.Errorf("%s is changed (-before +after):\n%s", name, diff)
		}
	}
}
