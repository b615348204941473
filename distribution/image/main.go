// Command image puts the built collector into a container image, an archive that
// containerd, Docker, Podman and skopeo load. `make image` calls it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/ociarchive"
)

// builderConfig says what the collector is called, and its version.
const builderConfig = "builder-config.yaml"

const source = "https://github.com/otelcol-flowlogs/otelcol-flowlogs"

// The user that the image runs as unless it is told otherwise, of no meaning on any
// machine, and where that user's data is. Recording flows needs root.
const (
	user    = 10001
	dataDir = "/var/lib/otelcol-flowlogs"
)

func main() {
	binary := flag.String("binary", "bin/otelcol-flowlogs", "the static binary")
	out := flag.String("out", "bin/otelcol-flowlogs.tar", "where to write the archive")
	revision := flag.String("revision", "", "commit that the binary is of")
	created := flag.Int64("created", 0, "time of the image, in seconds since 1970; that of the commit keeps it reproducible")
	flag.Parse()
	if err := run(*binary, *out, *revision, time.Unix(*created, 0)); err != nil {
		fmt.Fprintln(os.Stderr, "make image:", err)
		os.Exit(1)
	}
}

func run(binary, out, revision string, created time.Time) error {
	image, err := describe(builderConfig, binary, revision, created)
	if err != nil {
		return err
	}
	file, err := os.Create(out)
	if err != nil {
		return err
	}
	digest, err := image.Write(file)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	info, err := os.Stat(out)
	if err != nil {
		return err
	}
	fmt.Printf("%s: %s, %.1f MB\n%s\n", out, image.Name, float64(info.Size())/1e6, digest)
	return nil
}

// describe is the image of a binary.
func describe(config, binary, revision string, created time.Time) (ociarchive.Image, error) {
	text, err := os.ReadFile(config)
	if err != nil {
		return ociarchive.Image{}, err
	}
	var builder struct {
		Dist struct{ Name, Description, Version string }
	}
	if err := yaml.Unmarshal(text, &builder); err != nil {
		return ociarchive.Image{}, fmt.Errorf("read %s: %w", config, err)
	}
	dist := builder.Dist
	labels := map[string]string{
		"org.opencontainers.image.title":         dist.Name,
		"org.opencontainers.image.description":   dist.Description,
		"org.opencontainers.image.version":       dist.Version,
		"org.opencontainers.image.source":        source,
		"org.opencontainers.image.documentation": source + "/blob/main/docs/install.md",
		"org.opencontainers.image.licenses":      "Apache-2.0",
		"org.opencontainers.image.created":       created.UTC().Format(time.RFC3339),
	}
	if revision != "" {
		labels["org.opencontainers.image.revision"] = revision
	}
	program := "/" + dist.Name
	entries := []ociarchive.Entry{{Path: "/tmp", Mode: 0o1777}}
	for _, dir := range []string{"/var", filepath.Dir(dataDir)} {
		entries = append(entries, ociarchive.Entry{Path: dir, Mode: 0o755})
	}
	entries = append(entries,
		ociarchive.Entry{Path: dataDir, Mode: 0o755, UID: user, GID: user},
		ociarchive.Entry{Path: program, Mode: 0o755, File: binary},
	)
	return ociarchive.Image{
		Name: dist.Name + ":" + dist.Version, Created: created, Entries: entries,
		Config: ociarchive.Config{
			User:         fmt.Sprintf("%d:%d", user, user),
			ExposedPorts: map[string]struct{}{"4317/tcp": {}},
			Env:          []string{"FLOWLOGS_DATA=" + dataDir},
			Entrypoint:   []string{program},
			Labels:       labels,
		},
	}, nil
}
