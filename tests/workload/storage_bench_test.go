package workload_test

import (
	"io/fs"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/exporter/flowstoreexporter"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowstoreextension"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowaggregationprocessor"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/workload"
)

// levels are the ways in which records may come to the store. The first is what the
// others are measured against.
var levels = []struct {
	name string
	// aggregation changes the configuration of flow_aggregation, which is left out where it
	// is nil.
	aggregation func(*flowaggregationprocessor.Config)
}{
	{name: "level=none"},
	{name: "level=0", aggregation: level(0)},
	{name: "level=1", aggregation: level(1)},
	{name: "level=2-without-values", aggregation: func(c *flowaggregationprocessor.Config) { c.MaxValues = 0 }},
	{name: "level=2", aggregation: func(*flowaggregationprocessor.Config) {}},
	{name: "level=2-in-5m", aggregation: func(c *flowaggregationprocessor.Config) { c.Interval = 5 * time.Minute }},
	{name: "level=3", aggregation: level(3)},
	{name: "level=3-denied-too", aggregation: func(c *flowaggregationprocessor.Config) { c.Allowed.Level, c.Denied.Level = 3, 3 }},
}

// level is the level of allowed flows. Denied flows keep their own, or are as coarse.
func level(n int) func(*flowaggregationprocessor.Config) {
	return func(c *flowaggregationprocessor.Config) { c.Allowed.Level = n }
}

// BenchmarkStorage writes the reference to the embedded store, as a gateway does that gets
// the records of all nodes, and says how many records that is and what they take on the
// disk after the store is closed, beyond what an empty store takes. Time is not what it
// measures.
func BenchmarkStorage(b *testing.B) {
	directory := b.TempDir()
	openStore(b, directory).close()
	empty := directorySize(b, directory)
	for _, level := range levels {
		b.Run(level.name, func(b *testing.B) {
			for b.Loop() {
				directory := b.TempDir()
				store := openStore(b, directory)
				received, left := playThrough(b, level.aggregation)
				write(b, left, store)
				store.close()
				report(b, received, left.LogRecordCount(), directorySize(b, directory)-empty)
			}
		})
	}
}

// report says what records that came take where they are stored, in bytes.
func report(b *testing.B, received, stored int, size int64) {
	b.ReportMetric(float64(received), "records-received")
	b.ReportMetric(float64(stored), "records")
	b.ReportMetric(float64(size), "stored-B")
	b.ReportMetric(float64(size)/float64(stored), "B/record")
	b.ReportMetric(float64(size)/float64(received), "B/record-received")
}

// playThrough sends the reference through flow_aggregation, unless that is nil, and returns how
// many records came, and what was left. The store gets it afterwards: one that is slower than
// the replay would have windows wait, and beyond the processor's memory become coarser.
func playThrough(b *testing.B, aggregation func(*flowaggregationprocessor.Config)) (received int, left *consumertest.LogsSink) {
	left = new(consumertest.LogsSink)
	through, stop := consumer.Logs(left), func() {}
	var clock atomic.Int64
	if aggregation != nil {
		through, stop = startAggregation(b, aggregation, &clock, left)
	}
	received = playInto(b, &clock, through)
	stop()
	return received, left
}

// write gives a store what was left.
func write(b *testing.B, left *consumertest.LogsSink, to consumer.Logs) {
	b.Helper()
	for _, logs := range left.AllLogs() {
		require.NoError(b, to.ConsumeLogs(b.Context(), logs))
	}
}

// playInto sends the reference and returns how many records that were.
// It sets the clock as it goes.
func playInto(b *testing.B, clock *atomic.Int64, to consumer.Logs) (records int) {
	config := workload.Default()
	w := workload.New(1, config)
	clock.Store(w.Now().UnixNano())
	for range int(reference / config.Interval) {
		var batch flow.Batch
		for _, of := range w.Next() {
			batch.Flows = append(batch.Flows, of.Flows...)
		}
		records += batch.Len()
		clock.Store(w.Now().Add(time.Second).UnixNano())
		require.NoError(b, to.ConsumeLogs(b.Context(), flow.Encode(&batch, w.Now().Add(time.Second))))
	}
	return records
}

// store is the embedded store behind its exporter, as in the distribution, but that it
// keeps everything and that each request is written at once.
type store struct {
	consumer.Logs
	close func()
}

type host map[component.ID]component.Component

func (h host) GetExtensions() map[component.ID]component.Component { return h }

func openStore(b *testing.B, directory string) store {
	b.Helper()
	factory := flowstoreextension.NewFactory()
	config := factory.CreateDefaultConfig().(*flowstoreextension.Config)
	config.Directory, config.MaxAge, config.MaxSize = directory, 0, 0
	extension, err := factory.Create(b.Context(), extensiontest.NewNopSettings(flowstoreextension.Type), config)
	require.NoError(b, err)
	require.NoError(b, extension.Start(b.Context(), componenttest.NewNopHost()))

	writing := flowstoreexporter.NewFactory()
	to := writing.CreateDefaultConfig().(*flowstoreexporter.Config)
	to.Queue = configoptional.None[exporterhelper.QueueBatchConfig]()
	exporter, err := writing.CreateLogs(b.Context(), exportertest.NewNopSettings(flowstoreexporter.Type), to)
	require.NoError(b, err)
	require.NoError(b, exporter.Start(b.Context(), host{to.Store: extension}))
	return store{exporter, func() {
		require.NoError(b, exporter.Shutdown(b.Context()))
		require.NoError(b, extension.Shutdown(b.Context()))
	}}
}

// startAggregation returns the processor before next, and how to stop it, which flushes it.
func startAggregation(b *testing.B, change func(*flowaggregationprocessor.Config), clock *atomic.Int64, next consumer.Logs) (consumer.Logs, func()) {
	b.Helper()
	factory := flowaggregationprocessor.NewFactory(flowaggregationprocessor.WithClock(func() time.Time { return time.Unix(0, clock.Load()) }))
	config := factory.CreateDefaultConfig().(*flowaggregationprocessor.Config)
	config.Dynamic = false // what is fast here is the replay
	change(config)
	p, err := factory.CreateLogs(b.Context(), processortest.NewNopSettings(factory.Type()), config, next)
	require.NoError(b, err)
	require.NoError(b, p.Start(b.Context(), componenttest.NewNopHost()))
	return p, func() { require.NoError(b, p.Shutdown(b.Context())) }
}

func directorySize(b *testing.B, directory string) (size int64) {
	b.Helper()
	require.NoError(b, filepath.WalkDir(directory, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	}))
	return size
}
