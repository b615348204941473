package ociarchive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"strings"
	"time"
)

// archive is a tar file that remembers the first error.
type archive struct {
	tar     *tar.Writer
	created time.Time
	err     error
}

func newArchive(to io.Writer, created time.Time) *archive {
	return &archive{tar: tar.NewWriter(to), created: created}
}

// blob adds content under its digest.
func (a *archive) blob(mediaType string, content []byte) descriptor {
	d := descriptor{MediaType: mediaType, Digest: digest(content), Size: len(content)}
	a.add(d.path(), content)
	return d
}

func (a *archive) json(mediaType string, v any) descriptor { return a.blob(mediaType, encode(v)) }

func (a *archive) file(name string, v any) { a.add(name, encode(v)) }

func (a *archive) add(name string, content []byte) {
	if a.err == nil {
		a.err = a.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)), ModTime: a.created})
	}
	if a.err == nil {
		_, a.err = a.tar.Write(content)
	}
}

func (a *archive) close() error { return errors.Join(a.err, a.tar.Close()) }

// layer is the compressed layer, and the digest of what it is without compression.
func (i Image) layer() (compressed []byte, diffID string, err error) {
	var buffer bytes.Buffer
	plain := sha256.New()
	zip := gzip.NewWriter(&buffer)
	layer := tar.NewWriter(io.MultiWriter(zip, plain))
	for _, e := range i.Entries {
		if err := e.write(layer, i.Created); err != nil {
			return nil, "", err
		}
	}
	err = errors.Join(layer.Close(), zip.Close())
	return buffer.Bytes(), "sha256:" + hex.EncodeToString(plain.Sum(nil)), err
}

func (e Entry) write(to *tar.Writer, created time.Time) error {
	header := &tar.Header{
		Typeflag: tar.TypeDir, Name: strings.TrimPrefix(e.Path, "/") + "/",
		Mode: e.Mode, Uid: e.UID, Gid: e.GID, ModTime: created,
	}
	if e.File == "" {
		return to.WriteHeader(header)
	}
	file, err := os.Open(e.File)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	header.Typeflag, header.Name, header.Size = tar.TypeReg, strings.TrimPrefix(e.Path, "/"), info.Size()
	if err := to.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.Copy(to, file)
	return err
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}
