//go:build linux

package elasticsearch

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/filelock"
)

// lockFile, in a server's directory, is locked by the test whose server it is: the
// kernel unlocks it when that ends, however it ends.
const lockFile = "lock"

// claim makes a server's directory, after it removed those that servers left whose
// test was killed. Any number of tests may do so at once.
func claim(ctx context.Context) (dir string, release func(), err error) {
	// A directory that is not locked yet looks like a leftover.
	unlock, err := filelock.Lock(ctx, filepath.Join(os.TempDir(), prefix()+lockFile))
	if err != nil {
		return "", nil, err
	}
	defer unlock()
	if err := removeLeftovers(ctx); err != nil {
		return "", nil, err
	}
	if dir, err = os.MkdirTemp("", prefix()); err != nil {
		return "", nil, err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return dir, nil, err
	}
	release, err = filelock.Lock(ctx, filepath.Join(dir, lockFile))
	return dir, release, err
}

func removeLeftovers(ctx context.Context) error {
	locks, err := filepath.Glob(filepath.Join(os.TempDir(), prefix()+"*", lockFile))
	if err != nil {
		return err
	}
	now, cancel := context.WithCancel(ctx)
	cancel() // who holds it, lives
	for _, name := range locks {
		release, err := filelock.Lock(now, name)
		if errors.Is(err, context.Canceled) {
			continue
		}
		if err != nil {
			return err
		}
		err = os.RemoveAll(filepath.Dir(name))
		release()
		if err != nil {
			return err
		}
	}
	return nil
}
