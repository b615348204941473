package flowelasticsearchextension

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/connection"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

// Config says which Elasticsearch is set up, and for what.
type Config struct {
	// Connection holds endpoint, endpoints, cloudid, user, password, api_key, tls and
	// what else the exporter has to reach the server. Default: that of the exporter.
	Connection connection.Config `mapstructure:",squash"`

	// Mapping is that of the exporter.
	Mapping MappingConfig `mapstructure:"mapping"`

	// Namespace restricts what is set up to one namespace of data streams. Default: "",
	// every namespace.
	Namespace string `mapstructure:"namespace"`

	// Index says how documents are kept.
	Index IndexConfig `mapstructure:"index"`

	// Lifecycle says what Elasticsearch itself does with old documents. Default:
	// nothing.
	Lifecycle LifecycleConfig `mapstructure:"lifecycle"`

	// CheckInterval is how often the server is looked at once it has been set up, to
	// put what others removed. Default: 10m; 0 means not again.
	CheckInterval time.Duration `mapstructure:"check_interval"`
}

// MappingConfig says which form the documents have.
type MappingConfig struct {
	// Mode is ecs or otel. Default: ecs.
	Mode schema.Mapping `mapstructure:"mode"`
}

// IndexConfig is for indices that begin after it has changed; data streams roll over
// for it.
type IndexConfig struct {
	// Mode is logsdb or standard, for servers before 8.17. Default: logsdb.
	Mode schema.IndexMode `mapstructure:"mode"`
	// Shards is the number of primary shards. Default: 0, that of the server.
	Shards int `mapstructure:"shards"`
	// Replicas is the number of copies of each shard; 0 is none. Default: that of the
	// server.
	Replicas *int `mapstructure:"replicas"`
}

// LifecycleConfig is by class of documents: allowed flows, denied flows, what agents
// tell of themselves, and documents that were rejected.
type LifecycleConfig struct {
	Allowed  ClassConfig `mapstructure:"allowed"`
	Denied   ClassConfig `mapstructure:"denied"`
	Observer ClassConfig `mapstructure:"observer"`
	Rejected ClassConfig `mapstructure:"rejected"`
}

// ClassConfig is the lifecycle of a class: Days or Policy, or neither.
type ClassConfig struct {
	// Days is how long documents are kept at least, by the lifecycle of data streams.
	// Default: 0, for good. Data streams that exist keep what they have.
	Days int `mapstructure:"days"`
	// Policy is the name of a policy of index lifecycle management, which has to exist.
	// Default: none.
	Policy string `mapstructure:"policy"`
}

const (
	defaultCheckInterval = 10 * time.Minute
	// maxDays is that of a time.Duration.
	maxDays = 100_000
)

func createDefaultConfig() component.Config {
	return &Config{Connection: connection.NewDefaultConfig(), CheckInterval: defaultCheckInterval}
}

// Validate implements confmap.Validator.
func (c *Config) Validate() error {
	var errs []error
	if c.CheckInterval < 0 {
		errs = append(errs, fmt.Errorf("check_interval is %s: use a positive time, or 0 to look only until the server has been set up", c.CheckInterval))
	}
	for class, l := range c.Lifecycle.classes() {
		if l.Days < 0 || l.Days > maxDays {
			errs = append(errs, fmt.Errorf("lifecycle::%s::days is %d: use 1 to %d, or 0 to keep documents for good", class, l.Days, maxDays))
		}
		if l.Days > 0 && l.Policy != "" {
			errs = append(errs, fmt.Errorf("lifecycle::%s: days and policy are both given: leave one", class))
		}
	}
	if len(errs) == 0 {
		options := c.options()
		errs = append(errs, options.Check())
	}
	return errors.Join(errs...)
}

func (l *LifecycleConfig) classes() map[schema.Class]ClassConfig {
	return map[schema.Class]ClassConfig{
		schema.Allowed: l.Allowed, schema.Denied: l.Denied, schema.Observer: l.Observer, schema.Rejected: l.Rejected,
	}
}

// options are what the templates are made from.
func (c *Config) options() schema.Options {
	lifecycles := map[schema.Class]schema.Lifecycle{}
	for class, l := range c.Lifecycle.classes() {
		lifecycles[class] = schema.Lifecycle{Retention: time.Duration(l.Days) * 24 * time.Hour, Policy: l.Policy}
	}
	return schema.Options{
		Mapping:    c.Mapping.Mode,
		Mode:       c.Index.Mode,
		Namespace:  c.Namespace,
		Shards:     c.Index.Shards,
		Replicas:   c.Index.Replicas,
		Lifecycles: lifecycles,
	}
}
