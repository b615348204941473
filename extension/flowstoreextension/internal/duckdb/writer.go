package duckdb

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	driver "github.com/duckdb/duckdb-go/v2"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow/idset"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

//go:embed settings.sql
var lastSettings string

const (
	// maxCommit is how many records are committed together at most, unless one
	// batch is larger.
	maxCommit = 50_000
	// logBytesPerRecord is about what a record takes in the log.
	logBytesPerRecord = 512
	// maxLogBytes is how long the write-ahead log grows before it is folded
	// into the file. Each checkpoint rewrites the last, partly filled row group.
	maxLogBytes = 64 << 20
	// maxRuns bounds the memory of the IDs: 64 MiB.
	maxRuns = 4 << 20
	readers = 4
)

// pendingWrite is a batch that waits for the writer.
type pendingWrite struct {
	batch *flow.Batch
	done  chan error // has room for the result
	// taken is set by whoever decides the write's fate: the writer when it begins,
	// or the caller when it gives up before.
	taken atomic.Bool
}

// writer owns the connection that changes the file; all its methods run in one
// goroutine.
type writer struct {
	store *Store
	conn  *sql.Conn
	// ids are those of all stored records, idRows how many rows they have in the file.
	ids    *idset.Set
	idRows int
	// own is the origin of IDs that the store gives.
	own    idset.Origin
	counts counts
	// broken is set when DuckDB has given up on the open file.
	broken bool

	flows  *appender[flow.Flow]
	losses *appender[flow.Loss]
	agents *appender[flow.Agent]
}

// open opens the file with nothing of an earlier attempt left.
func (w *writer) open(ctx context.Context) error {
	s := w.store
	connector, err := driver.NewConnector(s.dataSource(), nil)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(readers + 1)
	db.SetMaxIdleConns(readers + 1)
	if err := w.load(ctx, db); err != nil {
		return errors.Join(err, db.Close())
	}
	s.mu.Lock()
	s.db = db
	s.mu.Unlock()
	w.broken = false
	return nil
}

func (w *writer) load(ctx context.Context, db *sql.DB) (err error) {
	if w.conn, err = db.Conn(ctx); err != nil {
		return err
	}
	if _, err := w.conn.ExecContext(ctx, lastSettings); err != nil {
		return err
	}
	if err := migrate(ctx, w.conn); err != nil {
		return err
	}
	return w.reload(ctx)
}

// reload reads from the file what the writer keeps in memory of it.
func (w *writer) reload(ctx context.Context) error {
	if err := w.loadIDs(ctx); err != nil {
		return err
	}
	return w.recount(ctx)
}

// dataSource is the file's path with DuckDB's settings: bounded memory, spilling
// beside the file, and no way to the network or to other files.
func (s *Store) dataSource() string {
	settings := url.Values{
		"memory_limit":                 {strconv.FormatUint(s.options.MemoryLimit, 10) + "B"},
		"temp_directory":               {s.spillDirectory()},
		"checkpoint_threshold":         {strconv.FormatUint(s.checkpointBytes(), 10) + "B"},
		"autoinstall_known_extensions": {"false"},
		"autoload_known_extensions":    {"false"},
		"allow_community_extensions":   {"false"},
		"preserve_insertion_order":     {"false"},
		// Pages up to this size are found by their order alone, and then read. For the
		// largest pages that is slower.
		"late_materialization_max_rows": {"1001"},
	}
	if s.options.Threads > 0 {
		settings.Set("threads", strconv.Itoa(s.options.Threads))
	}
	return s.File() + "?" + settings.Encode()
}

// checkpointBytes is how long the write-ahead log may grow. A small limit leaves
// it a small share.
func (s *Store) checkpointBytes() uint64 {
	if s.options.logBytes > 0 {
		return s.options.logBytes
	}
	if limit := s.options.MaxBytes; limit > 0 {
		return min(maxLogBytes, limit/16)
	}
	return maxLogBytes
}

// loadIDs reads the IDs of the stored records.
func (w *writer) loadIDs(ctx context.Context) error {
	w.ids, w.idRows = idset.New(), 0
	rows, err := w.conn.QueryContext(ctx, "SELECT node, epoch, first, last, newest FROM flow_store_ids ORDER BY node, epoch, first")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var (
			o      idset.Origin
			r      idset.Run
			newest int64
		)
		if err := rows.Scan(&o.Node, &o.Epoch, &r.First, &r.Last, &newest); err != nil {
			return err
		}
		w.ids.AddRun(o, r, newest)
		w.idRows++
	}
	w.own = idset.Origin{Epoch: uint32(time.Now().Unix())}
	return rows.Err()
}

// recount reads how many flows there are and when.
func (w *writer) recount(ctx context.Context) error {
	var oldest, newest sql.NullInt64
	err := w.conn.QueryRowContext(ctx,
		`SELECT count(*), epoch_ns(min("flow.end")), epoch_ns(max("flow.end")) FROM flow_records`).Scan(&w.counts.flows, &oldest, &newest)
	w.counts.oldest, w.counts.newest = oldest.Int64, newest.Int64
	w.publishCounts()
	return err
}

func (w *writer) publishCounts() {
	c := w.counts
	w.store.counts.Store(&c)
}

// run serves writes and tasks until the store closes, and then the writes that
// were handed over before.
func (w *writer) run() {
	s := w.store
	defer close(s.done)
	for {
		select {
		case p := <-s.writes:
			w.write(w.gather(p))
		case t := <-s.tasks:
			t.done <- w.guard(t.do)
		case <-s.closing:
			for {
				select {
				case p := <-s.writes:
					w.write(w.gather(p))
				default:
					w.closeConn()
					return
				}
			}
		}
	}
}

// gather takes first and what waits behind it.
func (w *writer) gather(first *pendingWrite) []*pendingWrite {
	var group []*pendingWrite
	records := 0
	take := func(p *pendingWrite) {
		if p.taken.CompareAndSwap(false, true) {
			group = append(group, p)
			records += p.batch.Len()
		}
	}
	take(first)
	most := maxCommit
	if limit := w.store.options.MaxBytes; limit > 0 {
		most = min(most, int(limit/16/logBytesPerRecord))
	}
	for records < most {
		select {
		case p := <-w.store.writes:
			take(p)
		default:
			return group
		}
	}
	return group
}

// guard runs do on an open database: one that DuckDB has given up on is opened anew.
func (w *writer) guard(do func(*writer) error) error {
	if w.broken {
		if err := w.reopen(); err != nil {
			return w.store.openError(err)
		}
	}
	err := do(w)
	if err != nil && isFatal(err) {
		w.broken = true
	}
	return err
}

func (w *writer) reopen() error {
	s := w.store
	w.closeConn()
	s.mu.Lock()
	db := s.db
	s.db = nil
	s.mu.Unlock()
	if db != nil {
		_ = db.Close() // it is of no use any more
	}
	return w.open(context.Background())
}

func (w *writer) closeConn() {
	w.discardAppenders()
	if w.conn != nil {
		_ = w.conn.Close()
		w.conn = nil
	}
}

// write commits the group and tells everyone in it the result.
func (w *writer) write(group []*pendingWrite) {
	if len(group) == 0 {
		return
	}
	began := time.Now()
	var stored *flow.Batch
	done := Write{}
	err := w.guard(func(*writer) (err error) {
		if err := w.room(group); err != nil {
			return err
		}
		stored, done, err = w.commit(group)
		return err
	})
	if err != nil {
		if !errors.Is(err, flowstore.ErrFull) {
			err = w.store.failed("write to", err)
		}
	} else {
		done.Took = time.Since(began)
		if w.store.options.Observe != nil {
			w.store.options.Observe(done)
		}
		if stored != nil && stored.Len() > 0 {
			w.store.Publish(stored)
		}
	}
	for _, p := range group {
		p.done <- err
	}
}

// room refuses a write that the disk or the limit has no space for, before DuckDB
// runs out of it in the middle.
func (w *writer) room(group []*pendingWrite) error {
	s := w.store
	incoming := uint64(0)
	for _, p := range group {
		incoming += uint64(p.batch.Len()) * logBytesPerRecord
	}
	free, err := freeBytes(s.options.Directory)
	switch {
	case err != nil:
		return err
	case s.options.MinFree > 0 && free < s.options.MinFree+incoming:
		return fmt.Errorf("write to store %s: %w: the file system has %d MiB left and the store leaves %d MiB free: make room, or lower max_size",
			s.File(), flowstore.ErrFull, free>>20, s.options.MinFree>>20)
	}
	return w.shrink(context.Background(), incoming)
}

// commit stores the group in one transaction. It returns what is new, for the
// watchers, if there are any.
func (w *writer) commit(group []*pendingWrite) (*flow.Batch, Write, error) {
	ctx := context.Background()
	var (
		fresh   = idset.New()
		ending  bool
		stored  *flow.Batch
		written Write
		counts  = w.counts
	)
	if w.store.Watched() {
		stored = &flow.Batch{}
	}
	if err := w.appenders(); err != nil {
		return nil, written, err
	}
	if _, err := w.conn.ExecContext(ctx, "BEGIN TRANSACTION"); err != nil {
		return nil, written, err
	}
	err := func() error {
		nextOwn := w.ids.Next(w.own)
		for _, p := range group {
			a := appending{w: w, fresh: fresh, own: &nextOwn, written: &written}
			if err := appendAll(&a, w.flows, p.batch.Flows, &written.Flows, func(f *flow.Flow) {
				counts.add(f.End)
				if stored != nil {
					stored.Flows = append(stored.Flows, *f)
				}
			}); err != nil {
				return err
			}
			if err := appendAll(&a, w.losses, p.batch.Losses, &written.Losses, func(l *flow.Loss) {
				if stored != nil {
					stored.Losses = append(stored.Losses, *l)
				}
			}); err != nil {
				return err
			}
			if err := appendAll(&a, w.agents, p.batch.Agents, &written.Agents, func(g *flow.Agent) {
				if stored != nil {
					clone := *g
					clone.Engines = append([]flow.Engine(nil), g.Engines...)
					stored.Agents = append(stored.Agents, clone)
				}
			}); err != nil {
				return err
			}
		}
		if err := w.flushAppenders(); err != nil {
			return err
		}
		if err := w.insertIDs(fresh); err != nil {
			return err
		}
		ending = true
		_, err := w.conn.ExecContext(ctx, "COMMIT")
		return err
	}()
	if err != nil {
		w.discardAppenders()
		_, _ = w.conn.ExecContext(ctx, "ROLLBACK")
		// A COMMIT may fail after the records are stored, in the checkpoint that it
		// begins; only the file knows.
		if ending && w.reload(ctx) != nil {
			w.broken = true
		}
		return nil, written, err
	}
	w.ids.AddAll(fresh)
	w.idRows += fresh.Size()
	w.counts = counts
	w.publishCounts()
	return stored, written, nil
}

func (c *counts) add(end int64) {
	if c.flows == 0 {
		c.oldest, c.newest = math.MaxInt64, math.MinInt64
	}
	c.flows++
	c.oldest, c.newest = min(c.oldest, end), max(c.newest, end)
}

// insertIDs writes the runs of fresh.
func (w *writer) insertIDs(fresh *idset.Set) error {
	return w.conn.Raw(func(conn any) error {
		a, err := driver.NewAppenderFromConn(conn.(*driver.Conn), "", "flow_store_ids")
		if err != nil {
			return err
		}
		for o, r := range fresh.Runs() {
			if err := a.AppendRow(o.Node, o.Epoch, r.First, r.Last, fresh.Newest(o)); err != nil {
				return errors.Join(err, a.Clear(), a.Close())
			}
		}
		return a.Close()
	})
}
