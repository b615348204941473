package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/filelock"
)

// prefix begins the name of every cluster's directory and, after it, of its control
// groups. A cluster of another user is not ours to clean up.
func prefix() string { return fmt.Sprintf("flowlogs-cluster-%d-", os.Getuid()) }

// lockFile, in a cluster's directory, is locked by the process whose cluster it is:
// the kernel unlocks it when that ends, however it ends.
const lockFile = "lock"

// claim takes what one cluster has to itself: its directory and, for real nodes, a
// network. It first removes what clusters left whose process was killed. Any number
// of processes may do so at once.
func (c *Cluster) claim(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// A directory that is not locked yet looks like a leftover, and a subnet like a
	// free one until the machine has an address in it.
	unlock, err := filelock.Lock(ctx, filepath.Join(os.TempDir(), prefix()+lockFile))
	if err != nil {
		return err
	}
	defer unlock()
	if err := removeLeftovers(ctx); err != nil {
		return fmt.Errorf("remove what an earlier cluster left: %w", err)
	}
	if c.dir, err = os.MkdirTemp("", prefix()); err != nil {
		return err
	}
	if c.release, err = filelock.Lock(ctx, filepath.Join(c.dir, lockFile)); err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(c.dir, logsDir), 0o755); err != nil {
		return err
	}
	if c.options.Nodes > 0 {
		c.fabric, err = newFabric(c.options.families())
	}
	return err
}

// disclaim gives back what claim took, as far as it came, once the cluster's daemons
// have ended.
func (c *Cluster) disclaim() error {
	if c.dir == "" {
		return nil
	}
	// The context of the cluster may be what ended it.
	errs := []error{remove(context.Background(), c.dir)}
	if c.unguard != nil {
		errs = append(errs, c.unguard())
	}
	for _, n := range c.nodes {
		errs = append(errs, n.ns.Close())
	}
	if c.fabric != nil {
		errs = append(errs, c.fabric.close())
	}
	if c.release != nil {
		c.release()
	}
	return errors.Join(errs...)
}

func removeLeftovers(ctx context.Context) error {
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), prefix()+"*", lockFile))
	if err != nil {
		return err
	}
	for _, name := range dirs {
		now, cancel := context.WithCancel(ctx)
		cancel() // who holds it, lives
		release, err := filelock.Lock(now, name)
		if errors.Is(err, context.Canceled) {
			continue
		}
		if err != nil {
			return err
		}
		err = remove(ctx, filepath.Dir(name))
		release()
		if err != nil {
			return err
		}
	}
	return nil
}

// remove ends what still runs of a cluster whose daemons have ended, and removes
// its control groups and its data. All else went with the processes: the kernel
// removes their namespaces, and with these mounts, interfaces, routes and rules.
func remove(ctx context.Context, dir string) error {
	if !strings.HasPrefix(filepath.Base(dir), prefix()) {
		return fmt.Errorf("remove %s: it is no directory of a cluster", dir)
	}
	if err := removeCgroups(ctx, filepath.Base(dir)); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}
