package flowelasticsearchexporter

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/connection"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

// Config is the configuration of the flow_elasticsearch exporter.
type Config struct {
	// Connection says how to reach the server.
	Connection connection.Config `mapstructure:",squash"`

	// Queue holds records until they are sent, which num_consumers do at once. Default: 64 MiB of
	// records in memory, of which batches are made of 2 to 3 MB or of what came in 1s; who
	// exports waits while it is full. With storage it survives a crash.
	Queue configoptional.Optional[exporterhelper.QueueBatchConfig] `mapstructure:"sending_queue"`

	// Retry says how to go on with what was not taken. Default: after 1s at first and 30s
	// later, without end.
	Retry configretry.BackOffConfig `mapstructure:"retry"`

	// Mapping is the form of the documents.
	Mapping MappingConfig `mapstructure:"mapping"`

	// Namespace is the last part of the names of data streams. Default: default.
	Namespace string `mapstructure:"namespace"`

	// CommunityID adds network.community_id to documents of the ecs mapping. Default false:
	// it takes more room than all else together.
	CommunityID bool `mapstructure:"community_id"`

	// ID is where the ids of documents come from: record, from the records; or auto, from
	// Elasticsearch, with which what is sent again is there twice. Default: record.
	ID string `mapstructure:"id"`

	// Bulk is the size and number of requests.
	Bulk BulkConfig `mapstructure:"bulk"`

	// DeadLetter is what becomes of documents that are rejected and cannot be told of in the
	// data stream for them.
	DeadLetter DeadLetterConfig `mapstructure:"dead_letter"`
}

// MappingConfig is the form of the documents.
type MappingConfig struct {
	// Mode is ecs or otel. Default ecs.
	Mode schema.Mapping `mapstructure:"mode"`
}

// BulkConfig is the size and number of requests, which follow what the server can take.
type BulkConfig struct {
	// MaxBytes is the most documents have in a request, before compression. Default 5000000, at
	// least 65536.
	MaxBytes int `mapstructure:"max_bytes"`
	// Slow is from when on a request takes so long that there are fewer and smaller ones.
	// Default 5s.
	Slow time.Duration `mapstructure:"slow"`
	// ShardTimeout is how long the server waits for a shard that it cannot write to.
	// Default 10s; it is to be less than timeout.
	ShardTimeout time.Duration `mapstructure:"shard_timeout"`
}

// DeadLetterConfig is a file for documents that even the data stream of rejected ones does
// not take.
type DeadLetterConfig struct {
	// File is the path of the file. Default none: such documents are kept and tried again.
	File string `mapstructure:"file"`
	// MaxFileMiB is how large it grows. Default 100, at least 1.
	MaxFileMiB int `mapstructure:"max_file_mib"`
}

const (
	idRecord = "record"
	idAuto   = "auto"

	minBytes = 64 << 10
	// unqueued is how many requests are under way at most where there is no queue, whose
	// num_consumers says it otherwise.
	unqueued = 10
)

func createDefaultConfig() component.Config {
	batch := exporterhelper.NewDefaultBatchConfig()
	batch.FlushTimeout = time.Second
	batch.Sizer = exporterhelper.RequestSizerTypeBytes
	batch.MinSize, batch.MaxSize = 2_000_000, 3_000_000

	queue := exporterhelper.NewDefaultQueueConfig()
	queue.Sizer = exporterhelper.RequestSizerTypeBytes
	queue.QueueSize = 64 << 20
	queue.NumConsumers = 4
	queue.BlockOnOverflow = true
	queue.Batch = configoptional.Some(batch)

	retry := configretry.NewDefaultBackOffConfig()
	retry.InitialInterval = time.Second
	retry.MaxInterval = 30 * time.Second
	retry.MaxElapsedTime = 0

	return &Config{
		Connection: connection.NewDefaultConfig(),
		Queue:      configoptional.Some(queue), Retry: retry,
		Namespace:  schema.DefaultNamespace,
		ID:         idRecord,
		Bulk:       BulkConfig{MaxBytes: 5_000_000, Slow: 5 * time.Second, ShardTimeout: 10 * time.Second},
		DeadLetter: DeadLetterConfig{MaxFileMiB: 100},
	}
}

// Validate implements xconfmap.Validator.
func (c *Config) Validate() error {
	var errs []error
	if err := schema.CheckNamespace(c.Namespace); err != nil {
		errs = append(errs, fmt.Errorf("namespace: %w", err))
	}
	if c.CommunityID && c.Mapping.Mode != schema.ECS {
		errs = append(errs, fmt.Errorf("community_id: the %s mapping has none: leave it out", c.Mapping.Mode))
	}
	if c.ID != idRecord && c.ID != idAuto {
		errs = append(errs, fmt.Errorf("id: %q is neither %s nor %s", c.ID, idRecord, idAuto))
	}
	if timeout := c.Connection.HTTP.Timeout; timeout > 0 && c.Bulk.ShardTimeout >= timeout {
		errs = append(errs, fmt.Errorf("bulk::shard_timeout: %s is not less than the timeout of requests, %s: the answer would be too late",
			c.Bulk.ShardTimeout, timeout))
	}
	return errors.Join(errs...)
}

// Validate implements xconfmap.Validator.
func (c *BulkConfig) Validate() error {
	var errs []error
	if c.MaxBytes < minBytes {
		errs = append(errs, fmt.Errorf("max_bytes: %d is too little: use %d or more", c.MaxBytes, minBytes))
	}
	if c.Slow <= 0 {
		errs = append(errs, fmt.Errorf("slow: %s is not positive", c.Slow))
	}
	if c.ShardTimeout <= 0 {
		errs = append(errs, fmt.Errorf("shard_timeout: %s is not positive", c.ShardTimeout))
	}
	return errors.Join(errs...)
}

// Validate implements xconfmap.Validator.
func (c *DeadLetterConfig) Validate() error {
	if c.MaxFileMiB < 1 {
		return fmt.Errorf("max_file_mib: %d is too little: use 1 or more", c.MaxFileMiB)
	}
	return nil
}
