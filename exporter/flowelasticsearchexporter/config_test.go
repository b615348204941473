package flowelasticsearchexporter

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/exporter/flowelasticsearchexporter/internal/metadata"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

func load(t *testing.T, name string) (*Config, error) {
	t.Helper()
	conf, err := confmaptest.LoadConf(filepath.Join("testdata", "config.yaml"))
	require.NoError(t, err)
	sub, err := conf.Sub(component.NewIDWithName(metadata.Type, name).String())
	require.NoError(t, err)
	config := createDefaultConfig().(*Config)
	if err := sub.Unmarshal(config); err != nil {
		return nil, err
	}
	return config, confmap.Validate(config)
}

func TestShapeOfTheConfig(t *testing.T) {
	require.NoError(t, componenttest.CheckConfigStruct(createDefaultConfig()))
}

func TestDefaults(t *testing.T) {
	config, err := load(t, "")
	require.NoError(t, err)
	want := createDefaultConfig().(*Config)
	want.Connection.HTTP.Endpoint = "https://elasticsearch.example:9200"
	require.Equal(t, want, config)

	queue := config.Queue.Get()
	require.Equal(t, exporterhelper.RequestSizerTypeBytes, queue.Sizer)
	require.Equal(t, int64(64<<20), queue.QueueSize)
	require.Equal(t, 4, queue.NumConsumers)
	require.True(t, queue.BlockOnOverflow)
	require.Equal(t, time.Second, queue.Batch.Get().FlushTimeout)
	require.Zero(t, config.Retry.MaxElapsedTime, "without end")
	require.Equal(t, schema.ECS, config.Mapping.Mode)
}

func TestAllOptions(t *testing.T) {
	config, err := load(t, "all")
	require.NoError(t, err)
	require.Equal(t, "key", string(config.Connection.APIKey))
	require.Len(t, config.Connection.Endpoints, 2)
	require.Equal(t, "file_storage/es", config.Queue.Get().StorageID.String())
	require.Equal(t, exporterhelper.RequestSizerTypeBytes, config.Queue.Get().Batch.Get().Sizer)
	require.Equal(t, time.Minute, config.Retry.MaxInterval)
	require.Equal(t, schema.OTel, config.Mapping.Mode)
	require.Equal(t, "prod", config.Namespace)
	require.Equal(t, idAuto, config.ID)
	require.Equal(t, BulkConfig{MaxBytes: 1 << 20, Slow: 2 * time.Second, ShardTimeout: 3 * time.Second}, config.Bulk)
	require.Equal(t, DeadLetterConfig{File: "/var/lib/rejected.ndjson", MaxFileMiB: 10}, config.DeadLetter)
}

func TestErrorsNameTheKey(t *testing.T) {
	for name, want := range map[string]string{
		"no_server":     "endpoint: no server is named",
		"bad_namespace": "namespace: ",
		"bad_mode":      `unknown mapping "raw"`,
		"community":     "community_id: the otel mapping has none",
		"bad_id":        `id: "hash" is neither record nor auto`,
		"bad_bulk":      "bulk: max_bytes: 1 is too little",
		"no_slow":       "bulk: slow: 0s is not positive",
		"shard_timeout": "bulk::shard_timeout: 2m0s is not less than the timeout of requests, 1m0s",
		"bad_file":      "dead_letter: max_file_mib: 0 is too little",
		"max_retries":   "max_retries",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, name)
			require.ErrorContains(t, err, want)
		})
	}
}

// TestReadmeTellsTheDefaults compares the README's table of options with the code.
func TestReadmeTellsTheDefaults(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	configType := reflect.TypeFor[Config]()
	for i := range configType.NumField() {
		if key := configType.Field(i).Tag.Get("mapstructure"); key != ",squash" {
			require.Contains(t, string(text), "| `"+key, "the option is in the table")
		}
	}
	for _, line := range []string{
		"| `namespace` | `default` |", "| `community_id` | `false` |", "| `id` | `record` |", "| `mapping::mode` | `ecs` |",
		"| `bulk::max_bytes` | `5000000` |", "| `bulk::slow` | `5s` |", "| `bulk::shard_timeout` | `10s` |", "| `dead_letter::max_file_mib` | `100` |",
	} {
		require.Contains(t, string(text), line)
	}
}
