package flowaggregationprocessor

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"go.opentelemetry.io/collector/component"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowaggregationprocessor/internal/aggregate"
)

// Config is the configuration of the flow_aggregation processor.
type Config struct {
	// Interval is the length of a window. Windows are aligned to the clock, so that all
	// nodes have the same. Default 1m, at least 1s.
	Interval time.Duration `mapstructure:"interval"`

	// Delay is how long after its end a window waits for records that are late: longer than
	// what comes before in the pipeline may take. Later ones are records of their own.
	// Default 5s; 0 does not wait.
	Delay time.Duration `mapstructure:"delay"`

	// Jitter is within what time after that each instance picks a moment of its own to pass
	// its windows on. Default 5s; 0 has all do it at once.
	Jitter time.Duration `mapstructure:"jitter"`

	// Allowed and Denied are how much records tell that no rule takes. Default level 2, by
	// workload and port, and level 1, with pods and addresses.
	Allowed DetailConfig `mapstructure:"allowed"`
	Denied  DetailConfig `mapstructure:"denied"`

	// Rules are for records that are to tell more or less; the first that takes a record
	// counts. Default none, at most 200.
	Rules []RuleConfig `mapstructure:"rules"`

	// PerObserver keeps records of different nodes apart on a gateway. Default false: what
	// several nodes saw is one record, which names its node only if that is the same.
	PerObserver bool `mapstructure:"per_observer"`

	// AcrossReporters merges the reports of both ends of a connection, which then counts
	// twice. Default false.
	AcrossReporters bool `mapstructure:"across_reporters"`

	// MaxValues is how many values are listed of an attribute that merged records differ
	// in, those with most bytes. Default 8, at most 64; 0 lists none and only counts.
	MaxValues int `mapstructure:"max_values"`

	// MemoryLimitMiB is about how much memory windows take. Beyond, they become coarser:
	// detail goes, totals stay. Default 64, at least 1.
	MemoryLimitMiB int `mapstructure:"memory_limit_mib"`

	// MaxGroups is how many groups of records a window holds before it is passed on early.
	// Default 0, as many as memory holds.
	MaxGroups int `mapstructure:"max_groups"`

	// Dynamic has new windows be coarser while the pipeline is behind, and as asked for once
	// it has caught up. Default true.
	Dynamic bool `mapstructure:"dynamic"`

	// Deduplicate leaves out records that had been merged before, which they are when
	// somebody upstream tries again. Default true.
	Deduplicate bool `mapstructure:"deduplicate"`

	// Storage is a storage extension, such as file_storage, that has how many records are
	// in memory, so that the next start tells what a crash took. Default none: a crash is
	// not counted. The processor can then be in one pipeline only.
	Storage *component.ID `mapstructure:"storage"`

	// DryRun has the processor tell what it would do instead of doing it.
	DryRun DryRunConfig `mapstructure:"dry_run"`
}

// DetailConfig is how much records tell.
type DetailConfig struct {
	// Level is 0 for everything, 1 without source ports, 2 for workloads and ports, 3 for
	// workloads.
	Level int `mapstructure:"level"`
	// Keys are attributes to tell records apart by instead of a level; what a view needs to
	// count once is always among them. Default none.
	Keys []string `mapstructure:"keys"`
	// SampleOneIn keeps the records of one flow of so many, whose counters are multiplied.
	// For allowed flows only. Default 1, and 0 is the same: all of them.
	SampleOneIn int `mapstructure:"sample_one_in"`
}

// RuleConfig is a rule: it takes records that meet all that is given.
type RuleConfig struct {
	// Name is what metrics call it. It is needed.
	Name string `mapstructure:"name"`
	// Action is allow or deny; empty takes both.
	Action string `mapstructure:"action"`
	// Namespaces are Kubernetes namespaces of which an end is in one; empty takes all.
	Namespaces []string `mapstructure:"namespaces"`
	// Conditions are OTTL conditions, as the filter processor has them, of which one is met;
	// empty takes all. A path without a context is of the log record.
	Conditions []string `mapstructure:"conditions"`
	// Detail is how much its records tell. Default level 0.
	Detail DetailConfig `mapstructure:",squash"`
}

// DryRunConfig is how the processor tells what it would do. This configuration and each
// level for all records are tried side by side, which takes up to five times the memory and
// ten times the processor time of merging.
type DryRunConfig struct {
	// Enabled has all records go on as they came. Default false.
	Enabled bool `mapstructure:"enabled"`
	// Interval is how often what would be left is logged. Default 1m, at least 1s.
	Interval time.Duration `mapstructure:"interval"`
	// Filters are tried too, each by itself and on records as they come. Default none, at
	// most 200.
	Filters []FilterConfig `mapstructure:"filters"`
}

// FilterConfig is a filter as the filter processor has them: it removes records that meet
// one of its conditions.
type FilterConfig struct {
	// Name is what the report calls it. It is needed.
	Name string `mapstructure:"name"`
	// Conditions are OTTL conditions. A path without a context is of the log record. One is
	// needed.
	Conditions []string `mapstructure:"conditions"`
}

const (
	maxRules   = 200
	maxFilters = 200
	maxValues  = 64
)

func createDefaultConfig() component.Config {
	return &Config{
		Interval: time.Minute, Delay: 5 * time.Second, Jitter: 5 * time.Second,
		Allowed:   DetailConfig{Level: 2, SampleOneIn: 1},
		Denied:    DetailConfig{Level: 1, SampleOneIn: 1},
		MaxValues: 8, MemoryLimitMiB: 64,
		Dynamic: true, Deduplicate: true,
		DryRun: DryRunConfig{Interval: time.Minute},
	}
}

// Validate implements xconfmap.Validator.
func (c *Config) Validate() error {
	var errs []error
	check := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(c.Interval < time.Second, "interval: %s is too short: use 1s or more", c.Interval)
	check(c.Delay < 0, "delay: %s is negative: use 0 or more", c.Delay)
	check(c.Jitter < 0, "jitter: %s is negative: use 0 or more", c.Jitter)
	check(c.MaxValues < 0 || c.MaxValues > maxValues, "max_values: %d is not from 0 to %d", c.MaxValues, maxValues)
	check(c.MemoryLimitMiB < 1, "memory_limit_mib: %d is too little: use 1 or more", c.MemoryLimitMiB)
	check(c.MaxGroups < 0, "max_groups: %d is negative: use 0 or more", c.MaxGroups)
	for _, err := range c.Allowed.validate() {
		check(true, "allowed: %w", err)
	}
	for _, err := range c.Denied.validate() {
		check(true, "denied: %w", err)
	}
	check(c.Denied.SampleOneIn > 1, "denied: sample_one_in: denied flows cannot be sampled: leave it out")
	check(len(c.Rules) > maxRules, "rules: there are %d, more than %d", len(c.Rules), maxRules)
	names := make(map[string]bool)
	for i := range c.Rules {
		check(names[c.Rules[i].Name], "rules::%d: name: %q is there twice", i, c.Rules[i].Name)
		names[c.Rules[i].Name] = true
	}
	return errors.Join(errs...)
}

// validate is not Validate, which would name a rule's detail as if it were a key.
func (d *DetailConfig) validate() []error {
	var errs []error
	if d.Level < 0 || d.Level > 3 {
		errs = append(errs, fmt.Errorf("level: %d is not from 0 to 3", d.Level))
	}
	if d.SampleOneIn < 0 {
		errs = append(errs, fmt.Errorf("sample_one_in: %d is negative: use 1 or more", d.SampleOneIn))
	}
	for _, key := range d.Keys {
		if err := aggregate.CheckKey(key); err != nil {
			errs = append(errs, fmt.Errorf("keys: %w", err))
		}
	}
	return errs
}

// Validate implements xconfmap.Validator.
func (r *RuleConfig) Validate() error {
	errs := r.Detail.validate()
	if r.Name == "" {
		errs = append(errs, errors.New("name: is empty: metrics need one"))
	}
	if slices.Contains([]string{className(flow.Allow), className(flow.Deny)}, r.Name) {
		errs = append(errs, fmt.Errorf("name: %q is what metrics call records that no rule takes", r.Name))
	}
	if action, err := flow.ParseAction(r.Action); err != nil {
		errs = append(errs, fmt.Errorf("action: %w", err))
	} else if r.Detail.SampleOneIn > 1 && action != flow.Allow {
		errs = append(errs, errors.New("sample_one_in: denied flows cannot be sampled: add action: allow"))
	}
	if _, err := parseConditions(r.Conditions, component.TelemetrySettings{}); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Validate implements xconfmap.Validator.
func (d *DryRunConfig) Validate() error {
	var errs []error
	if d.Interval < time.Second {
		errs = append(errs, fmt.Errorf("interval: %s is too short: use 1s or more", d.Interval))
	}
	if len(d.Filters) > maxFilters {
		errs = append(errs, fmt.Errorf("filters: there are %d, more than %d", len(d.Filters), maxFilters))
	}
	names := make(map[string]bool)
	for i := range d.Filters {
		if names[d.Filters[i].Name] {
			errs = append(errs, fmt.Errorf("filters::%d: name: %q is there twice", i, d.Filters[i].Name))
		}
		names[d.Filters[i].Name] = true
	}
	return errors.Join(errs...)
}

// Validate implements xconfmap.Validator.
func (f *FilterConfig) Validate() error {
	var errs []error
	if f.Name == "" {
		errs = append(errs, errors.New("name: is empty: the report needs one"))
	}
	if len(f.Conditions) == 0 {
		errs = append(errs, errors.New("conditions: there are none: name one that is met by what goes"))
	}
	_, err := parseConditions(f.Conditions, component.TelemetrySettings{})
	return errors.Join(append(errs, err)...)
}
