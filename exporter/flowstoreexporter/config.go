package flowstoreexporter

import (
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
)

// Config says which store to write to and how patiently.
type Config struct {
	// Store is the ID of the store extension. Default: flow_store.
	Store component.ID `mapstructure:"store"`
	// Queue holds records until the store has taken them. By default whoever
	// exports waits until then, so that what was acknowledged is stored; records
	// that arrive within 200ms are written together, at the latest when there are
	// 1000.
	Queue configoptional.Optional[exporterhelper.QueueBatchConfig] `mapstructure:"sending_queue"`
	// Retry says how to go on when the store refuses a write, as it does when the
	// disk is full. Default: every 100ms at first and every 5s later, without end.
	Retry configretry.BackOffConfig `mapstructure:"retry_on_failure"`
}

// defaultStore is the ID of a store extension without a name.
var defaultStore = component.NewID(Type)

func createDefaultConfig() component.Config {
	batch := exporterhelper.NewDefaultBatchConfig()
	batch.FlushTimeout = 200 * time.Millisecond
	batch.Sizer = exporterhelper.RequestSizerTypeItems
	batch.MinSize = 1000

	queue := exporterhelper.NewDefaultQueueConfig()
	queue.Sizer = exporterhelper.RequestSizerTypeItems
	queue.QueueSize = 100_000
	queue.BlockOnOverflow = true
	queue.WaitForResult = true
	queue.Batch = configoptional.Some(batch)

	retry := configretry.NewDefaultBackOffConfig()
	retry.InitialInterval = 100 * time.Millisecond
	retry.MaxInterval = 5 * time.Second
	retry.MaxElapsedTime = 0

	return &Config{Store: defaultStore, Queue: configoptional.Some(queue), Retry: retry}
}
