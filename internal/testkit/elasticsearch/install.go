//go:build linux

package elasticsearch

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/filelock"
)

const (
	// Version of Elasticsearch that tests run.
	Version = "8.19.7"
	// artifact is what Elastic publishes for integration tests, of about 100 MB.
	artifact = "org.elasticsearch.distribution.integ-test-zip:elasticsearch:" + Version + ":zip"
	// archiveSum is the SHA-256 of the artifact.
	archiveSum = "cb7f86fb6e68e85ef6f531ae5c68458ecfe42371150403b22b2ed21381581cbb"
	// copyGoal of Maven resolves the artifact by the user's own settings.
	copyGoal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
	// installLimit bounds a download and the wait for another process that has
	// begun the same.
	installLimit = 15 * time.Minute
)

// install returns the directory of the unpacked distribution, and fetches it
// first if need be. Processes that want it at once wait for the one that does.
func install(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, installLimit)
	defer cancel()
	root, err := repository()
	if err != nil {
		return "", err
	}
	parent := filepath.Join(root, ".cache/elasticsearch")
	home := filepath.Join(parent, Version)
	if _, err := os.Stat(home); err == nil {
		return home, nil
	}

	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", err
	}
	unlock, err := filelock.Lock(ctx, filepath.Join(parent, "lock"))
	if err != nil {
		return "", fmt.Errorf("wait for another download of Elasticsearch: %w", err)
	}
	defer unlock()
	if _, err := os.Stat(home); err == nil {
		return home, nil
	}
	fmt.Fprintf(os.Stderr, "fetching Elasticsearch %s for the tests by Maven: 100 MB\n", Version)
	if err := fetch(ctx, home); err != nil {
		return "", fmt.Errorf("install Elasticsearch %s: %w", Version, err)
	}
	return home, nil
}

// fetch downloads and unpacks into a directory of its own and gives it its name
// at the end, so that what an interrupted download leaves is never taken for a
// result.
func fetch(ctx context.Context, home string) error {
	partial := home + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return err
	}
	if err := os.MkdirAll(partial, 0o755); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(partial) }() // what it leaves goes with the next try
	cmd := exec.CommandContext(ctx, "mvn", "--batch-mode", "--quiet", copyGoal, "-Dartifact="+artifact, "-DoutputDirectory="+partial)
	cmd.Dir = partial // away from any project
	cmd.WaitDelay = grace
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mvn %s: %w\n%s", artifact, errors.Join(err, ctx.Err()), out)
	}
	archive := filepath.Join(partial, "elasticsearch-"+Version+".zip")
	if err := verify(archive, archiveSum); err != nil {
		return err
	}
	if err := unpack(archive, partial); err != nil {
		return err
	}
	return os.Rename(filepath.Join(partial, "elasticsearch-"+Version), home)
}

// verify compares a file with its SHA-256.
func verify(name, want string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		return fmt.Errorf("%s has the SHA-256 %s, want %s: it is not the file that was published", filepath.Base(name), got, want)
	}
	return nil
}

func unpack(archive, dir string) error {
	r, err := zip.OpenReader(archive)
	if err != nil {
		return fmt.Errorf("open %s: %w", filepath.Base(archive), err)
	}
	defer r.Close()
	if err := os.CopyFS(dir, r); err != nil {
		return fmt.Errorf("unpack %s: %w", filepath.Base(archive), err)
	}
	return nil
}

// repository finds the root of the tree above the working directory, where go
// test starts.
func repository() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		_, err := os.Stat(filepath.Join(dir, "builder-config.yaml"))
		if err == nil {
			return dir, nil
		}
		if !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s is in no checkout of this repository, whose .cache holds Elasticsearch", start)
		}
	}
}
