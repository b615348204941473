package ui

import (
	"bytes"
	"compress/gzip"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"
)

func read(t *testing.T, name string) []byte {
	t.Helper()
	content, err := fs.ReadFile(Files(), name)
	if err != nil {
		t.Fatalf("read %s: %v (run npm ci && npm run build in this folder)", name, err)
	}
	return content
}

func TestIndexNamesOnlyFilesThatAreThere(t *testing.T) {
	index := string(read(t, "index.html"))
	refs := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(index, -1)
	if len(refs) < 4 {
		t.Fatalf("index.html names %d files, want script, style, icon and theme:\n%s", len(refs), index)
	}
	for _, ref := range refs {
		if !strings.HasPrefix(ref[1], "./") {
			t.Errorf("index.html names %s, which is not beside it", ref[1])
		}
		read(t, path.Clean(ref[1]))
	}
}

// A script or style that the content security policy would refuse breaks the page only in a browser.
func TestIndexHasNoInlineScript(t *testing.T) {
	index := read(t, "index.html")
	if found := regexp.MustCompile(`<script(?:\s[^>]*)?>[^<]`).Find(index); found != nil {
		t.Errorf("index.html has an inline script: %s", found)
	}
}

// Namespaces and links in messages are never requested; everything else that looks like a URL would be.
var harmless = regexp.MustCompile(`^https?://(www\.w3\.org/|react\.dev/|reactflow\.dev|example\.com|localhost)`)

func TestScriptsAndStylesNameNoOtherHost(t *testing.T) {
	urls := regexp.MustCompile(`https?://[A-Za-z0-9.-]+[^\s"'` + "`" + `)]*`)
	for _, name := range assets(t) {
		for _, url := range urls.FindAllString(string(read(t, name)), -1) {
			if !harmless.MatchString(url) {
				t.Errorf("%s names %s", name, url)
			}
		}
	}
}

func TestPageIsLean(t *testing.T) {
	const most = 700_000
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	for _, name := range assets(t) {
		if _, err := w.Write(read(t, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if packed.Len() > most {
		t.Errorf("scripts and styles are %d bytes gzipped, want at most %d", packed.Len(), most)
	}
}

func TestLicencesOfWhatIsBundledAreThere(t *testing.T) {
	licences := string(read(t, "licenses.md"))
	for _, name := range []string{"react", "@xyflow/react", "@tanstack/react-query", "d3-scale", "lucide-react"} {
		if !strings.Contains(licences, name) {
			t.Errorf("licenses.md does not name %s", name)
		}
	}
}

func assets(t *testing.T) []string {
	t.Helper()
	names, err := fs.Glob(Files(), "assets/*")
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 {
		t.Fatal("no assets are embedded")
	}
	return names
}
