package ociarchive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

func example(t *testing.T) Image {
	t.Helper()
	program := filepath.Join(t.TempDir(), "program")
	require.NoError(t, os.WriteFile(program, []byte("a program"), 0o600))
	return Image{
		Name: "example:1.2", Created: time.Unix(1_700_000_000, 0),
		Entries: []Entry{{Path: "/tmp", Mode: 0o1777}, {Path: "/bin/program", Mode: 0o755, UID: 7, GID: 8, File: program}},
		Config:  Config{User: "10001:10001", Entrypoint: []string{"/bin/program"}, Labels: map[string]string{"b": "2", "a": "1"}},
	}
}

func write(t *testing.T, i Image) (archive []byte, digest string) {
	t.Helper()
	var b bytes.Buffer
	digest, err := i.Write(&b)
	require.NoError(t, err)
	return b.Bytes(), digest
}

// files returns the content of a tar by the names in it.
func files(t *testing.T, archive io.Reader) (headers []tar.Header, content map[string][]byte) {
	t.Helper()
	content = map[string][]byte{}
	for r := tar.NewReader(archive); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return headers, content
		}
		require.NoError(t, err)
		headers = append(headers, *h)
		content[h.Name], err = io.ReadAll(r)
		require.NoError(t, err)
	}
}

func decode(t *testing.T, text []byte) (v map[string]any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(text, &v))
	return v
}

func TestTheSameImageIsTheSameBytes(t *testing.T) {
	one, first := write(t, example(t))
	two, second := write(t, example(t)) // of a file elsewhere, written later
	require.Equal(t, first, second)
	require.True(t, bytes.Equal(one, two))

	other := example(t)
	other.Config.User = "0"
	_, third := write(t, other)
	require.NotEqual(t, first, third)
}

func TestLayoutLeadsFromTheIndexToTheLayer(t *testing.T) {
	archive, want := write(t, example(t))
	_, content := files(t, bytes.NewReader(archive))
	blob := func(d any) []byte {
		t.Helper()
		d0 := d.(map[string]any)
		text := content[descriptor{Digest: d0["digest"].(string)}.path()]
		require.Equal(t, digest(text), d0["digest"])
		require.EqualValues(t, len(text), d0["size"])
		return text
	}
	require.Equal(t, "1.0.0", decode(t, content["oci-layout"])["imageLayoutVersion"])
	entry := decode(t, content["index.json"])["manifests"].([]any)[0].(map[string]any)
	require.Equal(t, want, entry["digest"])
	require.Equal(t, map[string]any{
		"io.containerd.image.name": "docker.io/library/example:1.2", "org.opencontainers.image.ref.name": "1.2",
	}, entry["annotations"])

	manifest := decode(t, blob(entry))
	config := decode(t, blob(manifest["config"]))
	require.Equal(t, "2023-11-14T22:13:20Z", config["created"])
	require.Equal(t, "10001:10001", config["config"].(map[string]any)["User"])

	zip, err := gzip.NewReader(bytes.NewReader(blob(manifest["layers"].([]any)[0])))
	require.NoError(t, err)
	layer, err := io.ReadAll(zip)
	require.NoError(t, err)
	require.Equal(t, []any{digest(layer)}, config["rootfs"].(map[string]any)["diff_ids"])
	headers, inLayer := files(t, bytes.NewReader(layer))
	require.Equal(t, "a program", string(inLayer["bin/program"]))
	type entryOf struct {
		Name     string
		Mode     int64
		UID, GID int
	}
	var got []entryOf
	for _, h := range headers {
		got = append(got, entryOf{h.Name, h.Mode, h.Uid, h.Gid})
	}
	require.Empty(t, cmp.Diff([]entryOf{{"tmp/", 0o1777, 0, 0}, {"bin/program", 0o755, 7, 8}}, got))
}

// TestDockerFindsTheSameBlobs reads what `docker save` adds to the layout.
func TestDockerFindsTheSameBlobs(t *testing.T) {
	archive, _ := write(t, example(t))
	_, content := files(t, bytes.NewReader(archive))
	var saved []struct {
		Config           string
		RepoTags, Layers []string
	}
	require.NoError(t, json.Unmarshal(content["manifest.json"], &saved))
	require.Len(t, saved, 1)
	require.Equal(t, []string{"example:1.2"}, saved[0].RepoTags)
	require.Contains(t, content, saved[0].Config)
	require.Contains(t, content, saved[0].Layers[0])
}

func TestNamesAreQualifiedAsPodsName(t *testing.T) {
	for name, want := range map[string][2]string{
		"collector:1":                {"docker.io/library/collector:1", "1"},
		"team/collector:1":           {"docker.io/team/collector:1", "1"},
		"cluster.test/collector:1":   {"cluster.test/collector:1", "1"},
		"localhost:5000/collector:1": {"localhost:5000/collector:1", "1"},
		"localhost/collector:1":      {"localhost/collector:1", "1"},
	} {
		reference, tag := qualify(name)
		require.Equal(t, want, [2]string{reference, tag}, name)
	}
}

func TestAMissingFileIsNamed(t *testing.T) {
	image := example(t)
	image.Entries[1].File = "/no/such/program"
	_, err := image.Write(io.Discard)
	require.ErrorContains(t, err, "image example:1.2")
	require.ErrorContains(t, err, "/no/such/program")
}
