package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/filelock"
)

// buildLimit bounds a build and the wait for another process that builds the
// same; on two busy cores Kubernetes takes a quarter of an hour.
const buildLimit = 40 * time.Minute

// binaries is what one `go build` in a nested module makes. It is kept by what it
// is made of, so that another version of anything makes it anew.
type binaries struct {
	name     string   // folder of the result
	module   string   // folder of the nested module
	packages []string // to build
	about    string   // what a person is told, with the module whose version to name
	of       string
	first    string // how long the first time takes
	cgo      bool
	tags     string
	ldflags  func(version string) string // besides those of every build; nil is none
	// finish completes the result in dir, for example with links; nil does nothing.
	finish func(ctx context.Context, module, dir string) error
}

// build returns the directory of the binaries, and makes them first if need be.
// Processes that want the same wait for the one that builds it.
func (b binaries) build(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, buildLimit)
	defer cancel()
	root, err := repository()
	if err != nil {
		return "", err
	}
	module := filepath.Join(root, "tests/cluster", b.module)
	version, err := b.version(module)
	if err != nil {
		return "", err
	}
	ldflags := "-s -w"
	if b.ldflags != nil {
		ldflags += b.ldflags(version)
	}
	args := []string{"build", "-tags=" + b.tags, "-ldflags=" + ldflags}
	key, err := b.key(module, args)
	if err != nil {
		return "", err
	}
	parent := filepath.Join(root, ".cache/cluster", b.name)
	dir := filepath.Join(parent, key)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}

	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", err
	}
	unlock, err := filelock.Lock(ctx, filepath.Join(parent, "lock"))
	if err != nil {
		return "", fmt.Errorf("wait for another build of %s: %w", b.about, err)
	}
	defer unlock()
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	fmt.Fprintf(os.Stderr, "building %s %s for the tests; the first time takes %s\n", b.about, version, b.first)
	if err := b.make(ctx, module, dir, args); err != nil {
		return "", fmt.Errorf("build %s %s: %w", b.about, version, err)
	}
	return dir, removeOthers(parent, key)
}

// make builds into a directory of its own and gives it its name at the end, so
// that what an interrupted build leaves is never taken for a result.
func (b binaries) make(ctx context.Context, module, dir string, args []string) error {
	partial := dir + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return err
	}
	if err := os.MkdirAll(partial, 0o755); err != nil {
		return err
	}
	args = append(args, "-o", partial+"/")
	cmd := exec.CommandContext(ctx, "go", append(args, b.packages...)...)
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-trimpath -buildvcs=false", "CGO_ENABLED=0")
	if b.cgo {
		cmd.Env = append(cmd.Env, "CGO_ENABLED=1")
	}
	cmd.WaitDelay = grace // compilers hold its output a little longer
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), errors.Join(err, ctx.Err()), out)
	}
	if b.finish != nil {
		if err := b.finish(ctx, module, partial); err != nil {
			return err
		}
	}
	return os.Rename(partial, dir)
}

// key identifies the result by all that goes into it.
func (b binaries) key(module string, args []string) (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, runtime.Version(), args, b.packages, b.cgo)
	sources, err := filepath.Glob(filepath.Join(module, "*"))
	if err != nil {
		return "", err
	}
	for _, name := range sources {
		content, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(sum, filepath.Base(name), len(content))
		sum.Write(content)
	}
	return hex.EncodeToString(sum.Sum(nil))[:16], nil
}

// version reads from the nested go.mod which version is built.
func (b binaries) version(module string) (string, error) {
	name := filepath.Join(module, "go.mod")
	text, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	m := regexp.MustCompile(regexp.QuoteMeta(b.of) + ` (v\S+)`).FindSubmatch(text)
	if m == nil {
		return "", fmt.Errorf("%s does not require %s", name, b.of)
	}
	return string(m[1]), nil
}

// removeOthers frees the disk of what earlier versions left beside key. A test
// that still runs one keeps it: its files are open.
func removeOthers(parent, key string) error {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() && e.Name() != key {
			if err := os.RemoveAll(filepath.Join(parent, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// repository finds the root of the tree above the working directory, where go test
// and go run start.
func repository() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		_, err := os.Stat(filepath.Join(dir, "tests/cluster/kubernetes/go.mod"))
		if err == nil {
			return dir, nil
		}
		if !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s is in no checkout of this repository: the programs of the cluster are built from it", start)
		}
	}
}
