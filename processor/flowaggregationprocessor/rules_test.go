package flowaggregationprocessor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowaggregationprocessor/internal/aggregate"
)

// classesOf returns the class of each record by the rules of config, and how many
// conditions failed.
func classesOf(t *testing.T, config *Config, logs plog.Logs) (classes []string, failed int) {
	t.Helper()
	a := aggregate.New(aggregate.Keys{Observer: true, Reporter: true})
	r, err := newRules(config, a, componenttest.NewNopTelemetrySettings(), func(error) { failed++ })
	require.NoError(t, err)
	a.Configure(aggregate.Options{Classes: r.classes, Interval: time.Minute, Memory: 1 << 20, MaxWindows: 8, Now: time.Now})
	a.Add(logs, func(rec *aggregate.Record) int {
		c := r.class(rec)
		classes = append(classes, r.classes[c].Name)
		return c
	}, func(plog.ResourceLogs, plog.ScopeLogs, plog.LogRecord) { t.Error("unreadable") })
	return classes, failed
}

// ends is a record of a flow between namespaces, which are not known where they are empty.
func ends(from, to string, action flow.Action) flow.Flow {
	f := record(1, action)
	f.Source.Kubernetes, f.Destination.Kubernetes = nil, nil
	for namespace, e := range map[string]*flow.Endpoint{from: &f.Source, to: &f.Destination} {
		if namespace != "" {
			e.Kubernetes = &flow.Kubernetes{Namespace: flow.Intern(namespace)}
		}
	}
	return f
}

func TestTheFirstRuleThatTakesARecordCounts(t *testing.T) {
	other := ends("a", "b", flow.Allow)
	other.Action = 0
	logs := encode(flow.Batch{Flows: []flow.Flow{
		ends("shop", "db", flow.Allow), ends("db", "shop", flow.Allow), ends("shop", "db", flow.Deny),
		ends("db", "web", flow.Deny), ends("", "", flow.Allow), ends("", "", flow.Deny), other,
	}})
	for name, test := range map[string]struct {
		rules []RuleConfig
		want  []string
	}{
		"none":          {nil, []string{"allowed", "allowed", "denied", "denied", "allowed", "denied", "allowed"}},
		"of all":        {[]RuleConfig{{Name: "all"}}, []string{"all", "all", "all", "all", "all", "all", "all"}},
		"of an action":  {[]RuleConfig{{Name: "yes", Action: "allow"}}, []string{"yes", "yes", "denied", "denied", "yes", "denied", "allowed"}},
		"of either end": {[]RuleConfig{{Name: "shop", Namespaces: []string{"shop", "x"}}}, []string{"shop", "shop", "shop", "denied", "allowed", "denied", "allowed"}},
		"of both":       {[]RuleConfig{{Name: "shop", Action: "deny", Namespaces: []string{"shop"}}}, []string{"allowed", "allowed", "shop", "denied", "allowed", "denied", "allowed"}},
		"in order": {
			[]RuleConfig{{Name: "shop", Namespaces: []string{"shop"}}, {Name: "db", Namespaces: []string{"db"}}, {Name: "no", Action: "deny"}},
			[]string{"shop", "shop", "shop", "db", "allowed", "no", "allowed"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			config := createDefaultConfig().(*Config)
			config.Rules = test.rules
			got, failed := classesOf(t, config, logs)
			assert.Equal(t, test.want, got)
			assert.Zero(t, failed)
		})
	}
}

func TestConditions(t *testing.T) {
	known, unknown := ends("shop", "db", flow.Allow), ends("", "", flow.Allow)
	known.Source.Kubernetes.PodLabels = flow.LabelsOfMap(map[string]string{"app": "web"})
	known.Observer.Node = flow.Intern("node-1")
	logs := encode(flow.Batch{Flows: []flow.Flow{known, unknown}})
	for condition, test := range map[string]struct {
		known, unknown bool
		failed         int
	}{
		`log.attributes["destination.port"] == 443`:                                                                          {known: true, unknown: true},
		`attributes["destination.port"] == 443`:                                                                              {known: true, unknown: true},
		`attributes["source.k8s.pod.labels"]["app"] == "web"`:                                                                {known: true},
		`attributes["source.k8s.namespace.name"] == "db"`:                                                                    {},
		`attributes["source.k8s.namespace.name"] != "db"`:                                                                    {known: true, unknown: true},
		`attributes["destination.port"] == "443"`:                                                                            {},
		`resource.attributes["k8s.node.name"] == "node-1"`:                                                                   {known: true},
		`log.event_name == "network.flow" and severity_number < SEVERITY_NUMBER_WARN`:                                        {known: true, unknown: true},
		`IsMatch(attributes["source.k8s.namespace.name"], "^sh")`:                                                            {known: true},
		`IsInCIDR(attributes["source.address"], ["10.0.0.0/8"])`:                                                             {failed: 2},
		`attributes["source.address"] != nil and IsInCIDR(attributes["source.address"], ["10.0.0.0/8"])`:                     {},
		`ContainsValue(attributes["destination.domains"], "example.com") or attributes["source.k8s.namespace.name"] != "db"`: {failed: 2},
	} {
		t.Run(condition, func(t *testing.T) {
			config := createDefaultConfig().(*Config)
			config.Rules = []RuleConfig{{Name: "met", Conditions: []string{"false", condition}}}
			require.NoError(t, config.Rules[0].Validate())
			got, failed := classesOf(t, config, logs)
			assert.Equal(t, []bool{test.known, test.unknown}, []bool{got[0] == "met", got[1] == "met"})
			assert.Equal(t, test.failed, failed)
		})
	}
}

func TestRulesTellAsMuchAsTheySay(t *testing.T) {
	next := new(pipeline)
	m := start(t, next, func(c *Config) {
		c.Interval = time.Hour
		c.Allowed.Level = 3
		c.Rules = []RuleConfig{
			{Name: "ports", Conditions: []string{`attributes["destination.port"] == 80`}, Detail: DetailConfig{Level: 0}},
			{Name: "keys", Conditions: []string{`attributes["destination.port"] == 81`}, Detail: DetailConfig{Keys: []string{"source.k8s.pod.name"}}},
			{Name: "sampled", Action: "allow", Conditions: []string{`attributes["destination.port"] == 82`}, Detail: DetailConfig{Level: 1, SampleOneIn: 4}},
		}
	})
	const each = 400
	var flows []flow.Flow
	end := time.Now().Truncate(time.Hour).Add(time.Minute).UnixNano() // all in one window
	for n := range each {
		for _, port := range []uint16{80, 81, 82, 83} {
			f := record(n, flow.Allow)
			f.ID, f.Start, f.End, f.Destination.Port = flow.ID{}, end-1e9, end, port
			flows = append(flows, f)
		}
	}
	require.NoError(t, m.ConsumeLogs(t.Context(), encode(flow.Batch{Flows: flows})))
	require.NoError(t, m.Shutdown(t.Context()))

	count, started := make(map[flow.Level]int), make(map[flow.Level]uint64)
	for _, f := range next.batch(t).Flows {
		level := f.Aggregation.Level
		count[level]++
		started[level] += f.Connections.Started
		if level == flow.LevelPorts {
			assert.EqualValues(t, 4, f.SamplingRate)
		} else {
			assert.Zero(t, f.SamplingRate)
		}
	}
	assert.Equal(t, each, count[flow.LevelAll], "each source port is another flow")
	assert.Equal(t, 26, count[flow.LevelKeys], "one for each pod")
	assert.Equal(t, 1, count[flow.LevelServices])
	for _, level := range []flow.Level{flow.LevelAll, flow.LevelKeys, flow.LevelServices} {
		assert.EqualValues(t, each, started[level], level)
	}
	assert.Zero(t, started[flow.LevelPorts]%4, "each that stays stands for four")
	assert.InDelta(t, each, float64(started[flow.LevelPorts]), each/2)
}
