package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

// FileName is the database's name in its directory.
const FileName = "flows.duckdb"

// Options say where and how a store keeps its records.
type Options struct {
	// Directory holds the database; it is made if need be, its parent must exist
	// or be makeable.
	Directory string
	// MaxBytes is how large the database and its log may grow on disk; 0 is no
	// limit. A write that comes near it deletes the oldest records first; a batch
	// that could never fit is refused.
	MaxBytes uint64
	// MaxAge is how long records are kept; 0 is for good.
	MaxAge time.Duration
	// MemoryLimit bounds DuckDB's buffers, in bytes.
	MemoryLimit uint64
	// Threads is how many threads a query may use; 0 is one for each processor.
	Threads int
	// MinFree is how many bytes the file system must have left for a write.
	MinFree uint64
	// Observe and Deleted, if set, are told of every write and of every deletion.
	// They must not block, nor ask the store.
	Observe func(Write)
	Deleted func(Deletion)
	// logBytes is how long the write-ahead log may grow; 0 goes by MaxBytes. For tests.
	logBytes uint64
}

// Write describes a committed write.
type Write struct {
	Flows, Losses, Agents int
	// Duplicates were passed over because they are stored already.
	Duplicates int
	Took       time.Duration
}

// Store keeps flow records in a DuckDB file. It implements flowstore.Store.
type Store struct {
	flowstore.Hub
	options Options
	lock    *os.File

	writes  chan *pendingWrite
	tasks   chan task
	closing chan struct{}
	done    chan struct{} // the writer has ended
	once    sync.Once

	// mu guards db, which the writer replaces when DuckDB has given up on it.
	// Readers hold it shared for as long as a query takes, and the writer alone
	// while it makes room.
	mu sync.RWMutex
	db *sql.DB

	counts atomic.Pointer[counts]
}

// counts is what Stats tells of the records.
type counts struct {
	flows          uint64
	oldest, newest int64
}

var _ flowstore.Store = (*Store)(nil)

// Open opens the store in options.Directory, or makes one. The errors name the
// file and say what to do when another process uses it, when it is damaged, when
// a newer build wrote it and when the directory cannot be written.
func Open(ctx context.Context, options Options) (*Store, error) {
	directory, err := filepath.Abs(options.Directory)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", options.Directory, err)
	}
	options.Directory = directory
	if err := prepareDirectory(directory); err != nil {
		return nil, err
	}
	lock, err := lockDirectory(directory)
	if err != nil {
		return nil, err
	}
	s := &Store{
		options: options,
		lock:    lock,
		writes:  make(chan *pendingWrite, 256),
		tasks:   make(chan task),
		closing: make(chan struct{}),
		done:    make(chan struct{}),
	}
	w := &writer{store: s}
	// What queries spilled before a crash is nobody's, and DuckDB lets it lie.
	if err := os.RemoveAll(s.spillDirectory()); err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("empty store directory: %w", err)
	}
	if err := w.open(ctx); err != nil {
		_ = lock.Close()
		return nil, s.openError(err)
	}
	go w.run()
	return s, nil
}

// File is the path of the database file.
func (s *Store) File() string { return filepath.Join(s.options.Directory, FileName) }

func (s *Store) spillDirectory() string { return filepath.Join(s.options.Directory, "tmp") }

// Close commits what was handed to Write, ends every watch and query and closes
// the file. It may be called twice.
func (s *Store) Close() error {
	var err error
	s.once.Do(func() {
		close(s.closing)
		<-s.done
		s.Hub.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.db != nil {
			err = s.db.Close()
			s.db = nil
		}
		err = errors.Join(err, s.lock.Close())
	})
	return err
}

// Write implements flowstore.Writer. Writes that wait together are committed
// together, so that many small ones cost little more than a large one.
func (s *Store) Write(ctx context.Context, batch *flow.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if batch.Len() == 0 {
		return nil
	}
	p := &pendingWrite{batch: batch, done: make(chan error, 1)}
	select {
	case s.writes <- p:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closing:
		return flowstore.ErrClosed
	}
	select {
	case err := <-p.done:
		return err
	case <-ctx.Done():
	case <-s.done:
	}
	// The batch is the caller's again when Write returns: either the writer has
	// not begun with it and never will, or its result is awaited.
	if p.taken.CompareAndSwap(false, true) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return flowstore.ErrClosed
	}
	return <-p.done
}

// query runs read with the database open and with a context that ends when the
// store closes.
func (s *Store) query(ctx context.Context, read func(context.Context, *sql.DB) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.db == nil {
		return flowstore.ErrClosed
	}
	select {
	case <-s.closing:
		return flowstore.ErrClosed
	default:
	}
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	finished := make(chan struct{})
	defer close(finished)
	go func() {
		select {
		case <-s.closing:
			cancel()
		case <-finished:
		}
	}()
	err := read(running, s.db)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case running.Err() != nil:
		return flowstore.ErrClosed
	default:
		return s.failed("read", err)
	}
}

// task is work that the writer does between writes.
type task struct {
	do   func(*writer) error
	done chan error
}

// perform has the writer do something.
func (s *Store) perform(ctx context.Context, do func(*writer) error) error {
	t := task{do: do, done: make(chan error, 1)}
	select {
	case s.tasks <- t:
		return <-t.done
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closing:
		return flowstore.ErrClosed
	}
}

// Stats implements flowstore.Reader.
func (s *Store) Stats(ctx context.Context) (flowstore.Stats, error) {
	if err := ctx.Err(); err != nil {
		return flowstore.Stats{}, err
	}
	select {
	case <-s.closing:
		return flowstore.Stats{}, flowstore.ErrClosed
	default:
	}
	c := s.counts.Load()
	return flowstore.Stats{
		Kind:     "duckdb",
		Location: s.File(),
		Bytes:    s.diskBytes(),
		MaxBytes: s.options.MaxBytes,
		MaxAge:   int64(s.options.MaxAge),
		Records:  c.flows,
		Oldest:   c.oldest,
		Newest:   c.newest,
	}, nil
}

// diskBytes is the size of the database and its write-ahead log.
func (s *Store) diskBytes() uint64 {
	return fileBytes(s.File()) + fileBytes(s.File()+".wal")
}

// fileBytes is a file's size, 0 when there is none.
func fileBytes(path string) uint64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return uint64(info.Size())
}
