package duckdb

import (
	"context"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"math"
	"time"

	driver "github.com/duckdb/duckdb-go/v2"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

// Deletion by size begins when the records leave less than the headroom of
// MaxBytes and goes on until they leave five thirds of it. The headroom is for the
// log and for blocks that a checkpoint writes before it frees others.
const (
	headroomShare = 0.15
	leastHeadroom = 8 << 20
)

// marks are the bytes in use at which deletion by size begins and ends.
func (s *Store) marks() (high, low float64) {
	limit := float64(s.options.MaxBytes)
	headroom := max(limit*headroomShare, leastHeadroom)
	return limit - headroom, limit - headroom*5/3
}

// The reasons for deleting.
const (
	ReasonAge  = "age"
	ReasonSize = "size"
)

// Deletion describes what was deleted.
type Deletion struct {
	Reason string
	// Before is the time before which everything was deleted, Unix ns.
	Before                int64
	Flows, Losses, Agents uint64
}

// Retain deletes what is older than MaxAge at now and, oldest first, what is too
// much for MaxBytes. Options.Deleted is told of each deletion.
func (s *Store) Retain(ctx context.Context, now time.Time) error {
	return s.perform(ctx, func(w *writer) error {
		err := w.retain(ctx, now)
		switch {
		case err == nil || ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, flowstore.ErrFull):
			return err
		default:
			return s.failed("delete old records from", err)
		}
	})
}

func (w *writer) retain(ctx context.Context, now time.Time) error {
	cutoff := int64(math.MinInt64)
	if age := w.store.options.MaxAge; age > 0 {
		cutoff = now.Add(-age).UnixNano()
		deleted, err := w.delete(ctx, ReasonAge, cutoff)
		if err != nil {
			return err
		}
		if deleted {
			if err := w.checkpoint(ctx); err != nil {
				return err
			}
		}
	}
	if err := w.shrink(ctx, 0); err != nil {
		return err
	}
	return w.compactIDs(ctx, cutoff)
}

// shrink deletes the oldest records when the file holds too many for incoming
// more bytes. After a checkpoint DuckDB gives the blocks of deleted records to
// new ones, but it gives back to the system only the end of the file, so what is
// measured is the blocks in use.
func (w *writer) shrink(ctx context.Context, incoming uint64) error {
	s := w.store
	high, low := s.marks()
	if s.options.MaxBytes == 0 || float64(s.diskBytes()+incoming) < high {
		return nil
	}
	if float64(incoming) > high {
		return fmt.Errorf("write to store %s: %w: a batch of %d MiB is more than max_size leaves to records: raise it, or write smaller batches",
			s.File(), flowstore.ErrFull, incoming>>20)
	}
	used, err := w.usedBytes(ctx)
	if err != nil || float64(used+incoming) < high {
		return err
	}
	// A checkpoint frees nothing that a running query may still see, and what is
	// measured would ask for more and more deletions: the queries end first.
	s.mu.Lock()
	defer s.mu.Unlock()
	// The log holds its records unpacked: what they take shows after folding it in.
	if err := w.checkpoint(ctx); err != nil {
		return err
	}
	// Rows differ in size and partly emptied row groups keep their blocks, so one
	// round may free less than was meant.
	for range 8 {
		if used, err = w.usedBytes(ctx); err != nil || float64(used+incoming) < high || w.counts.flows == 0 {
			return err
		}
		share := min(1, max(0.05, 1-(low-float64(incoming))/float64(used)))
		cutoff, err := w.oldestShare(ctx, uint64(math.Ceil(share*float64(w.counts.flows))))
		if err != nil {
			return err
		}
		if _, err := w.delete(ctx, ReasonSize, cutoff); err != nil {
			return err
		}
		if err := w.checkpoint(ctx); err != nil {
			return err
		}
	}
	return nil
}

// usedBytes is what the records take on disk, free blocks not counted.
func (w *writer) usedBytes(ctx context.Context) (uint64, error) {
	var blocks, size int64
	err := w.conn.QueryRowContext(ctx, "SELECT used_blocks, block_size FROM pragma_database_size()").Scan(&blocks, &size)
	return uint64(blocks*size) + fileBytes(w.store.File()+".wal"), err
}

func (w *writer) checkpoint(ctx context.Context) error {
	// FORCE would end the transactions of readers; without it DuckDB refuses as
	// long as one is in the way, and the next round tries again.
	_, err := w.conn.ExecContext(ctx, "CHECKPOINT")
	var duck *driver.Error
	if errors.As(err, &duck) && duck.Type == driver.ErrorTypeTransaction {
		return nil
	}
	return err
}

// sliceCount is into how many parts oldestShare cuts a time range at once.
const sliceCount = 1000

// oldestShare finds a time before which about n flow records end: it counts
// them by slices of time, and again within the slice that holds the n-th, because
// a single clock that is years off makes the first slices too wide.
func (w *writer) oldestShare(ctx context.Context, n uint64) (int64, error) {
	from, to := w.counts.oldest, w.counts.newest
	if to-from < 0 { // a clock that is centuries off, and an overflow
		from = to - math.MaxInt64
	}
	for {
		width := (to-from)/sliceCount + 1
		at, before, within, err := w.slice(ctx, from, to, width, n)
		if err != nil {
			return 0, err
		}
		end := from + (at+1)*width
		if width == 1 || before+within <= n+n/4 {
			return end, nil
		}
		if before > n/2 {
			return from + at*width, nil
		}
		n -= before
		from, to = from+at*width, min(end-1, to)
	}
}

// slice finds the slice that holds the n-th record between from and to, with how
// many lie before it and in it.
func (w *writer) slice(ctx context.Context, from, to, width int64, n uint64) (at int64, before, within uint64, err error) {
	var stmt statement
	stmt.add(`SELECT (epoch_ns("flow.end") - ?::BIGINT) // ?::BIGINT AS slice, count(*) FROM flow_records`, from, width)
	stmt.add(` WHERE "flow.end" BETWEEN make_timestamp_ns(?::BIGINT) AND make_timestamp_ns(?::BIGINT) GROUP BY slice ORDER BY slice`,
		storedTime(from), storedTime(to))
	found := false
	err = stmt.eachOn(ctx, w.conn, func(row []sqldriver.Value) error {
		if !found {
			before += within
			at, _ = row[0].(int64)
			within = count(row[1])
			found = before+within >= n
		}
		return nil
	})
	return at, before, within, err
}

// delete removes the records of before cutoff and reports whether there were any.
func (w *writer) delete(ctx context.Context, reason string, cutoff int64) (bool, error) {
	deletion := Deletion{Reason: reason, Before: cutoff}
	tx, err := w.conn.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer func() { _ = tx.Rollback() }()
	for _, from := range []struct {
		table, time string
		n           *uint64
	}{
		{flowTable.name, "flow.end", &deletion.Flows},
		{lossTable.name, "flow.end", &deletion.Losses},
		{agentTable.name, "flow.agent.time", &deletion.Agents},
	} {
		result, err := tx.ExecContext(ctx,
			"DELETE FROM "+from.table+" WHERE "+quoteName(from.time)+" < make_timestamp_ns(?::BIGINT)", storedTime(cutoff))
		if err != nil {
			return false, err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return false, err
		}
		*from.n = uint64(n)
	}
	if deletion.Flows+deletion.Losses+deletion.Agents == 0 {
		return false, nil
	}
	if err := tx.Commit(); err != nil {
		return false, errors.Join(err, w.reload(ctx))
	}
	if err := w.recount(ctx); err != nil {
		return true, err
	}
	if w.store.options.Deleted != nil {
		w.store.options.Deleted(deletion)
	}
	return true, nil
}

// compactIDs forgets the IDs of records that are deleted, and joins the runs in
// the file when they have become many more than in memory.
func (w *writer) compactIDs(ctx context.Context, cutoff int64) error {
	if w.counts.flows > 0 {
		cutoff = max(cutoff, w.counts.oldest)
	}
	forgot := w.ids.Forget(cutoff, maxRuns)
	if !forgot && w.idRows < 2*w.ids.Size()+10_000 {
		return nil
	}
	err := func() error {
		if _, err := w.conn.ExecContext(ctx, "BEGIN TRANSACTION; DELETE FROM flow_store_ids"); err != nil {
			return err
		}
		if err := w.insertIDs(w.ids); err != nil {
			return err
		}
		_, err := w.conn.ExecContext(ctx, "COMMIT")
		return err
	}()
	if err != nil {
		_, _ = w.conn.ExecContext(context.Background(), "ROLLBACK")
		return fmt.Errorf("compact the record ids: %w", err)
	}
	w.idRows = w.ids.Size()
	return nil
}
