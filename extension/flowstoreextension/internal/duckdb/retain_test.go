package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/flowstoretest"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/memstore"
)

func TestRetainByAge(t *testing.T) {
	var deletions []Deletion
	store := open(t, t.TempDir(), func(o *Options) {
		o.MaxAge = 30 * time.Minute
		o.Deleted = func(d Deletion) { deletions = append(deletions, d) }
	})
	batch := flowstoretest.NewGenerator(1).Batch(500)
	require.NoError(t, store.Write(t.Context(), batch))
	now := time.Unix(0, flowstoretest.Start).Add(time.Hour)
	cutoff := now.Add(-30 * time.Minute).UnixNano()
	require.NoError(t, store.Retain(t.Context(), now))
	left := &flow.Batch{}
	for _, f := range batch.Flows {
		if f.End >= cutoff {
			left.Flows = append(left.Flows, f)
		}
	}
	for _, l := range batch.Losses {
		if l.End >= cutoff {
			left.Losses = append(left.Losses, l)
		}
	}
	for _, a := range batch.Agents {
		if a.Time >= cutoff {
			left.Agents = append(left.Agents, a)
		}
	}
	reference := &memstore.Store{}
	require.NoError(t, reference.Write(t.Context(), left))
	flowstoretest.Same(t, reference, store)
	require.Equal(t, []Deletion{{
		Reason: ReasonAge, Before: cutoff,
		Flows:  uint64(len(batch.Flows) - len(left.Flows)),
		Losses: uint64(len(batch.Losses) - len(left.Losses)),
		Agents: uint64(len(batch.Agents) - len(left.Agents)),
	}}, deletions)
	stats, err := store.Stats(t.Context())
	require.NoError(t, err)
	want, err := reference.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, want.Records, stats.Records)
	require.Equal(t, want.Oldest, stats.Oldest)
	require.Equal(t, want.Newest, stats.Newest)

	// Nothing more is too old; and once everything is, the store is empty.
	require.NoError(t, store.Retain(t.Context(), now))
	require.Len(t, deletions, 1)
	require.NoError(t, store.Retain(t.Context(), now.Add(24*time.Hour)))
	stats, err = store.Stats(t.Context())
	require.NoError(t, err)
	require.Zero(t, stats.Records)
	require.Zero(t, stats.Oldest)
}

// grow adds later copies of the first records of source until the next write of
// 8000 or so has to make room. Writing them all would take a minute.
func grow(t *testing.T, store *Store, source *traffic) (added uint64) {
	t.Helper()
	const copies = 4
	length := 16_000 / int64(len(source.pairs)) * int64(10*time.Second)
	require.NoError(t, store.perform(t.Context(), func(w *writer) error {
		high, _ := store.marks()
		for {
			used, err := w.usedBytes(t.Context())
			if err != nil || float64(used)+(9<<19) > high {
				return errors.Join(err, w.recount(t.Context()))
			}
			later := source.now + int64(10*time.Second) - benchStart
			result, err := w.conn.ExecContext(t.Context(), `INSERT INTO flow_records SELECT pattern.* REPLACE (
				make_timestamp_ns(epoch_ns("flow.start") + ?::BIGINT + n * ?::BIGINT) AS "flow.start",
				make_timestamp_ns(epoch_ns("flow.end") + ?::BIGINT + n * ?::BIGINT) AS "flow.end",
				? + n AS "flow.id.epoch") FROM pattern, range(?) AS copies(n)`, later, length, later, length, int64(added), copies)
			if err != nil {
				return err
			}
			rows, _ := result.RowsAffected()
			added += uint64(rows)
			source.now += copies * length
			if err := w.checkpoint(t.Context()); err != nil {
				return err
			}
		}
	}))
	return added
}

// TestTheSizeLimitHolds writes more than fits, twice, with one clock that is
// years off, and looks at the disk after every write.
func TestTheSizeLimitHolds(t *testing.T) {
	const limit = 20 << 20
	var deleted uint64
	directory := t.TempDir()
	store := open(t, directory, func(o *Options) {
		o.MaxBytes = limit
		o.Deleted = func(d Deletion) {
			assert.Equal(t, ReasonSize, d.Reason)
			deleted += d.Flows
		}
	})
	source := newTraffic()
	outlier := flow.Flow{ID: flow.ID{Node: 9, Epoch: 9, Counter: 1}, End: 1}
	require.NoError(t, store.Write(t.Context(), &flow.Batch{Flows: []flow.Flow{outlier}}))
	written, most := uint64(1), uint64(0)
	write := func() {
		require.NoError(t, store.Write(t.Context(), source.batch(8000)))
		written += 8000
		most = max(most, store.diskBytes())
		require.LessOrEqual(t, store.diskBytes(), uint64(limit))
	}
	write()
	write()
	require.NoError(t, store.perform(t.Context(), func(w *writer) error {
		_, err := w.conn.ExecContext(t.Context(), `CREATE TEMP TABLE pattern AS FROM flow_records WHERE "flow.end" >= make_timestamp_ns(?::BIGINT)`, benchStart)
		return err
	}))
	for range 2 {
		written += grow(t, store, source)
		for before := deleted; deleted == before; {
			write()
			require.Less(t, written, uint64(3_000_000))
		}
		write()
	}
	require.Positive(t, deleted)
	written += grow(t, store, source)
	stats, err := store.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, written-deleted, stats.Records)
	require.Equal(t, source.now, stats.Newest)
	require.Greater(t, stats.Oldest, benchStart)
	t.Logf("%d records written, %d left in %d MiB; at most %d MiB on disk of %d", written, stats.Records, stats.Bytes>>20, most>>20, limit>>20)

	// A lower limit deletes with the next round, and the records that are left answer.
	require.NoError(t, store.Close())
	store = open(t, directory, func(o *Options) { o.MaxBytes = 14 << 20 })
	require.NoError(t, store.Retain(t.Context(), time.Unix(0, source.now)))
	after, err := store.Stats(t.Context())
	require.NoError(t, err)
	require.Less(t, after.Records, stats.Records)
	require.Positive(t, after.Records)
	groups, err := store.Groups(t.Context(), flowstore.GroupsQuery{Selection: flowstoretest.Everything, Limit: 1})
	require.NoError(t, err)
	require.Equal(t, after.Records, groups.Total.Records)
	t.Logf("limit lowered: %d records left in %d MiB", after.Records, after.Bytes>>20)
}

// TestAQueryDoesNotCostRecords: what a running query may still see is not freed
// by a checkpoint, however much is deleted.
func TestAQueryDoesNotCostRecords(t *testing.T) {
	directory := t.TempDir()
	store := open(t, directory, func(o *Options) { o.MaxBytes = 20 << 20 })
	source := newTraffic()
	require.NoError(t, store.Write(t.Context(), source.batch(8000)))
	require.NoError(t, store.Write(t.Context(), source.batch(8000)))
	require.NoError(t, store.perform(t.Context(), func(w *writer) error {
		_, err := w.conn.ExecContext(t.Context(), "CREATE TEMP TABLE pattern AS FROM flow_records")
		return err
	}))
	grow(t, store, source)
	var used uint64
	require.NoError(t, store.perform(t.Context(), func(w *writer) (err error) {
		used, err = w.usedBytes(t.Context())
		return err
	}))
	require.NoError(t, store.Close())
	store = open(t, directory, func(o *Options) { o.MaxBytes = used + leastHeadroom - 1<<20 })
	before, err := store.Stats(t.Context())
	require.NoError(t, err)

	reading, asked := make(chan struct{}), make(chan error, 1)
	go func() {
		asked <- store.query(t.Context(), func(ctx context.Context, db *sql.DB) error {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			defer func() { _ = tx.Rollback() }()
			_, err = tx.ExecContext(ctx, "SELECT count(*) FROM flow_records")
			close(reading)
			time.Sleep(300 * time.Millisecond)
			return err
		})
	}()
	<-reading
	require.NoError(t, store.Retain(t.Context(), time.Unix(0, source.now)))
	require.NoError(t, <-asked)
	after, err := store.Stats(t.Context())
	require.NoError(t, err)
	require.Less(t, after.Records, before.Records)
	require.Greater(t, after.Records, before.Records/20)
	t.Logf("%d of %d records left", after.Records, before.Records)
}

func TestABatchThatCannotFitDeletesNothing(t *testing.T) {
	store := open(t, t.TempDir(), func(o *Options) { o.MaxBytes = 16 << 20 })
	source := newTraffic()
	require.NoError(t, store.Write(t.Context(), source.batch(1000)))
	err := store.Write(t.Context(), source.batch(20_000))
	require.ErrorIs(t, err, flowstore.ErrFull)
	require.ErrorContains(t, err, "write smaller batches")
	stats, err := store.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, uint64(1000), stats.Records)
}

// TestClocksThatAreCenturiesOff: the span of time that is stored need not fit an
// int64.
func TestClocksThatAreCenturiesOff(t *testing.T) {
	store := open(t, t.TempDir())
	batch := newTraffic().batch(4000)
	batch.Flows[0].End, batch.Flows[1].End = math.MinInt64, math.MaxInt64-10
	require.NoError(t, store.Write(t.Context(), batch))
	require.NoError(t, store.perform(t.Context(), func(w *writer) error {
		cutoff, err := w.oldestShare(t.Context(), 2000)
		assert.Greater(t, cutoff, benchStart)
		assert.LessOrEqual(t, cutoff, benchStart+int64(10*time.Second))
		return err
	}))
	page, err := store.Flows(t.Context(), flowstore.FlowsQuery{Selection: flowstoretest.Everything, Limit: 10_000})
	require.NoError(t, err)
	require.Len(t, page.Flows, 4000)
	require.Equal(t, "1678-01-01", time.Unix(0, page.Flows[3999].End).UTC().Format(time.DateOnly))
	require.Equal(t, "2262-04-11", time.Unix(0, page.Flows[0].End).UTC().Format(time.DateOnly))
}

// smallDisk mounts a file system of its own.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	directory := t.TempDir()
	err := unix.Mount("tmpfs", directory, "tmpfs", 0, fmt.Sprintf("size=%d", size))
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		t.Skipf("cannot mount a file system here: %v", err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, unix.Unmount(directory, unix.MNT_DETACH)) })
	return directory
}

// TestAFullDiskStopsWritingAndRecovers fills the disk with the store's own
// records, with and without the reserve that spares DuckDB the failure.
func TestAFullDiskStopsWritingAndRecovers(t *testing.T) {
	for name, reserve := range map[string]uint64{"reserve": 8 << 20, "no reserve": 0} {
		t.Run(name, func(t *testing.T) {
			disk := smallDisk(t, 48<<20)
			ballast := filepath.Join(disk, "ballast")
			require.NoError(t, os.WriteFile(ballast, make([]byte, 20<<20), 0o600))
			store := open(t, filepath.Join(disk, "store"), func(o *Options) { o.MinFree = reserve })
			source := newTraffic()
			stored := uint64(0)
			var refused *flow.Batch
			for range 1000 {
				batch := source.batch(5000)
				if err := store.Write(t.Context(), batch); err != nil {
					require.ErrorIs(t, err, flowstore.ErrFull)
					require.ErrorContains(t, err, "make room")
					require.ErrorContains(t, err, store.File())
					refused = batch
					break
				}
				stored += uint64(batch.Len())
			}
			require.NotNil(t, refused, "the disk is full at some time")
			require.ErrorIs(t, store.Write(t.Context(), refused), flowstore.ErrFull)

			require.NoError(t, os.Remove(ballast))
			require.NoError(t, store.Write(t.Context(), refused))
			stored += uint64(refused.Len())
			stats, err := store.Stats(t.Context())
			require.NoError(t, err)
			require.Equal(t, stored, stats.Records)
			groups, err := store.Groups(t.Context(), flowstore.GroupsQuery{Selection: flowstoretest.Everything, Limit: 1})
			require.NoError(t, err)
			require.Equal(t, stored, groups.Total.Records)
		})
	}
}

func TestIDsOfDeletedRecordsAreForgotten(t *testing.T) {
	directory := t.TempDir()
	store := open(t, directory, func(o *Options) { o.MaxAge = time.Minute })
	at := func(epoch uint32, end int64) *flow.Batch {
		return &flow.Batch{Flows: []flow.Flow{{ID: flow.ID{Node: 1, Epoch: epoch, Counter: 1}, End: end}}}
	}
	old, recent := flowstoretest.Start, flowstoretest.Start+int64(time.Hour)
	require.NoError(t, store.Write(t.Context(), at(1, old)))
	require.NoError(t, store.Write(t.Context(), at(2, recent)))
	require.NoError(t, store.Retain(t.Context(), time.Unix(0, recent)))
	require.NoError(t, store.perform(t.Context(), func(w *writer) error {
		require.Equal(t, 1, w.ids.Size())
		require.False(t, w.ids.Has(flow.ID{Node: 1, Epoch: 1, Counter: 1}))
		require.Equal(t, 1, w.idRows)
		return nil
	}))
	require.NoError(t, store.Close())
	store = open(t, directory)
	require.NoError(t, store.Write(t.Context(), at(2, recent)))
	stats, err := store.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, uint64(1), stats.Records)
}
