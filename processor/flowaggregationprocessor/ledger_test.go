package flowaggregationprocessor

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowaggregationprocessor/internal/metadata"
)

var storageID = component.MustNewID("file_storage")

// disk is a collector with a file_storage extension.
type disk map[component.ID]component.Component

func (d disk) GetExtensions() map[component.ID]component.Component { return d }

// openDisk starts file_storage in a directory; it ends with the test, or before by Shutdown.
func openDisk(t *testing.T, dir string) disk {
	factory := filestorage.NewFactory()
	config := factory.CreateDefaultConfig().(*filestorage.Config)
	config.Directory = dir
	extension, err := factory.Create(t.Context(), extensiontest.NewNopSettings(factory.Type()), config)
	require.NoError(t, err)
	require.NoError(t, extension.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { assert.NoError(t, extension.Shutdown(context.Background())) })
	return disk{storageID: extension}
}

// noting returns a merger, not started, that has its ledger in a storage.
func noting(t *testing.T, next *pipeline) *merger {
	config := createDefaultConfig().(*Config)
	config.Interval, config.Delay, config.Jitter, config.Storage = time.Second, 0, 0, &storageID
	m, err := newMerger(processortest.NewNopSettings(metadata.Type), config, next)
	require.NoError(t, err)
	return m
}

// killed is what is on the disk of a collector that was killed when it held records of
// these observers.
func killed(t *testing.T, from string, observers ...flow.Observer) (dir string) {
	next := new(pipeline)
	next.refusing(func(plog.Logs) error { return errors.New("away") })
	host := openDisk(t, from)
	m := noting(t, next)
	require.NoError(t, m.Start(t.Context(), host))
	for n, o := range observers {
		f := record(n, flow.Allow)
		f.Observer = o
		require.NoError(t, m.ConsumeLogs(t.Context(), encode(flow.Batch{Flows: []flow.Flow{f}})))
	}
	m.note(t.Context())
	dir = t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(from)))
	next.refusing(nil)
	require.NoError(t, m.Shutdown(t.Context()))
	return dir
}

func nodeA() flow.Observer { return flow.Observer{Host: flow.Intern("a"), Node: flow.Intern("a")} }

func TestACrashIsToldOfByTheNextStart(t *testing.T) {
	for name, test := range map[string]struct {
		observers []flow.Observer
		want      flow.Observer
	}{
		"of one node": {[]flow.Observer{nodeA(), nodeA(), nodeA()}, nodeA()},
		"of several":  {[]flow.Observer{nodeA(), {Host: flow.Intern("b")}}, flow.Observer{}},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			dir := killed(t, t.TempDir(), test.observers...)
			next := new(pipeline)
			m := noting(t, next)
			require.NoError(t, m.Start(t.Context(), openDisk(t, dir)))
			require.NoError(t, m.Shutdown(t.Context()))
			losses := next.batch(t).Losses
			require.Len(t, losses, 1)
			loss := losses[0]
			assert.Equal(t, test.want, loss.Observer)
			assert.Equal(t, flow.StageCrash, loss.Stage)
			assert.Equal(t, flow.UnitRecords, loss.Unit)
			assert.EqualValues(t, len(test.observers), loss.Count)
			assert.False(t, loss.ID.IsZero())
			assert.Less(t, loss.Start, loss.End)
			assert.WithinRange(t, time.Unix(0, loss.End), began, time.Now())
		})
	}
}

func TestAnEndThatPassesAllOnLeavesNothingToTell(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		next := new(pipeline)
		m := noting(t, next)
		host := openDisk(t, dir)
		require.NoError(t, m.Start(t.Context(), host))
		require.NoError(t, m.ConsumeLogs(t.Context(), encode(flow.Batch{Flows: []flow.Flow{record(1, flow.Allow)}})))
		m.note(t.Context())
		require.NoError(t, m.Shutdown(t.Context()))
		require.NoError(t, host[storageID].Shutdown(t.Context()))
		assert.Len(t, next.batch(t).Flows, 1)
		assert.Empty(t, next.batch(t).Losses)
	}
}

func TestALossThatCouldNotBeToldIsToldOfLater(t *testing.T) {
	dir := killed(t, killed(t, t.TempDir(), nodeA(), nodeA()), nodeA())
	next := new(pipeline)
	m := noting(t, next)
	require.NoError(t, m.Start(t.Context(), openDisk(t, dir)))
	require.Eventually(t, func() bool { return len(next.batch(t).Losses) > 0 }, 10*time.Second, 10*time.Millisecond)
	require.NoError(t, m.Shutdown(t.Context()))
	require.Len(t, next.batch(t).Losses, 1)
	loss := next.batch(t).Losses[0]
	assert.EqualValues(t, 3, loss.Count)
	assert.Equal(t, nodeA(), loss.Observer)
}

func TestAStorageThatCannotBeUsedStopsTheStart(t *testing.T) {
	for want, host := range map[string]component.Host{
		"there is no extension file_storage: add it to service::extensions": componenttest.NewNopHost(),
		"extension file_storage does not store: name one that does":         disk{storageID: noStorage{}},
	} {
		m := noting(t, new(pipeline))
		assert.ErrorContains(t, m.Start(t.Context(), host), want)
		assert.NoError(t, m.Shutdown(t.Context()))
	}
}

// noStorage is an extension of another kind.
type noStorage struct{ component.Component }

func TestALedgerThatCannotBeReadTellsNothing(t *testing.T) {
	host := openDisk(t, t.TempDir())
	m := noting(t, new(pipeline))
	require.NoError(t, m.ledger.open(t.Context(), host, &storageID, m.id))
	require.NoError(t, m.ledger.client.Set(t.Context(), ledgerKey, []byte("{")))
	require.NoError(t, m.ledger.close(t.Context()))

	next := new(pipeline)
	m = noting(t, next)
	require.NoError(t, m.Start(t.Context(), host))
	require.NoError(t, m.Shutdown(t.Context()))
	assert.Zero(t, next.LogRecordCount())
}
