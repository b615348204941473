package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/ociarchive"
)

// The images that every node has. Pods that name them, or those of LoadImage, set
// imagePullPolicy: Never, for there is no registry.
const (
	// NetpeerImage serves and makes traffic that can be counted; see images/netpeer.
	NetpeerImage = "cluster.test/netpeer:1"
	pauseImage   = "cluster.test/pause:1"
)

// Image is a container image that is made of files of this machine.
type Image struct {
	Name string // for example "cluster.test/collector:1"
	// Files maps absolute paths in the image to files here. Programs among them must
	// be static: there is nothing else in the image.
	Files      map[string]string
	Entrypoint []string
}

// LoadImage gives the image to every node.
func (c *Cluster) LoadImage(ctx context.Context, image Image) error {
	archive, err := c.writeImage(image)
	if err != nil {
		return err
	}
	return c.LoadArchive(ctx, archive)
}

// LoadArchive gives every node the image in a file, as `make image` or `docker save`
// writes it.
func (c *Cluster) LoadArchive(ctx context.Context, path string) error {
	for _, n := range c.nodes {
		if err := c.importImage(ctx, n, path); err != nil {
			return fmt.Errorf("load image %s on %s: %w", path, n.name, err)
		}
	}
	return nil
}

// buildImages makes the images that come with the cluster.
func (c *Cluster) buildImages(ctx context.Context) error {
	root, err := repository()
	if err != nil {
		return err
	}
	dir := filepath.Join(c.dir, "images")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", dir+"/", "./tests/cluster/images/...")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the programs of the images: %w\n%s", err, out)
	}
	for program, name := range map[string]string{"pause": pauseImage, "netpeer": NetpeerImage} {
		archive, err := c.writeImage(Image{
			Name:       name,
			Files:      map[string]string{"/" + program: filepath.Join(dir, program)},
			Entrypoint: []string{"/" + program},
		})
		if err != nil {
			return err
		}
		c.archives = append(c.archives, archive)
	}
	return nil
}

func (c *Cluster) importImage(ctx context.Context, n *node, archive string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	out, err := c.ctr(ctx, n, "images", "import", "--local", archive).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ctr images import: %w\n%s\n%s", err, out, n.containerd.Tail())
	}
	return nil
}

// writeImage writes the image's archive and returns its path.
func (c *Cluster) writeImage(image Image) (string, error) {
	file, err := os.CreateTemp(c.dir, "image-*.tar")
	if err != nil {
		return "", err
	}
	_, err = image.archive().Write(file)
	return file.Name(), errors.Join(err, file.Close())
}

// archive is the image as it is written: the files, which anybody may run, and /tmp.
func (i Image) archive() ociarchive.Image {
	entries := []ociarchive.Entry{{Path: "/tmp", Mode: 0o1777}}
	for _, to := range slices.Sorted(maps.Keys(i.Files)) {
		entries = append(entries, ociarchive.Entry{Path: to, Mode: 0o755, File: i.Files[to]})
	}
	return ociarchive.Image{
		Name: i.Name, Created: time.Unix(0, 0), Entries: entries,
		Config: ociarchive.Config{Entrypoint: i.Entrypoint},
	}
}
