package duckdb

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// prepareDirectory makes the directory and makes sure that it can be written.
func prepareDirectory(directory string) error {
	if strings.ContainsAny(directory, "?%") {
		return fmt.Errorf("open store directory %s: DuckDB takes no path with ? or %%: choose another directory", directory)
	}
	if err := os.MkdirAll(directory, 0o750); err != nil {
		return fmt.Errorf("make store directory %s: %w: choose a directory that the collector may write", directory, err)
	}
	probe, err := os.CreateTemp(directory, ".writable-*")
	if err != nil {
		return fmt.Errorf("write to store directory %s: %w: choose a directory that the collector may write", directory, errors.Unwrap(err))
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// lockName is the file whose lock says that a store is open. DuckDB locks its own
// file against other processes, but neither within a process nor before it has
// begun to read.
const lockName = "flows.lock"

// lockDirectory takes the directory for this store until the file is closed, or
// fails with an error that names the process that has it.
func lockDirectory(directory string) (*os.File, error) {
	path := filepath.Join(directory, lockName)
	lock, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		owner, _ := io.ReadAll(io.LimitReader(lock, 32))
		_ = lock.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, inUse(filepath.Join(directory, FileName), strings.TrimSpace(string(owner)))
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	// A pid that cannot be written only makes a later error less telling.
	if err := lock.Truncate(0); err == nil {
		_, _ = lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return lock, nil
}

func inUse(file, pid string) error {
	by := "another process"
	switch {
	case pid == strconv.Itoa(os.Getpid()):
		by = "another store of this process"
	case pid != "":
		by = "process " + pid
	}
	return fmt.Errorf("open store %s: %s has it open: stop that, or give each its own directory", file, by)
}

// freeBytes is how much the file system of directory has left.
func freeBytes(directory string) (uint64, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(directory, &fs); err != nil {
		return 0, fmt.Errorf("ask for the free space of %s: %w", directory, err)
	}
	return fs.Bavail * uint64(fs.Bsize), nil
}
