package cluster

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
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
	for _, n := range c.nodes {
		if err := c.importImage(ctx, n, archive); err != nil {
			return fmt.Errorf("load image %s on %s: %w", image.Name, n.name, err)
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
		return fmt.Errorf("ctr images import: %w\n%s\n%s", err, out, n.containerd.tail())
	}
	return nil
}

// writeImage writes the image as `docker save` does, and returns the file's path.
func (c *Cluster) writeImage(image Image) (string, error) {
	layer, err := image.layer()
	if err != nil {
		return "", fmt.Errorf("make image %s: %w", image.Name, err)
	}
	config, err := json.Marshal(Object{
		"architecture": "amd64", "os": "linux",
		"config": Object{"Entrypoint": image.Entrypoint},
		"rootfs": Object{"type": "layers", "diff_ids": []string{"sha256:" + digest(layer)}},
	})
	if err != nil {
		return "", fmt.Errorf("encode configuration of image %s: %w", image.Name, err)
	}
	configName := digest(config) + ".json"
	manifest, err := json.Marshal([]Object{{"Config": configName, "RepoTags": []string{image.Name}, "Layers": []string{"layer.tar"}}})
	if err != nil {
		return "", fmt.Errorf("encode manifest of image %s: %w", image.Name, err)
	}
	file, err := os.CreateTemp(c.dir, "image-*.tar")
	if err != nil {
		return "", err
	}
	defer file.Close()
	archive := tar.NewWriter(file)
	for _, f := range []struct {
		name    string
		content []byte
	}{{configName, config}, {"layer.tar", layer}, {"manifest.json", manifest}} {
		if err := addFile(archive, f.name, 0o644, bytes.NewReader(f.content), int64(len(f.content))); err != nil {
			return "", err
		}
	}
	return file.Name(), archive.Close()
}

// layer is the image's only one: the files, which anybody may run, and /tmp.
func (i Image) layer() ([]byte, error) {
	var buffer bytes.Buffer
	layer := tar.NewWriter(&buffer)
	if err := layer.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777, ModTime: time.Unix(0, 0)}); err != nil {
		return nil, err
	}
	for _, to := range slices.Sorted(maps.Keys(i.Files)) {
		from, err := os.Open(i.Files[to])
		if err != nil {
			return nil, err
		}
		info, err := from.Stat()
		if err == nil {
			err = addFile(layer, strings.TrimPrefix(to, "/"), 0o755, from, info.Size())
		}
		from.Close()
		if err != nil {
			return nil, err
		}
	}
	err := layer.Close()
	return buffer.Bytes(), err
}

func addFile(to *tar.Writer, name string, mode int64, content io.Reader, size int64) error {
	if err := to.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: size, ModTime: time.Unix(0, 0)}); err != nil {
		return err
	}
	_, err := io.Copy(to, content)
	return err
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
