package flowaggregationprocessor

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/configfile"
)

func TestConfig(t *testing.T) {
	require.NoError(t, componenttest.CheckConfigStruct(createDefaultConfig()))
	for name, test := range map[string]struct {
		want *Config
		err  string
	}{
		"defaults": {want: createDefaultConfig().(*Config)},
		"all": {want: &Config{
			Interval: 30 * time.Second, Delay: 2 * time.Second, Jitter: time.Second,
			Allowed: DetailConfig{Level: 3, SampleOneIn: 10},
			Denied:  DetailConfig{Level: 1, SampleOneIn: 1, Keys: []string{"source.k8s.namespace.name", "destination.port", "deployment.environment"}},
			Rules: []RuleConfig{
				{
					Name: "shop", Action: "allow", Namespaces: []string{"shop", "checkout"},
					Conditions: []string{`log.attributes["destination.port"] == 443`, `attributes["destination.port"] == 8443`},
					Detail:     DetailConfig{Level: 1, SampleOneIn: 2},
				},
				{
					Name: "audited", Conditions: []string{`resource.attributes["k8s.node.name"] == "node-1"`},
					Detail: DetailConfig{Keys: []string{"source.k8s.workload.name"}},
				},
			},
			PerObserver: true, AcrossReporters: true, MemoryLimitMiB: 256, MaxGroups: 1000, Storage: &storageID,
			DryRun: DryRunConfig{Enabled: true, Interval: 10 * time.Second, Filters: []FilterConfig{
				{Name: "dns", Conditions: []string{`log.attributes["flow.action"] == "allow" and log.attributes["destination.port"] == 53`}},
			}},
		}},
		"interval":           {err: "interval: 999ms is too short: use 1s or more"},
		"delay":              {err: "delay: -1s is negative: use 0 or more"},
		"jitter":             {err: "jitter: -1s is negative: use 0 or more"},
		"max_values":         {err: "max_values: 65 is not from 0 to 64"},
		"memory_limit":       {err: "memory_limit_mib: 0 is too little: use 1 or more"},
		"max_groups":         {err: "max_groups: -1 is negative: use 0 or more"},
		"level":              {err: "allowed: level: 4 is not from 0 to 3"},
		"sample_negative":    {err: "allowed: sample_one_in: -1 is negative: use 1 or more"},
		"sample_denied":      {err: "denied: sample_one_in: denied flows cannot be sampled: leave it out"},
		"key_empty":          {err: "denied: keys: a key is empty: name an attribute"},
		"key_counter":        {err: "denied: keys: source.bytes is a counter: only dimensions can be keys"},
		"key_list":           {err: "denied: keys: source.addresses lists values of merged records: use the attribute that it lists"},
		"rule_name":          {err: "rules::0: name: is empty: metrics need one"},
		"rule_reserved":      {err: `rules::0: name: "denied" is what metrics call records that no rule takes`},
		"rule_twice":         {err: `rules::1: name: "shop" is there twice`},
		"rule_action":        {err: `rules::0: action: `},
		"rule_level":         {err: "rules::0: level: -1 is not from 0 to 3"},
		"rule_sample":        {err: "rules::0: sample_one_in: denied flows cannot be sampled: add action: allow"},
		"condition_path":     {err: `rules::0: conditions::0: unable to parse OTTL condition "log.flow.action == \"deny\""`},
		"condition_function": {err: "Expected: 2 Received: 1"},
		"condition_syntax":   {err: "rules::0: conditions::1: condition has invalid syntax at 1:27 near `= \"deny\"`"},
		"condition_empty":    {err: "rules::0: conditions::0: condition has invalid syntax"},
		"dry_run_interval":   {err: "dry_run: interval: 10ms is too short: use 1s or more"},
		"filter_name":        {err: "dry_run::filters::0: name: is empty: the report needs one"},
		"filter_twice":       {err: `dry_run: filters::1: name: "dns" is there twice`},
		"filter_nothing":     {err: "dry_run::filters::0: conditions: there are none"},
		"filter_condition":   {err: `dry_run::filters::0: conditions::1: unable to parse OTTL condition "log.port == 53"`},
	} {
		t.Run(name, func(t *testing.T) {
			config := createDefaultConfig()
			err := configfile.Load(t, "flow_aggregation/"+name, config)
			if test.err != "" {
				require.ErrorContains(t, err, test.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.want, config)
		})
	}
}

func TestListsAreBounded(t *testing.T) {
	config := createDefaultConfig().(*Config)
	for i := range maxRules {
		config.Rules = append(config.Rules, RuleConfig{Name: fmt.Sprint(i)})
	}
	require.NoError(t, confmap.Validate(config))
	config.Rules = append(config.Rules, RuleConfig{Name: "one more"})
	for i := range maxFilters + 1 {
		config.DryRun.Filters = append(config.DryRun.Filters, FilterConfig{Name: fmt.Sprint(i), Conditions: []string{"true"}})
	}
	err := confmap.Validate(config)
	require.ErrorContains(t, err, "rules: there are 201, more than 200")
	require.ErrorContains(t, err, "dry_run: filters: there are 201, more than 200")
}
