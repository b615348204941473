// Package ociarchive writes container images of files, without a container engine.
// The archive is an OCI image layout and what `docker save` writes at once, so that
// containerd, Docker, Podman and skopeo all take it. The same image is the same
// bytes.
package ociarchive

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// Image is an image of one layer, on nothing.
type Image struct {
	Name    string // with a tag, as in a pod: "otelcol-flowlogs:0.1.0"
	Created time.Time
	Entries []Entry // parents before what is in them
	Config  Config
}

// Entry is a directory of the image, or a file.
type Entry struct {
	Path     string // absolute
	Mode     int64  // permissions
	UID, GID int
	// File is the file of this machine whose content it has; empty is a directory.
	File string
}

// Config says how a container of the image is run, under the names that OCI has.
type Config struct {
	User         string              `json:"User,omitempty"`
	ExposedPorts map[string]struct{} `json:"ExposedPorts,omitempty"` // "8686/tcp"
	Env          []string            `json:"Env,omitempty"`
	Entrypoint   []string            `json:"Entrypoint,omitempty"`
	WorkingDir   string              `json:"WorkingDir,omitempty"`
	Labels       map[string]string   `json:"Labels,omitempty"`
}

// Write writes the archive and returns the digest of the image's manifest, by which
// registries know it.
func (i Image) Write(to io.Writer) (digest string, err error) {
	layer, diffID, err := i.layer()
	if err != nil {
		return "", fmt.Errorf("make layer of image %s: %w", i.Name, err)
	}
	a := newArchive(to, i.Created)
	layerBlob := a.blob("application/vnd.oci.image.layer.v1.tar+gzip", layer)
	created := i.Created.UTC().Format(time.RFC3339)
	config := a.json("application/vnd.oci.image.config.v1+json", object{
		"created": created, "architecture": architecture, "os": system,
		"config":  i.Config,
		"rootfs":  object{"type": "layers", "diff_ids": []string{diffID}},
		"history": []object{{"created": created, "created_by": "ociarchive"}},
	})
	manifest := a.json(manifestType, object{
		"schemaVersion": 2, "mediaType": manifestType, "config": config, "layers": []descriptor{layerBlob},
	})
	reference, tag := qualify(i.Name)
	manifest.Platform = map[string]string{"architecture": architecture, "os": system}
	manifest.Annotations = map[string]string{
		"io.containerd.image.name":          reference,
		"org.opencontainers.image.ref.name": tag,
	}
	a.file("index.json", object{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []descriptor{manifest},
	})
	a.file("oci-layout", object{"imageLayoutVersion": "1.0.0"})
	a.file("manifest.json", []object{{
		"Config": config.path(), "RepoTags": []string{i.Name}, "Layers": []string{layerBlob.path()},
	}})
	if err := a.close(); err != nil {
		return "", fmt.Errorf("write image %s: %w", i.Name, err)
	}
	return manifest.Digest, nil
}

const (
	architecture = "amd64"
	system       = "linux"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
)

// qualify returns the name as containerd and the kubelet keep it, and its tag.
func qualify(name string) (reference, tag string) {
	host, rest, ok := strings.Cut(name, "/")
	reference = name
	switch {
	case !ok:
		reference, rest = "docker.io/library/"+name, name
	case !strings.ContainsAny(host, ".:") && host != "localhost":
		reference = "docker.io/" + name
	}
	_, tag, _ = strings.Cut(rest, ":")
	return reference, tag
}

// object is a JSON object; its keys are written in order.
type object = map[string]any

// descriptor points to a blob.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Platform    map[string]string `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// path is where the blob is in the archive.
func (d descriptor) path() string { return "blobs/" + strings.Replace(d.Digest, ":", "/", 1) }

func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of strings always encode
	}
	return text
}
