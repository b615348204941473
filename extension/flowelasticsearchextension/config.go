package flowelasticsearchextension

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configoptional"

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

	// Reader says as whom records are read for the Flow Visualizer.
	Reader ReaderConfig `mapstructure:"reader"`

	// Index says how documents are kept.
	Index IndexConfig `mapstructure:"index"`

	// Lifecycle says how long documents are kept, and how much room they may take.
	// Default: for good.
	Lifecycle LifecycleConfig `mapstructure:"lifecycle"`

	// Recycle has this extension delete what is too old or too much. Default: not; what is
	// deleted is then up to Elasticsearch.
	Recycle configoptional.Optional[RecycleConfig] `mapstructure:"recycle"`

	// LeaderElection has one of several collectors work at a time. Default: not.
	LeaderElection configoptional.Optional[LeaderElectionConfig] `mapstructure:"leader_election"`

	// Kibana says into which Kibana data views and dashboards are put. Default: none.
	Kibana KibanaConfig `mapstructure:"kibana"`

	// CheckInterval is how often the servers are looked at once they have been set up, to
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

const defaultCheckInterval = 10 * time.Minute

func createDefaultConfig() component.Config {
	return &Config{
		Connection:     connection.NewDefaultConfig(),
		Kibana:         newDefaultKibanaConfig(),
		Recycle:        configoptional.Default(defaultRecycle()),
		LeaderElection: configoptional.Default(defaultLeaderElection()),
		CheckInterval:  defaultCheckInterval,
	}
}

// Validate implements confmap.Validator.
func (c *Config) Validate() error {
	var errs []error
	if c.CheckInterval < 0 {
		errs = append(errs, fmt.Errorf("check_interval is %s: use a positive time, or 0 to look only until the server has been set up", c.CheckInterval))
	}
	errs = append(errs, c.Lifecycle.check(c.Recycle.HasValue()))
	if err := errors.Join(errs...); err != nil {
		return err
	}
	options := c.options()
	return options.Check()
}

// options are what the templates are made from.
func (c *Config) options() schema.Options {
	lifecycles := map[schema.Class]schema.Lifecycle{}
	for class, l := range c.Lifecycle.classes() {
		lifecycles[class] = schema.Lifecycle{Retention: l.retention(), Policy: l.Policy}
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
